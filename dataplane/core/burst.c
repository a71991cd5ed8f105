/* SPDX-License-Identifier: BSD-3-Clause */
#include "burst.h"
#include "bytes.h"
#include "checksum.h"
#include "layout.h"
#include "reply.h"
#include <stddef.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words below are little endian");

/* One body for both families, made into one of constants for each. */
#define INLINE static inline __attribute__((always_inline))

/* Words of a frame as they lie in memory. */
#define WORD(a, b, c, d, e, f, g, h)                                                               \
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 |          \
		(uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 |                  \
		(uint64_t)(h) << 56)
#define MAC_MASK (UINT64_MAX >> 16)

#define UDP_LENGTH (UDP_HEADER + MERIDIAN_NTP_HEADER_SIZE)
#define IP_LENGTH  (IPV4_HEADER + UDP_LENGTH)

/* The pseudo header but for the addresses. */
#define PSEUDO WORD(0, PROTOCOL_UDP, 0, UDP_LENGTH, 0, 0, 0, 0)

/* Client port to be put between, checksum still 0. */
#define REPLY_UDP WORD(0, MERIDIAN_NTP_PORT, 0, 0, 0, UDP_LENGTH, 0, 0)

/* A bit for each version and mode (the lower six bits of the first octet) of a client. */
#define CLIENT_FIRST_OCTETS                                                                        \
	(UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 1, MERIDIAN_NTP_MODE_CLIENT) |                  \
		UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 2, MERIDIAN_NTP_MODE_CLIENT) |           \
		UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 3, MERIDIAN_NTP_MODE_CLIENT) |           \
		UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 4, MERIDIAN_NTP_MODE_CLIENT))

#define ORIGIN_OFFSET   offsetof(struct meridian_ntp_header, origin)
#define RECEIVE_OFFSET  offsetof(struct meridian_ntp_header, receive)
#define TRANSMIT_OFFSET offsetof(struct meridian_ntp_header, transmit)

enum shape {
	SHAPE_OTHER, /* for responder_classify() */
	SHAPE_IPV4,
	SHAPE_IPV6,
};

/* What a family has where. Constants, once inlined. */
struct family {
	bool ipv6;
	uint16_t addresses, addresses_size, udp, ntp, end;
};

static const struct family family_ipv4 = {
	.addresses = ETHERNET_HEADER + 12,
	.addresses_size = 8,
	.udp = ETHERNET_HEADER + IPV4_HEADER,
	.ntp = ETHERNET_HEADER + IPV4_HEADER + UDP_HEADER,
	.end = ETHERNET_HEADER + IP_LENGTH,
};
static const struct family family_ipv6 = {
	.ipv6 = true,
	.addresses = ETHERNET_HEADER + 8,
	.addresses_size = 32,
	.udp = ETHERNET_HEADER + IPV6_HEADER,
	.ntp = ETHERNET_HEADER + IPV6_HEADER + UDP_HEADER,
	.end = ETHERNET_HEADER + IPV6_HEADER + UDP_LENGTH,
};

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

INLINE uint64_t sum_words(uint64_t sum, const uint8_t *data, size_t size)
{
#pragma GCC unroll 16
	for (size_t i = 0; i < size; i += 8)
		sum = checksum_add(sum, load_u64(data + i));
	return sum;
}

INLINE bool ip_good_ipv4(const uint8_t *ip, bool verified)
{
	uint64_t first = load_u64(ip), second = load_u64(ip + 8);
	uint64_t sum = checksum_add(checksum_add(first, second), load_u32(ip + 16));

	return is(first, WORD(0xff, 0, 0xff, 0xff, 0, 0, 0x3f, 0xff),
		       WORD(0x45, 0, 0, IP_LENGTH, 0, 0, 0, 0)) &&
		ip[9] == PROTOCOL_UDP && (verified || checksum_good(sum));
}

INLINE bool ip_good_ipv6(const uint8_t *ip)
{
	return is(load_u64(ip), WORD(0xf0, 0, 0, 0, 0xff, 0xff, 0xff, 0),
		WORD(0x60, 0, 0, 0, 0, UDP_LENGTH, PROTOCOL_UDP, 0));
}

/* UDP from a port to ours, with a checksum, and the first octet of a client's NTP request. */
INLINE bool udp_good(const uint8_t *udp)
{
	uint64_t header = load_u64(udp);
	uint8_t version_mode = udp[UDP_HEADER] & 077;

	return is(header, WORD(0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0),
		       WORD(0, 0, 0, MERIDIAN_NTP_PORT, 0, UDP_LENGTH, 0, 0)) &&
		(uint16_t)header != 0 && header >> 48 != 0 &&
		CLIENT_FIRST_OCTETS >> version_mode & 1;
}

/* As martian_source(), a bit stricter for IPv6. */
INLINE bool addresses_good(const struct served *served, const uint8_t *addresses, bool ipv6)
{
	uint8_t first = addresses[0];

	if (ipv6)
		return first != 0xff && load_u64(addresses) != 0 &&
			served_contains_ipv6(served, addresses + 16) &&
			!served_contains_ipv6(served, addresses);
	return (uint8_t)(first - 1) < 224 - 1 && first != 127 &&
		served_contains_ipv4(served, load_u32(addresses + 4)) &&
		!served_contains_ipv4(served, load_u32(addresses));
}

/* Is the frame a request of this family that only access rules and rate limit can refuse? Its
 * length and Ethernet type are right. */
INLINE bool request_good(
	const struct responder *responder, const struct frame *frame, struct family family)
{
	const uint8_t *data = frame->data, *ip = data + ETHERNET_HEADER;

	return (family.ipv6 ? ip_good_ipv6(ip) : ip_good_ipv4(ip, frame->checksum_good)) &&
		udp_good(data + family.udp) &&
		(frame->checksum_good ||
			checksum_good(sum_words(
				PSEUDO, data + family.addresses, family.end - family.addresses))) &&
		addresses_good(&responder->policy->served, data + family.addresses, family.ipv6);
}

INLINE enum shape shape_of(const struct responder *responder, const struct frame *frame)
{
	const uint8_t *data = frame->data;
	uint16_t ethertype;

	if (frame->length < family_ipv4.end || !frame_is_for(data, frame->mac) ||
		data[MAC_SIZE] & 1)
		return SHAPE_OTHER;
	ethertype = get_u16(data + ETHERNET_HEADER - 2);
	if (ethertype == ETHERTYPE_IPV4 && request_good(responder, frame, family_ipv4))
		return SHAPE_IPV4;
	if (ethertype == ETHERTYPE_IPV6 && frame->length >= family_ipv6.end &&
		request_good(responder, frame, family_ipv6))
		return SHAPE_IPV6;
	return SHAPE_OTHER;
}

/* A frame between the first two passes. */
struct candidate {
	enum shape shape;
	uint64_t limit_key; /* of its source */
};

INLINE uint64_t limit_key(const struct limit *limit, const uint8_t *addresses, bool ipv6)
{
	return ipv6 ? limit_key_ipv6(limit, get_u64(addresses))
		    : limit_key_ipv4(limit, get_u32(addresses));
}

INLINE bool is_open(const struct responder_policy *policy, struct family family)
{
	return family.ipv6 ? policy->open_ipv6 : policy->open_ipv4;
}

/* Brings what the second pass looks up into the cache. */
INLINE void prefetch(const struct responder *responder, const struct frame *frame,
	struct candidate *candidate, struct family family)
{
	const uint8_t *addresses = frame->data + family.addresses;

	if (is_open(responder->policy, family))
		;
	else if (family.ipv6)
		access_prefetch_ipv6(&responder->policy->access, get_u64(addresses));
	else
		access_prefetch_ipv4(&responder->policy->access, get_u32(addresses));
	if (responder->limit == NULL)
		return;
	candidate->limit_key = limit_key(responder->limit, addresses, family.ipv6);
	limit_prefetch(responder->limit, candidate->limit_key);
}

INLINE bool allowed(
	const struct responder *responder, const uint8_t *addresses, struct family family)
{
	const struct access *access = &responder->policy->access;

	if (is_open(responder->policy, family))
		return true;
	return family.ipv6 ? access_allowed_ipv6(access, get_u64(addresses), get_u64(addresses + 8))
			   : access_allowed_ipv4(access, get_u32(addresses));
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
	const uint64_t first = WORD(0x45, 0, 0, IP_LENGTH, 0, 0, IPV4_DONT_FRAGMENT >> 8, 0);
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

	store_u64(ip, WORD(0x60, 0, 0, 0, 0, UDP_LENGTH, PROTOCOL_UDP, REPLY_TTL));
	memcpy(ip + 8, server, sizeof(server));
	memcpy(ip + 24, client, sizeof(client));
}

/* Turns the request into its reply but for T3, and adds up what its checksum is over. */
INLINE void answer(
	struct frame *frame, const struct common *common, struct family family, uint8_t leap)
{
	uint8_t *data = frame->data, *ntp = data + family.ntp;
	uint64_t sum = sum_words(common->sum, data + family.addresses, family.addresses_size);
	uint64_t udp = REPLY_UDP | (load_u64(data + family.udp) & UINT16_MAX) << 16;
	uint64_t origin = load_u64(ntp + TRANSMIT_OFFSET);
	uint64_t receive = __builtin_bswap64(frame->receive);
	uint64_t head = common->word[0] |
		(uint64_t)ntp[offsetof(struct meridian_ntp_header, poll)] << 16 |
		MERIDIAN_NTP_LI_VN_MODE(
			leap, MERIDIAN_NTP_VERSION(ntp[0]), MERIDIAN_NTP_MODE_SERVER);

	sum = checksum_add(checksum_add(sum, udp), head);
	frame->udp_sum = checksum_add(checksum_add(sum, origin), receive);
	turn_ethernet(data);
	if (family.ipv6)
		turn_ipv6(data + ETHERNET_HEADER);
	else
		turn_ipv4(data + ETHERNET_HEADER);
	store_u64(data + family.udp, udp);
	store_u64(ntp, head);
	memcpy(ntp + 8, &common->word[1], 16);
	store_u64(ntp + ORIGIN_OFFSET, origin);
	store_u64(ntp + RECEIVE_OFFSET, receive);
	frame->ip = ETHERNET_HEADER;
	frame->udp = family.udp;
	frame->payload = family.ntp;
	frame->payload_length = MERIDIAN_NTP_HEADER_SIZE;
	frame->ipv6 = family.ipv6;
	frame->length = family.end;
}

/* The receive time of one frame, or of several that have the same stamp or none. */
struct arrival {
	uint64_t counter;
	struct meridian_utc utc;
	int8_t leap_offset_s;
	uint8_t leap; /* indicator */
};

INLINE void arrival_take(
	const struct responder *responder, struct arrival *ret_arrival, uint64_t counter)
{
	const struct meridian_timemodel_data *model = &responder->model;
	struct meridian_utc utc = meridian_timemodel_utc(model, counter);

	ret_arrival->counter = counter;
	ret_arrival->utc = utc;
	ret_arrival->leap_offset_s = (int8_t)meridian_timemodel_leap_offset_s(model, utc);
	ret_arrival->leap = responder->synchronised ? clock_leap_indicator(model, utc)
						    : MERIDIAN_NTP_LI_UNKNOWN;
}

INLINE enum meridian_verdict serve(const struct responder *responder, struct timestamps *timestamps,
	struct frame *frame, const struct candidate *candidate, const struct arrival *arrival,
	const struct common *common, struct family family)
{
	if (!allowed(responder, frame->data + family.addresses, family))
		return MERIDIAN_VERDICT_denied;
	if (responder->limit != NULL && !limit_allow(responder->limit, candidate->limit_key))
		return MERIDIAN_VERDICT_rate_limited;
	frame->leap_offset_s = arrival->leap_offset_s;
	frame->receive = timestamps_receive(timestamps, arrival->utc, arrival->leap_offset_s,
		get_u64(frame->data + family.ntp + TRANSMIT_OFFSET));
	answer(frame, common, family, arrival->leap);
	return responder->synchronised ? MERIDIAN_VERDICT_answered
				       : MERIDIAN_VERDICT_answered_unsynchronised;
}

static enum meridian_verdict serve_other(struct responder *responder, struct timestamps *timestamps,
	struct frame *frame, uint64_t receive_counter)
{
	enum meridian_verdict verdict;

	responder->timestamps = *timestamps;
	verdict = responder_classify(responder, frame, receive_counter);
	*timestamps = responder->timestamps;
	if (meridian_verdict_outcome(verdict) == MERIDIAN_OUTCOME_ANSWER) {
		reply_set_transmit(frame->data + frame->payload, 0);
		frame->udp_sum = frame_sum_udp(frame);
	}
	return verdict;
}

INLINE void candidate_take(const struct responder *responder, const struct frame *frame,
	struct candidate *ret_candidate)
{
	ret_candidate->shape = shape_of(responder, frame);
	if (ret_candidate->shape == SHAPE_IPV4)
		prefetch(responder, frame, ret_candidate, family_ipv4);
	else if (ret_candidate->shape == SHAPE_IPV6)
		prefetch(responder, frame, ret_candidate, family_ipv6);
}

/* The second pass, for the frames of the two shapes. */
INLINE enum meridian_verdict candidate_serve(const struct responder *responder,
	struct timestamps *timestamps, struct frame *frame, const struct candidate *candidate,
	struct arrival *arrival, uint64_t receive_counter, const struct common *common)
{
	if (receive_counter != arrival->counter)
		arrival_take(responder, arrival, receive_counter);
	if (candidate->shape == SHAPE_IPV4)
		return serve(responder, timestamps, frame, candidate, arrival, common, family_ipv4);
	return serve(responder, timestamps, frame, candidate, arrival, common, family_ipv6);
}

/* The state of the timestamps is copied to where it stays in registers: each depends on the one
 * before, and by way of memory that would be what all frames wait for. */
static void candidates_serve(struct responder *responder, struct frame *frame,
	const struct candidate *candidate, const uint64_t *receive_counter,
	enum meridian_verdict *ret_verdict, unsigned int count)
{
	struct timestamps timestamps = responder->timestamps;
	struct common common;
	struct arrival arrival;

	common_take(&common, responder);
	arrival_take(responder, &arrival, receive_counter[0]);
	for (unsigned int i = 0; i < count; i++) {
		if (candidate[i].shape == SHAPE_OTHER)
			ret_verdict[i] =
				serve_other(responder, &timestamps, &frame[i], receive_counter[i]);
		else
			ret_verdict[i] = candidate_serve(responder, &timestamps, &frame[i],
				&candidate[i], &arrival, receive_counter[i], &common);
	}
	responder->timestamps = timestamps;
}

void burst_classify(struct responder *responder, struct frame *frame,
	const uint64_t *receive_counter, enum meridian_verdict *ret_verdict, unsigned int count)
{
	struct candidate candidate[BURST_MAX];

	if (responder->policy == NULL || !responder->has_model) {
		for (unsigned int i = 0; i < count; i++)
			ret_verdict[i] =
				responder_classify(responder, &frame[i], receive_counter[i]);
		return;
	}
	for (unsigned int i = 0; i < count; i++)
		candidate_take(responder, &frame[i], &candidate[i]);
	if (count > 0)
		candidates_serve(responder, frame, candidate, receive_counter, ret_verdict, count);
}

void burst_finish(struct responder *responder, struct frame *frame, unsigned int count,
	uint64_t transmit_counter)
{
	struct meridian_utc utc = meridian_timemodel_utc(&responder->model, transmit_counter);
	struct timestamps timestamps = responder->timestamps;

	for (unsigned int i = 0; i < count; i++) {
		uint8_t *payload = frame[i].data + frame[i].payload;
		uint64_t transmit = __builtin_bswap64(timestamps_transmit(&timestamps, utc,
			frame[i].leap_offset_s, frame[i].receive, reply_origin(payload)));

		store_u64(payload + TRANSMIT_OFFSET, transmit);
		store_u16(frame[i].data + frame[i].udp + UDP_CHECKSUM,
			checksum_udp_field(checksum_add(frame[i].udp_sum, transmit)));
	}
	responder->timestamps = timestamps;
}
