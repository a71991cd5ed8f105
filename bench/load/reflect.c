/* SPDX-License-Identifier: BSD-3-Clause */
#include "reflect.h"
#include "checksum.h"
#include <bytes.h>
#include <meridian/ntp.h>

#define IPV4_HEADER  20
#define IPV6_HEADER  40
#define UDP_HEADER   8
#define PROTOCOL_UDP 17
#define UDP_LENGTH   (UDP_HEADER + MERIDIAN_NTP_HEADER_SIZE)

static inline void swap(uint8_t *a, uint8_t *b, size_t size)
{
	uint8_t saved[16];

	memcpy(saved, a, size);
	memcpy(a, b, size);
	memcpy(b, saved, size);
}

static uint64_t turn_ipv4(uint8_t *ip)
{
	swap(ip + 12, ip + 16, 4);
	put_u16(ip + 2, IPV4_HEADER + UDP_LENGTH);
	ip[10] = ip[11] = 0;
	checksum_put(ip + 10, checksum_add_words(0, ip, IPV4_HEADER / 4));
	return checksum_add_words(0, ip + 12, 2);
}

static uint64_t turn_ipv6(uint8_t *ip)
{
	uint8_t saved[16];

	memcpy(saved, ip + 8, 16);
	memcpy(ip + 8, ip + 24, 16);
	memcpy(ip + 24, saved, 16);
	put_u16(ip + 4, UDP_LENGTH);
	return checksum_add_words(0, ip + 8, 8);
}

static void write_ntp(uint8_t *ntp, uint64_t receive, uint64_t transmit)
{
	unsigned int version = MERIDIAN_NTP_VERSION(ntp[0]);

	memcpy(ntp + 24, ntp + 40, 8);
	ntp[0] = MERIDIAN_NTP_LI_VN_MODE(0, version, MERIDIAN_NTP_MODE_SERVER);
	ntp[1] = 1;
	ntp[3] = (uint8_t)-23;
	put_u64(ntp + 4, 1); /* root delay 0, the least root dispersion */
	put_u32(ntp + 12, MERIDIAN_NTP_REFID('L', 'O', 'A', 'D'));
	put_u64(ntp + 16, receive & ~(uint64_t)UINT32_MAX);
	put_u64(ntp + 32, receive);
	put_u64(ntp + 40, transmit);
}

bool reflect_frame(uint8_t *frame, uint32_t *length, uint64_t receive, uint64_t transmit)
{
	uint32_t at = 14;
	uint8_t *ip, *udp;
	uint64_t sum;
	bool ipv6;

	if (*length < 18 + IPV4_HEADER + UDP_HEADER)
		return false;
	if (get_u16(frame + at - 2) == 0x8100)
		at += 4;
	ipv6 = get_u16(frame + at - 2) == 0x86dd;
	ip = frame + at;
	udp = ip + (ipv6 ? IPV6_HEADER : IPV4_HEADER);
	if ((!ipv6 && get_u16(frame + at - 2) != 0x0800) ||
		*length < (uint32_t)(udp - frame) + UDP_LENGTH ||
		ip[ipv6 ? 6 : 9] != PROTOCOL_UDP || (!ipv6 && ip[0] != 0x45) ||
		get_u16(udp + 2) != MERIDIAN_NTP_PORT ||
		MERIDIAN_NTP_MODE(udp[UDP_HEADER]) != MERIDIAN_NTP_MODE_CLIENT)
		return false;
	swap(frame, frame + 6, 6);
	sum = ipv6 ? turn_ipv6(ip) : turn_ipv4(ip);
	swap(udp, udp + 2, 2);
	put_u16(udp + 4, UDP_LENGTH);
	put_u16(udp + 6, 0);
	write_ntp(udp + UDP_HEADER, receive, transmit);
	sum += (PROTOCOL_UDP << 8) + (UDP_LENGTH << 8); /* as they lie in memory */
	checksum_put_udp(udp + 6, checksum_add_words(sum, udp, UDP_LENGTH / 4));
	*length = (uint32_t)(udp - frame) + UDP_LENGTH;
	return true;
}
