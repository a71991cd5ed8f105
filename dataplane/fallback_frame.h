/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_FALLBACK_FRAME_H
#define DATAPLANE_FALLBACK_FRAME_H

/*
 * A UDP payload from a kernel socket as the frame it might have arrived in, so that the same
 * responder decides on it. Headers are written in front of the payload, nothing is copied. Pure.
 */

#include "frame.h"
#include <stddef.h>

#define FALLBACK_FRAME_HEADROOM 62 /* Ethernet, IPv6 and UDP headers */

/* Who sent the payload to whom. */
struct fallback_endpoints {
	bool ipv6;
	uint8_t source[16], destination[16]; /* IPv4: the first 4 octets; network order */
	uint16_t source_port;                /* host order */
};

/*
 * Frames `payload_length` octets (at most 65535 - 8 - 20) at `payload`, in front of which
 * FALLBACK_FRAME_HEADROOM octets may be written. The frame counts as addressed to us and its
 * checksums as verified, which the kernel did.
 */
void fallback_frame_build(struct frame *ret_frame, uint8_t *payload, uint16_t payload_length,
	const struct fallback_endpoints *endpoints);

/* The payload of a reply that the responder made of such a frame; returns its length. */
uint16_t fallback_frame_payload(const struct frame *frame, const uint8_t **ret_payload);

#endif
