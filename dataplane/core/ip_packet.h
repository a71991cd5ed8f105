/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_IP_PACKET_H
#define DATAPLANE_IP_PACKET_H

/*
 * Frames that are not answered here, as far as whoever passes them on must know them. Nothing is
 * judged: what we answer is frame.h's to check. All pure.
 */

#include <stdbool.h>
#include <stdint.h>

/* An IP packet, or as much of it as there is. Its pointers are into what was read. */
struct ip_packet {
	const uint8_t *source, *destination;
	uint32_t address_size; /* 4 or 16 */
	const uint8_t *body;   /* behind the IP header; extension headers of IPv6 are there */
	uint32_t length;       /* octets there */
	uint8_t protocol, hop_limit;
	bool has_options; /* of IPv4 */
	bool fragment;
};

enum frame_content {
	FRAME_CUT_SHORT, /* before the end of the IP header, or it has none that is right */
	FRAME_HOLDS_OTHER,
	FRAME_HOLDS_IP
};

/* Reads `length` octets from an IP header on. Returns false if they hold none. */
bool ip_packet_parse(const uint8_t *ip, uint32_t length, struct ip_packet *ret_packet);

/* The same of an Ethernet frame, with up to VLAN_TAGS_MAX tags. */
enum frame_content ip_packet_of_frame(
	const uint8_t *frame, uint32_t length, struct ip_packet *ret_packet);

#endif
