/* SPDX-License-Identifier: BSD-3-Clause */
#include "burst_engine.h"
#include "bytes.h"
#include "checksum.h"
#include <stdalign.h>
#include <stddef.h>

/*
 * With AVX-512: the headers of a frame are one register. Those of a request are recognised by one
 * masked comparison, and turned into those of its reply by one permutation.
 */

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

#define REGISTER 64 /* octets */

/* Of the first eight octets of a request, the reply keeps version and poll. */
#define KEPT (0x38 | 0xff << 8 * offsetof(struct meridian_ntp_header, poll))

#define BITS(first, count) (((UINT64_C(1) << (count)) - 1) << (first))

/* A family's headers, octet by octet. */
struct image {
	alignas(REGISTER) uint8_t care[REGISTER]; /* bits that a request must have as `expected` */
	alignas(REGISTER) uint8_t expected[REGISTER];
	alignas(REGISTER) uint8_t reply[REGISTER]; /* what is the same in every reply */
	alignas(REGISTER) uint8_t from[REGISTER];  /* where an octet of the reply is from, */
	uint64_t turned;                           /* if it is one of these */
	uint32_t present; /* 16-bit words that must not be 0: source port, UDP checksum */
};

static const struct image image_ipv4 = {
	.care = {[MAC_SIZE] = 1,
		[12] = 0xff,
		0xff,
		[14] = 0xff,
		[16] = 0xff,
		0xff,
		[20] = 0x3f,
		0xff,
		[23] = 0xff,
		[36] = 0xff,
		0xff,
		0xff,
		0xff},
	.expected = {[12] = 0x08,
		0x00,
		[14] = 0x45,
		[17] = BURST_IP_LENGTH,
		[23] = PROTOCOL_UDP,
		[37] = MERIDIAN_NTP_PORT,
		[39] = BURST_UDP_LENGTH},
	.reply = {[12] = 0x08,
		0x00,
		[14] = 0x45,
		[17] = BURST_IP_LENGTH,
		[20] = IPV4_DONT_FRAGMENT >> 8,
		[22] = REPLY_TTL,
		PROTOCOL_UDP,
		[35] = MERIDIAN_NTP_PORT,
		[39] = BURST_UDP_LENGTH},
	.from = {6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, [26] = 30, 31, 32, 33, 26, 27, 28,
		29, [36] = 34, 35},
	.turned = BITS(0, 12) | BITS(26, 8) | BITS(36, 2),
	.present = BITS(17, 1) | BITS(20, 1),
};

static const struct image image_ipv6 = {
	.care = {[MAC_SIZE] = 1,
		[12] = 0xff,
		0xff,
		[14] = 0xf0,
		[18] = 0xff,
		0xff,
		0xff,
		[56] = 0xff,
		0xff,
		0xff,
		0xff},
	.expected = {[12] = 0x86,
		0xdd,
		[14] = 0x60,
		[19] = BURST_UDP_LENGTH,
		PROTOCOL_UDP,
		[57] = MERIDIAN_NTP_PORT,
		[59] = BURST_UDP_LENGTH},
	.reply = {[12] = 0x86,
		0xdd,
		[14] = 0x60,
		[19] = BURST_UDP_LENGTH,
		PROTOCOL_UDP,
		REPLY_TTL,
		[55] = MERIDIAN_NTP_PORT,
		[59] = BURST_UDP_LENGTH},
	.from = {6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, [22] = 38, 39, 40, 41, 42, 43, 44, 45, 46,
		47, 48, 49, 50, 51, 52, 53, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
		36, 37, [56] = 54, 55},
	.turned = BITS(0, 12) | BITS(22, 32) | BITS(56, 2),
	.present = BITS(27, 1) | BITS(30, 1),
};

/* The replies of a burst. */
struct common {
	uint64_t head; /* first eight octets */
	__m128i rest;  /* up to the origin timestamp */
	uint64_t sum;  /* what all replies add to their UDP checksum */
};

INLINE __m512i load(const void *from)
{
	return _mm512_loadu_si512(from);
}

static void common_take(struct common *ret_common, const struct responder *responder)
{
	const uint8_t *ntp = (const uint8_t *)&responder->common;
	const uint32_t pseudo = (PROTOCOL_UDP + BURST_UDP_LENGTH) << 8;
	const uint32_t port_length = (MERIDIAN_NTP_PORT + BURST_UDP_LENGTH) << 8;

	ret_common->head = load_u64(ntp);
	ret_common->rest = _mm_loadu_si128((const __m128i *)(const void *)(ntp + 8));
	ret_common->sum = checksum_add_words(pseudo + port_length, ntp + 8, 16);
}

INLINE bool headers_good(const struct frame *frame, bool ipv6)
{
	const struct image *image = ipv6 ? &image_ipv6 : &image_ipv4;
	__m512i headers = load(frame->data);
	__m512i difference = _mm512_xor_si512(headers, load(image->expected));
	__mmask32 wrong = _mm512_test_epi16_mask(difference, load(image->care));
	__mmask32 absent = _mm512_mask_testn_epi16_mask(image->present, headers, headers);

	return _kortestz_mask32_u8(wrong, absent);
}

/* The served addresses of a family. If they are few, they are all looked at at once. */
struct ours {
	const struct served *served;
	bool is_few;
	__m512i few;
};

INLINE void ours_take(struct ours *ret_ours, const struct served *served, bool ipv6)
{
	ret_ours->served = served;
	ret_ours->is_few = ipv6 ? served->has_few_ipv6 : served->has_few_ipv4;
	ret_ours->few = ipv6 ? load(served->few_ipv6) : load(served->few_ipv4);
}

INLINE bool is_one_of_few(__m512i few, const uint8_t *address, bool ipv6)
{
	__m128i wanted;
	uint32_t halves;

	if (!ipv6)
		return _mm512_cmpeq_epi32_mask(_mm512_set1_epi32((int)load_u32(address)), few) != 0;
	wanted = _mm_loadu_si128((const __m128i *)(const void *)address);
	halves = _mm512_cmpeq_epi64_mask(_mm512_broadcast_i32x4(wanted), few);
	return (halves & halves >> 1 & 0x55) != 0;
}

INLINE bool addresses_served(const struct ours *ours, const uint8_t *addresses, bool ipv6)
{
	const struct served *served = ours->served;

	if (__builtin_expect(ours->is_few, 1))
		return is_one_of_few(ours->few, addresses + (ipv6 ? 16 : 4), ipv6) &&
			!is_one_of_few(ours->few, addresses, ipv6);
	return ipv6 ? served_contains_ipv6(served, addresses + 16) &&
			!served_contains_ipv6(served, addresses)
		    : served_contains_ipv4(served, load_u32(addresses + 4)) &&
			!served_contains_ipv4(served, load_u32(addresses));
}

INLINE void turn_headers(uint8_t *data, bool ipv6)
{
	const struct image *image = ipv6 ? &image_ipv6 : &image_ipv4;
	__m512i turned =
		_mm512_maskz_permutexvar_epi8(image->turned, load(image->from), load(data));

	_mm512_storeu_si512(data, _mm512_or_si512(turned, load(image->reply)));
}

INLINE void ip_checksum(uint8_t *ip, uint64_t addresses)
{
	const uint32_t others = 0x45 + (BURST_IP_LENGTH << 8) + (IPV4_DONT_FRAGMENT >> 8) +
		(REPLY_TTL | PROTOCOL_UDP << 8);

	store_u16(ip + 10, (uint16_t)~checksum_fold(checksum_add(addresses, others)));
}

INLINE void reply(struct frame *frame, const struct common *common, bool ipv6, uint8_t leap)
{
	uint8_t *data = frame->data, *ntp = data + (ipv6 ? BURST_NTP_IPV6 : BURST_NTP_IPV4);
	uint64_t first = MERIDIAN_NTP_LI_VN_MODE(leap, 0, MERIDIAN_NTP_MODE_SERVER);
	uint64_t head = (load_u64(ntp) & KEPT) | common->head | first;
	uint64_t origin = load_u64(ntp + offsetof(struct meridian_ntp_header, transmit));
	uint64_t receive = __builtin_bswap64(frame->receive);
	uint64_t port = load_u64(ntp - UDP_HEADER) & UINT16_MAX;
	uint64_t addresses = ipv6 ? checksum_add_words(0, data + BURST_ADDRESSES_IPV6, 32)
				  : load_u64(data + BURST_ADDRESSES_IPV4);

	frame->udp_sum = checksum_add_each(common->sum + port, addresses, head, origin, receive);
	turn_headers(data, ipv6); /* and a bit of what follows */
	store_u64(ntp, head);
	_mm_storeu_si128((__m128i *)(void *)(ntp + 8), common->rest);
	store_u64(ntp + offsetof(struct meridian_ntp_header, origin), origin);
	store_u64(ntp + offsetof(struct meridian_ntp_header, receive), receive);
	if (!ipv6)
		ip_checksum(data + ETHERNET_HEADER, addresses);
}

#include "burst_loop.h"

const struct burst_engine burst_engine_avx512 = {"avx512", classify, finish, shape};
