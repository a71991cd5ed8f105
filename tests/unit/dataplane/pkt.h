/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_PKT_H
#define TEST_PKT_H

/*
 * Builds NTP frames for tests and seeds, and checks their checksums with code of its own: plain
 * and slow, so that it does not share a mistake with what it tests.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PKT_MAX      2048
#define PKT_NTP_SIZE 48

extern const uint8_t pkt_client_mac[6], pkt_server_mac[6];
extern const uint8_t pkt_client_ipv4[4], pkt_server_ipv4[4];
extern const uint8_t pkt_client_ipv6[16], pkt_server_ipv6[16];

struct pkt {
	uint8_t data[PKT_MAX];
	uint32_t length;
	uint32_t ip, udp, payload; /* offsets */
	bool ipv6;
};

/* What differs between frames; all zero is an untagged IPv4 frame from port 40000 to 123. */
struct pkt_spec {
	bool ipv6;
	int vlan_tags;    /* 0..3: 0x88a8 outside, 0x8100 inside */
	uint16_t sport;   /* 0: 40000 */
	uint16_t padding; /* octets after the IP packet */
	bool no_udp_checksum;
};

/* Client to server, with `length` octets of payload. */
void pkt_build(struct pkt *ret_pkt, struct pkt_spec spec, const uint8_t *payload, size_t length);

/* The 48 octets of a request with a transmit timestamp and nothing else. */
void pkt_ntp(uint8_t payload[PKT_NTP_SIZE], uint8_t li_vn_mode, uint64_t transmit);

/* Appends an extension field of `length` octets. Returns the new length of the payload. */
size_t pkt_extension(uint8_t *payload, size_t at, uint16_t type, uint16_t length);

/* Writes both checksums anew after a change; tells whether those of any frame are right. */
void pkt_checksum(struct pkt *pkt);
bool pkt_checksum_ipv4_good(const uint8_t *ip);
bool pkt_checksum_udp_good(const uint8_t *ip, const uint8_t *udp, bool ipv6);

uint64_t pkt_u64(const uint8_t *from);

#endif
