/* SPDX-License-Identifier: BSD-3-Clause */
#include "reflect.h"
#include <bytes.h>
#include <checksum.h>
#include <layout.h>
#include <meridian/ntp.h>

#define UDP_LENGTH (UDP_HEADER + MERIDIAN_NTP_HEADER_SIZE)

/* What the UDP checksum is of, but the addresses, ports and NTP: both lengths and the protocol, as
 * they lie in memory. */
#define SUM_CONSTANT ((PROTOCOL_UDP << 8) + 2 * (UDP_LENGTH << 8))

/* What was stored in small pieces is not loaded again in larger ones, which would stall: sums are
 * of what is in registers. */
static void turn_ethernet(uint8_t *frame)
{
	uint64_t begin = load_u64(frame); /* to, and two octets of from */
	uint32_t end = load_u32(frame + 8);

	store_u64(frame, begin >> 48 | (uint64_t)end << 16 | begin << 48);
	store_u32(frame + 8, (uint32_t)(begin >> 16));
}

static uint64_t turn_ipv4(uint8_t *ip)
{
	uint64_t begin = load_u64(ip), addresses = load_u64(ip + 12), sum;

	begin = (begin & ~UINT64_C(0xffff0000)) | (uint64_t)(IPV4_HEADER + UDP_LENGTH) << 24;
	sum = checksum_add(checksum_add(addresses, begin), load_u32(ip + 8) & UINT16_MAX);
	store_u64(ip, begin);
	store_u16(ip + 10, (uint16_t)~checksum_fold(sum));
	store_u64(ip + 12, addresses >> 32 | addresses << 32);
	return addresses;
}

static uint64_t turn_ipv6(uint8_t *ip)
{
	uint64_t word[4], sum = 0;

	for (unsigned int i = 0; i < 4; i++) {
		word[i] = load_u64(ip + 8 + 8 * i);
		sum = checksum_add(sum, word[i]);
	}
	for (unsigned int i = 0; i < 4; i++)
		store_u64(ip + 8 + 8 * i, word[i ^ 2]);
	put_u16(ip + 4, UDP_LENGTH);
	return sum;
}

static uint64_t turn_ports(uint8_t *udp)
{
	uint32_t ports = load_u32(udp);

	store_u32(udp, ports >> 16 | ports << 16);
	put_u16(udp + 4, UDP_LENGTH);
	return ports;
}

/* Stratum 1, precision 2^-23 s, root delay 0, the least root dispersion. */
static uint64_t write_ntp(uint8_t *ntp, uint64_t receive, uint64_t transmit)
{
	uint32_t request = load_u32(ntp);
	unsigned int version = MERIDIAN_NTP_VERSION(request & 0xff);
	uint64_t word[6] = {
		(request & 0xff0000) | 1 << 8 | UINT32_C(0xe9) << 24 |
			MERIDIAN_NTP_LI_VN_MODE(0, version, MERIDIAN_NTP_MODE_SERVER),
		__builtin_bswap64(UINT64_C(1) << 32 | MERIDIAN_NTP_REFID('L', 'O', 'A', 'D')),
		__builtin_bswap64(receive & ~(uint64_t)UINT32_MAX),
		load_u64(ntp + 40),
		__builtin_bswap64(receive),
		__builtin_bswap64(transmit),
	};
	uint64_t sum = 0;

	for (unsigned int i = 0; i < 6; i++) {
		sum = checksum_add(sum, word[i]);
		store_u64(ntp + 8 * i, word[i]);
	}
	return sum;
}

bool reflect_frame(uint8_t *frame, uint32_t *length, uint64_t receive, uint64_t transmit)
{
	uint32_t at = ETHERNET_HEADER;
	uint8_t *ip, *udp;
	uint16_t ethertype;
	uint64_t sum;
	bool ipv6;

	if (*length < ETHERNET_HEADER + VLAN_TAG + IPV4_HEADER + UDP_HEADER)
		return false;
	ethertype = get_u16(frame + at - 2);
	if (ethertype == ETHERTYPE_VLAN) {
		at += VLAN_TAG;
		ethertype = get_u16(frame + at - 2);
	}
	ipv6 = ethertype == ETHERTYPE_IPV6;
	ip = frame + at;
	udp = ip + (ipv6 ? IPV6_HEADER : IPV4_HEADER);
	if ((!ipv6 && ethertype != ETHERTYPE_IPV4) ||
		*length < (uint32_t)(udp - frame) + UDP_LENGTH ||
		ip[ipv6 ? 6 : 9] != PROTOCOL_UDP || (!ipv6 && ip[0] != 0x45) ||
		get_u16(udp + 2) != MERIDIAN_NTP_PORT ||
		MERIDIAN_NTP_MODE(udp[UDP_HEADER]) != MERIDIAN_NTP_MODE_CLIENT)
		return false;
	turn_ethernet(frame);
	sum = ipv6 ? turn_ipv6(ip) : turn_ipv4(ip);
	sum = checksum_add(sum, SUM_CONSTANT + turn_ports(udp));
	sum = checksum_add(sum, write_ntp(udp + UDP_HEADER, receive, transmit));
	store_u16(udp + UDP_CHECKSUM, checksum_udp_field(sum));
	*length = (uint32_t)(udp - frame) + UDP_LENGTH;
	return true;
}
