/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt.h"
#include <string.h>

const uint8_t pkt_client_mac[6] = {0x02, 0, 0, 0, 0, 0x0c};
const uint8_t pkt_server_mac[6] = {0x02, 0, 0, 0, 0, 0x05};
const uint8_t pkt_client_ipv4[4] = {192, 0, 2, 1};
const uint8_t pkt_server_ipv4[4] = {192, 0, 2, 123};
const uint8_t pkt_client_ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x01};
const uint8_t pkt_server_ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = 0x01, [15] = 0x23};

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *from)
{
	return (uint32_t)from[0] << 8 | from[1];
}

uint64_t pkt_u64(const uint8_t *from)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | from[i];
	return value;
}

static uint32_t ones_sum(uint32_t sum, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint32_t udp_sum(const uint8_t *ip, const uint8_t *udp, bool ipv6)
{
	uint32_t length = get16(udp + 4);
	uint32_t sum = ones_sum(17 + length, ipv6 ? ip + 8 : ip + 12, ipv6 ? 32 : 8);

	return ones_sum(sum, udp, length);
}

bool pkt_checksum_ipv4_good(const uint8_t *ip)
{
	return ones_sum(0, ip, 20) == 0xffff;
}

bool pkt_checksum_udp_good(const uint8_t *ip, const uint8_t *udp, bool ipv6)
{
	return get16(udp + 6) != 0 && udp_sum(ip, udp, ipv6) == 0xffff;
}

void pkt_checksum(struct pkt *pkt)
{
	uint8_t *ip = pkt->data + pkt->ip, *udp = pkt->data + pkt->udp;
	uint32_t sum;

	if (!pkt->ipv6) {
		put16(ip + 10, 0);
		put16(ip + 10, ~ones_sum(0, ip, 20));
	}
	put16(udp + 6, 0);
	sum = ~udp_sum(ip, udp, pkt->ipv6) & 0xffff;
	put16(udp + 6, sum ? sum : 0xffff);
}

static uint32_t build_ethernet(uint8_t *data, struct pkt_spec spec)
{
	uint32_t at = 12;

	memcpy(data, pkt_server_mac, 6);
	memcpy(data + 6, pkt_client_mac, 6);
	for (int tag = 0; tag < spec.vlan_tags; tag++, at += 4) {
		put16(data + at, tag + 1 < spec.vlan_tags ? 0x88a8 : 0x8100);
		put16(data + at + 2, (uint32_t)(0x6000 + 100 + tag));
	}
	put16(data + at, spec.ipv6 ? 0x86dd : 0x0800);
	return at + 2;
}

static void build_ipv4(uint8_t *ip, uint32_t payload)
{
	ip[0] = 0x45;
	ip[1] = 0xb8;
	put16(ip + 2, 20 + payload);
	put16(ip + 4, 0x1234);
	ip[8] = 57;
	ip[9] = 17;
	memcpy(ip + 12, pkt_client_ipv4, 4);
	memcpy(ip + 16, pkt_server_ipv4, 4);
}

static void build_ipv6(uint8_t *ip, uint32_t payload)
{
	ip[0] = 0x6b;
	ip[1] = 0x8a;
	ip[3] = 0x77;
	put16(ip + 4, payload);
	ip[6] = 17;
	ip[7] = 57;
	memcpy(ip + 8, pkt_client_ipv6, 16);
	memcpy(ip + 24, pkt_server_ipv6, 16);
}

void pkt_build(struct pkt *ret_pkt, struct pkt_spec spec, const uint8_t *payload, size_t length)
{
	uint32_t udp_length = (uint32_t)length + 8;
	uint8_t *udp;

	memset(ret_pkt, 0, sizeof(*ret_pkt));
	ret_pkt->ipv6 = spec.ipv6;
	ret_pkt->ip = build_ethernet(ret_pkt->data, spec);
	ret_pkt->udp = ret_pkt->ip + (spec.ipv6 ? 40 : 20);
	ret_pkt->payload = ret_pkt->udp + 8;
	ret_pkt->length = ret_pkt->udp + udp_length + spec.padding;
	if (spec.ipv6)
		build_ipv6(ret_pkt->data + ret_pkt->ip, udp_length);
	else
		build_ipv4(ret_pkt->data + ret_pkt->ip, udp_length);
	udp = ret_pkt->data + ret_pkt->udp;
	put16(udp, spec.sport ? spec.sport : 40000);
	put16(udp + 2, 123);
	put16(udp + 4, udp_length);
	memcpy(udp + 8, payload, length);
	pkt_checksum(ret_pkt);
	if (spec.no_udp_checksum)
		put16(udp + 6, 0);
}

void pkt_ntp(uint8_t payload[PKT_NTP_SIZE], uint8_t li_vn_mode, uint64_t transmit)
{
	memset(payload, 0, PKT_NTP_SIZE);
	payload[0] = li_vn_mode;
	payload[2] = 6;
	payload[3] = 0x20;
	for (int i = 0; i < 8; i++)
		payload[40 + i] = (uint8_t)(transmit >> (56 - 8 * i));
}

size_t pkt_extension(uint8_t *payload, size_t at, uint16_t type, uint16_t length)
{
	memset(payload + at, 0xee, length);
	put16(payload + at, type);
	put16(payload + at + 2, length);
	return at + length;
}
