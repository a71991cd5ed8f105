/* SPDX-License-Identifier: BSD-3-Clause */
#include "setup.h"
#include <pkt.h>
#include <string.h>

void setup_spec(struct traffic_spec *ret_spec, bool ipv6, const uint32_t weight[REQUEST_KIND_COUNT])
{
	static const uint8_t target_mac[6] = {2, 0, 0, 0, 0, 1}, source_mac[6] = {2, 0, 0, 0, 0, 2};
	static const uint8_t octets[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct prefix prefix[2];

	*ret_spec = (struct traffic_spec){
		.target_count = 1, .vlan = -1, .token_key = UINT64_C(0x0123456789abcdef)};
	address_parse(&ret_spec->target[0], ipv6 ? "2001:db8::1" : "192.0.2.1");
	memcpy(ret_spec->target_mac[0], target_mac, 6);
	memcpy(ret_spec->source_mac, source_mac, 6);
	memcpy(ret_spec->weight, weight, sizeof(ret_spec->weight));
	prefix_parse(&prefix[0], "10.0.0.0/8");
	prefix_parse(&prefix[1], "2001:db8:1::/64");
	for (int family = 0; family < 2; family++) {
		clients_init(&ret_spec->clients[family], prefix, 2, family, 1000);
		ret_spec->clients[family].port_low = 1024;
		ret_spec->clients[family].port_count = 64512;
	}
	mac_key_init(&ret_spec->key, 7, MERIDIAN_KEY_AES128, octets, sizeof(octets));
}

static void frame_to_pkt(struct pkt *pkt, const uint8_t *frame, uint32_t length)
{
	memset(pkt, 0, sizeof(*pkt));
	memcpy(pkt->data, frame, length);
	pkt->length = length;
	pkt->ip = 14;
	pkt->ipv6 = frame[12] == 0x86;
	pkt->udp = pkt->ipv6 ? 54 : 34;
	pkt->payload = pkt->udp + 8;
}

void setup_checksum(uint8_t *frame, uint32_t length)
{
	struct pkt pkt;

	frame_to_pkt(&pkt, frame, length);
	pkt_checksum(&pkt);
	memcpy(frame, pkt.data, length);
}

bool setup_checksum_good(const uint8_t *frame)
{
	bool ipv6 = frame[12] == 0x86;

	return (ipv6 || pkt_checksum_ipv4_good(frame + 14)) &&
		pkt_checksum_udp_good(frame + 14, frame + (ipv6 ? 54 : 34), ipv6);
}

static void swap(uint8_t *a, uint8_t *b, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++) {
		uint8_t octet = a[i];

		a[i] = b[i];
		b[i] = octet;
	}
}

static void put64(uint8_t *to, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		to[i] = (uint8_t)(value >> (56 - 8 * i));
}

void setup_answer(uint8_t *frame, uint32_t *length, uint64_t receive, uint64_t transmit)
{
	bool ipv6 = frame[12] == 0x86;
	uint8_t *ip = frame + 14, *udp = ip + (ipv6 ? 40 : 20), *ntp = udp + 8;

	swap(frame, frame + 6, 6);
	swap(ip + (ipv6 ? 8 : 12), ip + (ipv6 ? 24 : 16), ipv6 ? 16 : 4);
	swap(udp, udp + 2, 2);
	memcpy(ntp + 24, ntp + 40, 8);
	ntp[0] = (uint8_t)((ntp[0] & 0x38) | 4);
	ntp[1] = 2;
	memcpy(ntp + 12, "\xc0\x00\x02\x63", 4);
	put64(ntp + 32, receive);
	put64(ntp + 40, transmit);
	setup_checksum(frame, *length);
}
