/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_BPF_FRAMES_H
#define TESTS_BPF_FRAMES_H

/* Frames for the XDP program: an NTP request, and every way in which one can differ. */

#include <bpf/libbpf.h>
#include <stdint.h>
#include <steer_map.h>

#define FRAME_SIZE_MAX   160
#define FRAME_HOP_BY_HOP 256 /* next header 0 */

struct frame {
	uint8_t octets[FRAME_SIZE_MAX];
	uint32_t length;
};

/* What is made different from a plain request; zero-initialised is plain IPv4. */
struct frame_spec {
	const char *name;
	enum steer_reason expected;
	uint16_t vlan[3];     /* tag protocols; 0: no tag */
	uint16_t protocol;    /* EtherType; 0: that of the IP version */
	uint8_t ipv6;         /* 0: IPv4 */
	uint8_t version;      /* in the IP header; 0: the right one */
	uint8_t options;      /* 32-bit words of IPv4 options */
	uint16_t fragment;    /* flags and offset of IPv4 */
	uint16_t next_header; /* 0: UDP; else 8 octets of such a header follow IPv6 */
	uint8_t not_served;   /* destination address */
	uint16_t port;        /* destination; 0: 123 */
	uint16_t source_port; /* 0: 40000 */
};

extern const uint8_t frame_ipv4[4], frame_ipv6[16]; /* served */

void frame_build(struct frame *frame, const struct frame_spec *spec);

#endif
