/* SPDX-License-Identifier: BSD-3-Clause */
#include "burst_engine.h"
#include "bytes.h"
#include "checksum.h"
#include <stddef.h>

/*
 * In plain C: a few wide masked comparisons recognise a request, and the reply's UDP checksum is
 * added up from what is at hand anyway.
 */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words below are little endian");

#define INLINE static inline __attribute__((always_inline))

/* Words of a frame as they lie in memory. */
#define WORD(a, b, c, d, e, f, g, h)                                                               \
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 |          \
		(uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 |                  \
		(uint64_t)(h) << 56)
#define MAC_MASK (UINT64_MAX >> 16)

/* The pseudo header but for the addresses. */
#define PSEUDO WORD(0, PROTOCOL_UDP, 0, BURST_UDP_LENGTH, 0, 0, 0, 0)

/* Client port to be put between, checksum still 0. */
#define REPLY_UDP WORD(0, MERIDIAN_NTP_PORT, 0, 0, 0, BURST_UDP_LENGTH, 0, 0)

/* The replies of a burst in words, and what they add to each checksum. */
struct common {
	uint64_t word[3];
	uint64_t sum; /* of the second and third word and the pseudo header */
};

static void common_take(struct common *ret_common, const struct responder *responder)
{
	memcpy(ret_common->word, &responder->common, sizeof(ret_common->word));
	ret_common->sum = checksum_add(PSEUDO, ret_common->word[1]);
	ret_common->sum = checksum_add(ret_common->sum, ret_common->word[2]);
}

INLINE bool is(uint64_t word, uint64_t mask, uint64_t expected)
{
	return (word & mask) == expected;
}

INLINE bool ip_good(const uint8_t *ip, bool ipv6)
{
	if (ipv6)
		return is(load_u64(ip), WORD(0xf0, 0, 0, 0, 0xff, 0xff, 0xff, 0),
			WORD(0x60, 0, 0, 0, 0, BURST_UDP_LENGTH, PROTOCOL_UDP, 0));
	return is(load_u64(ip), WORD(0xff, 0, 0xff, 0xff, 0, 0, 0x3f, 0xff),
		       WORD(0x45, 0, 0, BURST_IP_LENGTH, 0, 0, 0, 0)) &&
		ip[9] == PROTOCOL_UDP;
}

/* From a port to ours, with a checksum. */
INLINE bool udp_good(uint64_t header)
{
	return is(header, WORD(0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0),
		       WORD(0, 0, 0, MERIDIAN_NTP_PORT, 0, BURST_UDP_LENGTH, 0, 0)) &&
		(uint16_t)header != 0 && header >> 48 != 0;
}

INLINE bool headers_good(const struct frame *frame, bool ipv6)
{
	const uint8_t *data = frame->data;

	return is(load_u64(data + MAC_SIZE), WORD(1, 0, 0, 0, 0, 0, 0xff, 0xff),
		       ipv6 ? WORD(0, 0, 0, 0, 0, 0, ETHERTYPE_IPV6 >> 8, ETHERTYPE_IPV6 & 0xff)
			    : WORD(0, 0, 0, 0, 0, 0, ETHERTYPE_IPV4 >> 8, 0)) &&
		ip_good(data + ETHERNET_HEADER, ipv6) &&
		udp_good(load_u64(data + (ipv6 ? BURST_UDP_IPV6 : BURST_UDP_IPV4)));
}

struct ours {
	const struct served *served;
};

INLINE void ours_take(struct ours *ret_ours, const struct served *served, bool ipv6)
{
	(void)ipv6;
	ret_ours->served = served;
}

INLINE bool addresses_served(const struct ours *ours, const uint8_t *addresses, bool ipv6)
{
	const struct served *served = ours->served;

	if (ipv6)
		return served_contains_ipv6(served, addresses + 16) &&
			!served_contains_ipv6(served, addresses);
	return served_contains_ipv4(served, load_u32(addresses + 4)) &&
		!served_contains_ipv4(served, load_u32(addresses));
}

/* Client and server change places. */
INLINE void turn_ethernet(uint8_t *data)
{
	uint64_t server = load_u64(data) & MAC_MASK;
	uint64_t client = load_u64(data + MAC_SIZE) & MAC_MASK;

	store_u64(data, client | server << 48);
	store_u32(data + 8, (uint32_t)(server >> 16));
}

INLINE void turn_ipv4(uint8_t *ip)
{
	const uint64_t first = WORD(0x45, 0, 0, BURST_IP_LENGTH, 0, 0, IPV4_DONT_FRAGMENT >> 8, 0);
	const uint64_t ttl_protocol = WORD(REPLY_TTL, PROTOCOL_UDP, 0, 0, 0, 0, 0, 0);
	uint32_t client = load_u32(ip + 12), server = load_u32(ip + 16);
	uint64_t sum = checksum_add(first, ttl_protocol) + client;
	uint16_t checksum = (uint16_t)~checksum_fold(checksum_add(sum, server));

	store_u64(ip, first);
	store_u64(ip + 8, ttl_protocol | (uint64_t)checksum << 16 | (uint64_t)server << 32);
	store_u32(ip + 16, client);
}

INLINE void turn_ipv6(uint8_t *ip)
{
	uint64_t client[2] = {load_u64(ip + 8), load_u64(ip + 16)};
	uint64_t server[2] = {load_u64(ip + 24), load_u64(ip + 32)};

	store_u64(ip, WORD(0x60, 0, 0, 0, 0, BURST_UDP_LENGTH, PROTOCOL_UDP, REPLY_TTL));
	memcpy(ip + 8, server, sizeof(server));
	memcpy(ip + 24, client, sizeof(client));
}

INLINE void reply(struct frame *frame, const struct common *common, bool ipv6, uint8_t leap)
{
	uint8_t *data = frame->data, *ntp = data + (ipv6 ? BURST_NTP_IPV6 : BURST_NTP_IPV4);
	uint8_t *udp = ntp - UDP_HEADER;
	uint64_t ports = REPLY_UDP | (load_u64(udp) & UINT16_MAX) << 16;
	uint64_t origin = load_u64(ntp + offsetof(struct meridian_ntp_header, transmit));
	uint64_t receive = __builtin_bswap64(frame->receive);
	uint64_t head = common->word[0] |
		(uint64_t)ntp[offsetof(struct meridian_ntp_header, poll)] << 16 |
		MERIDIAN_NTP_LI_VN_MODE(
			leap, MERIDIAN_NTP_VERSION(ntp[0]), MERIDIAN_NTP_MODE_SERVER);
	uint64_t sum = ipv6 ? checksum_add_words(common->sum, data + BURST_ADDRESSES_IPV6, 32)
			    : checksum_add_words(common->sum, data + BURST_ADDRESSES_IPV4, 8);

	sum = checksum_add(checksum_add(sum, ports), head);
	frame->udp_sum = checksum_add(checksum_add(sum, origin), receive);
	turn_ethernet(data);
	if (ipv6)
		turn_ipv6(data + ETHERNET_HEADER);
	else
		turn_ipv4(data + ETHERNET_HEADER);
	store_u64(udp, ports);
	store_u64(ntp, head);
	memcpy(ntp + 8, &common->word[1], 16);
	store_u64(ntp + offsetof(struct meridian_ntp_header, origin), origin);
	store_u64(ntp + offsetof(struct meridian_ntp_header, receive), receive);
}

#include "burst_loop.h"

const struct burst_engine burst_engine_plain = {"plain", classify, finish, shape};
