/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_MATRIX_H
#define TESTS_MATRIX_H

/*
 * The acceptance matrix: every kind of frame that a server is asked with, and what becomes of it.
 * This table is tried on the pure reply path and its engines (tests/unit/dataplane), on the XDP
 * program (tests/bpf), and over the wire through XDP, AF_XDP and the fallback
 * (tests/system/30-frames.sh). A new kind of frame is one line in rows.c.
 */

#include <meridian/stats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MATRIX_FRAME_MAX  2048
#define MATRIX_FRAMES_MAX 2

/* Where the plain request goes, and who may ask. The lab's addresses. */
#define MATRIX_SERVER_IPV4 "192.0.2.1"
#define MATRIX_CLIENT_IPV4 "192.0.2.2"
#define MATRIX_SERVER_IPV6 "2001:db8:1::1"
#define MATRIX_CLIENT_IPV6 "2001:db8:1::2"
#define MATRIX_CLIENT_LINK "fe80::2"
#define MATRIX_PREFIX_IPV4 24 /* of the clients that are allowed */
#define MATRIX_PREFIX_IPV6 64

/* A key that the server has, of type SHA256. */
#define MATRIX_KEY        1
#define MATRIX_KEY_SECRET "key-of-the-matrix"

/* Which way a frame takes on an interface with our XDP program. */
enum matrix_way {
	MATRIX_STEERED, /* to the dataplane: the verdict is what becomes of it */
	MATRIX_KERNEL,  /* to the kernel, which delivers it: the fallback answers */
	MATRIX_LOST,    /* to the kernel, and the kernel or the fallback drops it */
};

enum matrix_mac {
	MATRIX_MAC_OURS,
	MATRIX_MAC_OTHER,
	MATRIX_MAC_BROADCAST,
	MATRIX_MAC_MULTICAST,
};

enum matrix_checksum {
	MATRIX_CHECKSUM_GOOD,
	MATRIX_CHECKSUM_WRONG,
	MATRIX_CHECKSUM_NONE
};

/* Values where 0 stands for that of a plain request. */
#define MATRIX_NTP(version, mode) (UINT16_C(0x100) | (version) << 3 | (mode))
#define MATRIX_NEXT(type)         (UINT16_C(0x100) | (type))
#define MATRIX_ZERO               UINT32_C(0x10000) /* a port or length of 0 */

/*
 * A row: the verdict of the reply path on each of its frames, and how they differ from a plain
 * request: IPv4, untagged, version 4, mode 3, 48 octets, from MATRIX_CLIENT_IPV4 port 40123.
 */
struct matrix_row {
	const char *name;
	enum meridian_verdict verdict;
	enum matrix_way way;
	enum meridian_verdict ntpv5; /* the verdict where NTPv5 is spoken; `answered`: the same */
	bool kernel_answers; /* the verdict drops what the kernel would deliver: differences.md */
	bool ipv6;

	enum matrix_mac mac;
	bool group_source; /* source MAC is a group's */
	struct {
		uint16_t tpid, tci;
	} tag[3];
	uint16_t ethertype;
	uint16_t padding; /* octets after the IP packet */

	const char *source, *destination; /* addresses */
	uint8_t version, ihl;             /* of IP */
	const char *options;              /* of IPv4, `option_words` of 4 octets */
	uint8_t option_words;
	uint16_t extension; /* MATRIX_NEXT(): an IPv6 extension header of 8 octets */
	uint8_t protocol;
	bool fragments;    /* in two */
	uint16_t fragment; /* flags and offset of IPv4 */
	int ip_more;       /* added to the length in the IP header */
	enum matrix_checksum ip_checksum;

	uint32_t source_port, port;
	int udp_more;     /* added to the length in the UDP header */
	uint16_t surplus; /* octets of the IP packet after the UDP datagram */
	enum matrix_checksum udp_checksum;

	uint16_t first;      /* MATRIX_NTP(), or with a leap indicator */
	uint32_t length;     /* of the NTP header */
	bool no_transmit;    /* the transmit timestamp (version 5: client cookie) is 0 */
	bool upgrade;        /* the reference timestamp asks for NTPv5 */
	int8_t poll;         /* log2 s */
	const char *draft;   /* the first extension field is NTPv5's Draft Identification */
	uint8_t draft_more;  /* octets of 0 that count as part of its name */
	uint16_t field[4];   /* lengths of extension fields */
	uint16_t field_type; /* 0: 0x0104 */
	uint32_t claim;      /* what the first field says about its length */
	uint16_t rest;       /* octets at the end: a MAC where it is a MAC's length */
	uint32_t key;        /* the key ID at its beginning */
	bool is_signed;      /* the rest is the MAC of MATRIX_KEY; the reply has one as long */
};

extern const struct matrix_row matrix_rows[];
extern const size_t matrix_row_count;

struct matrix_wire {
	uint8_t server_mac[6], client_mac[6];
};

struct matrix_frame {
	uint8_t octets[MATRIX_FRAME_MAX];
	uint32_t length;
	uint32_t ntp; /* offset of the NTP packet; 0 in a fragment */
};

/* Builds the frames of a row: one, or the fragments of one. `transmit` tells requests apart.
 * Returns how many. */
unsigned int matrix_build(const struct matrix_row *row, const struct matrix_wire *wire,
	uint64_t transmit, struct matrix_frame frame[MATRIX_FRAMES_MAX]);

/* The row's verdict where NTPv5 is spoken. */
enum meridian_verdict matrix_verdict_ntpv5(const struct matrix_row *row);

/* Version and mode that the reply must have. */
uint8_t matrix_reply_first(const struct matrix_row *row);

#endif
