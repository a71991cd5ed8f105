/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply_plain.h"
#include "reply_request.h"
#include <checksum.h>
#include <layout.h>
#include <meridian/ntp.h>

/* Both address families have their own code, in which `ipv6` is a constant. */
#define FAMILY static inline __attribute__((always_inline))

#define UDP_LENGTH (UDP_HEADER + MERIDIAN_NTP_HEADER_SIZE)

/* The pseudo header but the addresses, as it lies in memory. */
#define PSEUDO (((uint64_t)UDP_LENGTH + PROTOCOL_UDP) << 8)

/* Octets of a word as it lies in memory. */
#define OCTETS(a, b, c, d, e, f, g, h)                                                             \
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 |          \
		(uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 |                  \
		(uint64_t)(h) << 56)

FAMILY uint64_t sum_words(uint64_t sum, const uint8_t *data, unsigned int count)
{
#pragma GCC unroll 12
	for (unsigned int i = 0; i < count; i++)
		sum = checksum_add(sum, load_u64(data + 8 * i));
	return sum;
}

/* 0 when ports and length of the UDP header are those of the reply. Without the checksum. */
FAMILY uint64_t udp_wrong(const struct clients *clients, uint64_t request, uint64_t udp)
{
	uint64_t port = __builtin_bswap16(clients_port(clients, request));

	return (udp << 16) ^
		(OCTETS(0, MERIDIAN_NTP_PORT, 0, 0, 0, UDP_LENGTH, 0, 0) | port << 16) << 16;
}

FAMILY bool ipv4_good(const struct traffic *traffic, const uint8_t *ip, const struct reply *reply)
{
	const struct clients *clients = &traffic->spec.clients[false];
	const uint8_t *target = traffic->spec.target[reply->template->target].octet;
	uint64_t begin = load_u64(ip), udp = load_u64(ip + IPV4_HEADER);
	uint64_t addresses = load_u64(ip + 12), ttl = load_u32(ip + 8);
	uint64_t to = __builtin_bswap32(clients_ipv4(clients, reply->client));
	uint64_t ip_sum = checksum_add(checksum_add(addresses, begin), ttl);
	uint64_t udp_sum = checksum_add(checksum_add(addresses, udp), PSEUDO);
	uint64_t wrong;

	udp_sum = sum_words(udp_sum, ip + IPV4_HEADER + UDP_HEADER, 6);
	wrong = (begin & OCTETS(0xff, 0, 0xff, 0xff, 0, 0, 0, 0)) ^
		OCTETS(0x45, 0, 0, IPV4_HEADER + UDP_LENGTH, 0, 0, 0, 0);
	wrong |= (ttl & 0xff00) ^ PROTOCOL_UDP << 8;
	wrong |= addresses ^ (load_u32(target) | to << 32);
	wrong |= udp_wrong(clients, reply->request, udp);
	return wrong == 0 && udp >> 48 != 0 && checksum_good(ip_sum) && checksum_good(udp_sum);
}

FAMILY bool ipv6_good(const struct traffic *traffic, const uint8_t *ip, const struct reply *reply)
{
	const struct clients *clients = &traffic->spec.clients[true];
	const uint8_t *target = traffic->spec.target[reply->template->target].octet;
	uint64_t udp = load_u64(ip + IPV6_HEADER), to[2], wrong;
	uint64_t sum = sum_words(PSEUDO, ip + 8, 11);

	clients_ipv6(clients, reply->client, to);
	wrong = (load_u64(ip) & OCTETS(0xf0, 0, 0, 0, 0xff, 0xff, 0xff, 0)) ^
		OCTETS(0x60, 0, 0, 0, 0, UDP_LENGTH, PROTOCOL_UDP, 0);
	wrong |= load_u64(ip + 8) ^ load_u64(target);
	wrong |= load_u64(ip + 16) ^ load_u64(target + 8);
	wrong |= load_u64(ip + 24) ^ to[0];
	wrong |= load_u64(ip + 32) ^ to[1];
	wrong |= udp_wrong(clients, reply->request, udp);
	return wrong == 0 && udp >> 48 != 0 && checksum_good(sum);
}

/* What is the server's: version, mode, stratum and times. */
FAMILY bool ntp_good(const struct reply *reply)
{
	uint32_t begin = load_u32(reply->ntp);
	uint8_t expected =
		MERIDIAN_NTP_LI_VN_MODE(0, reply->template->version, MERIDIAN_NTP_MODE_SERVER);

	return (begin & 0x3f) == expected && (begin >> 8 & 0xff) <= MERIDIAN_NTP_STRATUM_MAX &&
		reply->receive != 0 && reply->transmit != 0 && (int64_t)reply->residence >= 0;
}

FAMILY bool check(const struct traffic *traffic, const uint8_t *ip, bool ipv6,
	uint64_t next_request, uint64_t now_units, struct reply *ret_reply)
{
	const uint8_t *ntp = ip + (ipv6 ? IPV6_HEADER : IPV4_HEADER) + UDP_HEADER;

	ret_reply->ntp = ntp;
	if (!reply_request(traffic, next_request, now_units, ret_reply) ||
		!ret_reply->template->plain || ret_reply->template->ipv6 != ipv6 ||
		ret_reply->interleaved)
		return false;
	ret_reply->receive = get_u64(ntp + 32);
	ret_reply->transmit = get_u64(ntp + 40);
	ret_reply->residence = ret_reply->transmit - ret_reply->receive;
	ret_reply->resided = true;
	ret_reply->client = clients_index(&traffic->spec.clients[ipv6], ret_reply->request);
	return ntp_good(ret_reply) &&
		(ipv6 ? ipv6_good(traffic, ip, ret_reply) : ipv4_good(traffic, ip, ret_reply));
}

bool reply_check_plain(const struct traffic *traffic, const uint8_t *frame, uint32_t length,
	uint64_t next_request, uint64_t now_units, struct reply *ret_reply)
{
	const uint8_t *ip = frame + traffic->ip;
	uint32_t least = traffic->ip + UDP_LENGTH;
	uint16_t ethertype;

	if (length < least + IPV4_HEADER || !traffic_tag_good(traffic, frame))
		return false;
	ethertype = get_u16(ip - 2);
	if (ethertype == ETHERTYPE_IPV4)
		return check(traffic, ip, false, next_request, now_units, ret_reply);
	if (ethertype == ETHERTYPE_IPV6 && length >= least + IPV6_HEADER)
		return check(traffic, ip, true, next_request, now_units, ret_reply);
	return false;
}
