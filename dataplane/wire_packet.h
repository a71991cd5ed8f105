/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WIRE_PACKET_H
#define DATAPLANE_WIRE_PACKET_H

/* Frames between a NIC and the kernel that hold a question of NTP, or an answer. Pure. */

#include <meridian/ntp.h>
#include <meridian/wire_stamps.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Reads a frame of `length` octets at `data`, if it holds an NTP packet of mode `mode` that is no
 * fragment and has no IP options or extension headers: its header, and the server that it goes to
 * (MERIDIAN_NTP_MODE_CLIENT) or comes from (MERIDIAN_NTP_MODE_SERVER), for a key without a number.
 * Checksums are not looked at: the kernel does that. Returns false for all other frames.
 */
bool wire_packet_read(const uint8_t *data, uint32_t length, uint8_t mode,
	struct meridian_ntp_header *ret_header, struct meridian_wire_key *ret_key);

#endif
