/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_FRAME_H
#define DATAPLANE_FRAME_H

/*
 * Ethernet to UDP: find the NTP payload of a request frame, and turn the frame round into the
 * reply's headers in place. Every length is checked again; nothing that an XDP program or a NIC
 * promised is relied upon.
 */

#include "bytes.h"
#include <meridian/stats.h>
#include <stdbool.h>
#include <stdint.h>

#define FRAME_BASIC       0
#define FRAME_ASKS        1 /* for interleaved replies: when this basic one left is to be saved */
#define FRAME_INTERLEAVED 2 /* tells when the reply before left; the same is to be saved */

/* A frame in contiguous memory that its caller owns and that may be written. */
struct frame {
	uint8_t *data;      /* Ethernet header */
	uint32_t length;    /* octets at data; after an answer, the octets to send */
	uint32_t key;       /* of an answer: keyring_key() that signs it; 0: none */
	uint64_t mac;       /* of frame_mac(): our address, the only destination accepted */
	bool checksum_good; /* the NIC or the kernel has verified IP and UDP checksums */

	/* Set by frame_parse(): offsets from data. */
	uint16_t ip, udp, payload;
	uint16_t payload_length;
	bool ipv6;

	/* Set by responder_classify() for an answer. */
	uint16_t mac_at;      /* with a key: where its MAC is, from the payload on */
	int8_t leap_offset_s; /* leap second applied to T2, and hence to T3: -1, 0 or 1 */
	uint8_t interleave;   /* FRAME_* */
	uint64_t receive;     /* T2, the receive timestamp in the reply */
	uint64_t earlier;     /* INTERLEAVED: transmit timestamp of the reply before */

	/* Set by burst_classify() for an answer: what its UDP checksum is over, but T3. */
	uint64_t udp_sum;
};
_Static_assert(sizeof(struct frame) == 64, "as much as a cache line");

/* A MAC address as frames are compared with it: as it lies in memory, shifted up. */
static inline uint64_t frame_mac(const uint8_t mac[6])
{
	uint64_t word = 0;

	memcpy(&word, mac, 6);
	return word << 16;
}

/* Is a frame of at least 8 octets for the address `mac`? */
static inline bool frame_is_for(const uint8_t *data, uint64_t mac)
{
	return load_u64(data) << 16 == mac;
}

/* Parses and checks the headers up to UDP. Returns MERIDIAN_VERDICT_answered when the payload is
 * worth reading, else the verdict. Does not look at whether the addresses are served. */
enum meridian_verdict frame_parse(struct frame *frame);

/* Source or destination address of a parsed frame: 4 octets, or 16 if frame->ipv6. */
const uint8_t *frame_source(const struct frame *frame);
const uint8_t *frame_destination(const struct frame *frame);

/* Source port of a parsed frame. */
uint16_t frame_source_port(const struct frame *frame);

/* Swaps addresses and ports, writes lengths for `payload_length` octets (not above the
 * request's), TTL and the IPv4 checksum. VLAN tags are kept. */
void frame_turn(struct frame *frame, uint16_t payload_length);

/* Sum over the UDP datagram of a turned frame, its checksum included, and its pseudo header. */
uint64_t frame_sum_udp(const struct frame *frame);

/* Writes the UDP checksum of a turned frame whose payload is complete. */
void frame_checksum_udp(struct frame *frame);

#endif
