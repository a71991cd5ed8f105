/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The passes over a burst, to be included once by each engine, after what it knows better:
 *
 *   struct common          the replies of a burst, as the engine wants them
 *   common_take(common, responder)
 *   headers_good(frame, ipv6)   is the frame a request of this family to port 123 with right
 *                               lengths? Its length and Ethernet type are right.
 *   addresses_served(served, addresses, ipv6)   is the destination ours, and the source not?
 *   reply(frame, common, ipv6, leap)   turns the request, whose T2 is in frame->receive, into its
 *                               reply but for T3 and the UDP checksum, and sets frame->udp_sum
 *
 * `ipv6` is a constant in every call: INLINE makes two bodies of one.
 */

#ifndef DATAPLANE_BURST_LOOP_H
#define DATAPLANE_BURST_LOOP_H

#include "burst.h"
#include "burst_engine.h"
#include "bytes.h"
#include "checksum.h"
#include "interleaved.h"
#include "ntpv5.h"
#include "reply.h"
#include <stddef.h>

#define REFERENCE_OFFSET offsetof(struct meridian_ntp_header, reference)
#define TRANSMIT_OFFSET  offsetof(struct meridian_ntp_header, transmit)

/* A bit for each version and mode (the lower six bits of the first octet) of a client. */
#define CLIENT_FIRST_OCTETS                                                                        \
	(UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 1, MERIDIAN_NTP_MODE_CLIENT) |                  \
		UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 2, MERIDIAN_NTP_MODE_CLIENT) |           \
		UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 3, MERIDIAN_NTP_MODE_CLIENT) |           \
		UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 4, MERIDIAN_NTP_MODE_CLIENT))

/* A frame between the passes. */
struct candidate {
	struct limit_source source;
	enum burst_shape shape;
	bool asks; /* interleaved_asked() */
};

INLINE const uint8_t *addresses_of(const struct frame *frame, bool ipv6)
{
	return frame->data + (ipv6 ? BURST_ADDRESSES_IPV6 : BURST_ADDRESSES_IPV4);
}

INLINE const uint8_t *ntp_of(const struct frame *frame, bool ipv6)
{
	return frame->data + (ipv6 ? BURST_NTP_IPV6 : BURST_NTP_IPV4);
}

INLINE bool ip_sum_good(const uint8_t *ip)
{
	uint64_t sum = checksum_add_words(load_u32(ip + 16), ip, 16);

	return checksum_good(sum);
}

INLINE bool sums_good(const struct frame *frame, bool ipv6)
{
	const uint8_t *addresses = addresses_of(frame, ipv6);
	const uint64_t pseudo = (PROTOCOL_UDP + BURST_UDP_LENGTH) << 8;

	if (frame->checksum_good)
		return true;
	return (ipv6 || ip_sum_good(frame->data + ETHERNET_HEADER)) &&
		checksum_good(checksum_add_words(pseudo, addresses,
			ipv6 ? BURST_END_IPV6 - BURST_ADDRESSES_IPV6
			     : BURST_END_IPV4 - BURST_ADDRESSES_IPV4));
}

/* As martian_source(), a bit stricter for IPv6. */
INLINE bool source_good(const uint8_t *source, bool ipv6)
{
	if (ipv6)
		return source[0] != 0xff && load_u64(source) != 0;
	return (uint8_t)(source[0] - 1) < 224 - 1 && source[0] != 127;
}

/* Is the frame a request of this family that only access rules and rate limit can refuse? Its
 * length and Ethernet type are right. */
INLINE bool request_good(const struct responder *responder, const struct frame *frame, bool ipv6)
{
	const uint8_t *addresses = addresses_of(frame, ipv6);

	return frame_is_for(frame->data, frame->mac) && headers_good(frame, ipv6) &&
		CLIENT_FIRST_OCTETS >> (ntp_of(frame, ipv6)[0] & 077) & 1 &&
		sums_good(frame, ipv6) && source_good(addresses, ipv6) &&
		addresses_served(&responder->policy->served, addresses, ipv6);
}

INLINE enum burst_shape shape_of(const struct responder *responder, const struct frame *frame)
{
	uint16_t ethertype;

	if (frame->length < BURST_END_IPV4)
		return BURST_OTHER;
	ethertype = get_u16(frame->data + ETHERNET_HEADER - 2);
	if (ethertype == ETHERTYPE_IPV4)
		return request_good(responder, frame, false) ? BURST_IPV4 : BURST_OTHER;
	if (ethertype == ETHERTYPE_IPV6 && frame->length >= BURST_END_IPV6 &&
		request_good(responder, frame, true))
		return BURST_IPV6;
	return BURST_OTHER;
}

/* Whether a frame of this shape also asks if we speak NTPv5. Only asked where we do. */
INLINE bool asks_for_upgrade(const struct frame *frame, enum burst_shape shape)
{
	return shape != BURST_OTHER &&
		get_u64(ntp_of(frame, shape == BURST_IPV6) + REFERENCE_OFFSET) == NTPV5_UPGRADE;
}

static enum burst_shape shape(const struct responder *responder, const struct frame *frame)
{
	enum burst_shape found = shape_of(responder, frame);

	return responder->policy->ntpv5 && asks_for_upgrade(frame, found) ? BURST_OTHER : found;
}

INLINE bool is_open(const struct responder_policy *policy, bool ipv6)
{
	return ipv6 ? policy->open_ipv6 : policy->open_ipv4;
}

/* Brings what the second pass looks up into the cache. */
INLINE void prefetch(const struct responder *responder, const struct frame *frame,
	struct candidate *candidate, bool ipv6)
{
	const uint8_t *addresses = addresses_of(frame, ipv6);
	const struct access *access = &responder->policy->access;

	candidate->asks = interleaved_asked(ntp_of(frame, ipv6));
	if (__builtin_expect(candidate->asks, 0))
		interleaved_prefetch(responder, ntp_of(frame, ipv6), addresses, ipv6);
	if (is_open(responder->policy, ipv6))
		;
	else if (ipv6)
		access_prefetch_ipv6(access, get_u64(addresses));
	else
		access_prefetch_ipv4(access, get_u32(addresses));
	if (responder->limit == NULL)
		return;
	if (ipv6)
		limit_source_ipv6(responder->limit, get_u64(addresses), &candidate->source);
	else
		limit_source_ipv4(responder->limit, get_u32(addresses), &candidate->source);
	limit_prefetch(responder->limit, &candidate->source, ipv6);
}

INLINE bool allowed(const struct responder_policy *policy, const uint8_t *addresses, bool ipv6)
{
	const struct access *access = &policy->access;

	if (is_open(policy, ipv6))
		return true;
	return ipv6 ? access_allowed_ipv6(access, get_u64(addresses), get_u64(addresses + 8))
		    : access_allowed_ipv4(access, get_u32(addresses));
}

/* The receive time of one frame, or of several that have the same stamp or none. */
struct arrival {
	uint64_t counter;
	uint64_t ntp; /* without its leap second */
	int8_t leap_offset_s;
	uint8_t leap; /* indicator */
};

INLINE void arrival_take(
	const struct responder *responder, struct arrival *ret_arrival, uint64_t counter)
{
	const struct meridian_timemodel_data *model = &responder->model;
	struct meridian_utc utc = meridian_timemodel_utc(model, counter);

	ret_arrival->counter = counter;
	ret_arrival->ntp = clock_ntp(utc);
	ret_arrival->leap_offset_s = (int8_t)meridian_timemodel_leap_offset_s(model, utc);
	ret_arrival->leap = responder->synchronised ? clock_leap_indicator(model, utc)
						    : MERIDIAN_NTP_LI_UNKNOWN;
}

/* Where the parts of a reply are. */
INLINE void layout_set(struct frame *frame, bool ipv6)
{
	frame->ip = ETHERNET_HEADER;
	frame->udp = ipv6 ? BURST_UDP_IPV6 : BURST_UDP_IPV4;
	frame->payload = ipv6 ? BURST_NTP_IPV6 : BURST_NTP_IPV4;
	frame->payload_length = MERIDIAN_NTP_HEADER_SIZE;
	frame->ipv6 = ipv6;
	frame->length = ipv6 ? BURST_END_IPV6 : BURST_END_IPV4;
	frame->key = 0;
}

/* Asked last: whoever is allowed has used up some of what it may ask. */
INLINE enum meridian_verdict check_limit(struct responder *responder, struct frame *frame,
	const struct candidate *candidate, bool ipv6)
{
	struct collector *collector = responder->collector;

	if (responder->limit == NULL)
		return MERIDIAN_VERDICT_answered;
	if (!limit_allow(responder->limit, &candidate->source, ipv6))
		return responder_refuse(responder, &candidate->source, frame);
	if (collector != NULL)
		sketch_add(ipv6 ? &collector->ipv6 : &collector->ipv4, candidate->source.hash);
	return MERIDIAN_VERDICT_answered;
}

INLINE enum meridian_verdict serve(struct responder *responder, struct timestamps *timestamps,
	struct frame *frame, const struct candidate *candidate, const struct arrival *arrival,
	const struct common *common, bool ipv6)
{
	enum meridian_verdict verdict;

	if (!allowed(responder->policy, addresses_of(frame, ipv6), ipv6))
		return MERIDIAN_VERDICT_denied;
	verdict = check_limit(responder, frame, candidate, ipv6);
	if (verdict != MERIDIAN_VERDICT_answered)
		return verdict;
	frame->interleave = FRAME_BASIC;
	if (__builtin_expect(candidate->asks, 0))
		interleaved_classify(responder, frame,
			frame->data + (ipv6 ? BURST_NTP_IPV6 : BURST_NTP_IPV4),
			addresses_of(frame, ipv6), ipv6);
	frame->leap_offset_s = arrival->leap_offset_s;
	frame->receive = timestamps_receive(timestamps, arrival->ntp, arrival->leap_offset_s,
		get_u64(ntp_of(frame, ipv6) + TRANSMIT_OFFSET));
	reply(frame, common, ipv6, arrival->leap);
	layout_set(frame, ipv6);
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
	if (ret_candidate->shape == BURST_IPV4)
		prefetch(responder, frame, ret_candidate, false);
	else if (ret_candidate->shape == BURST_IPV6)
		prefetch(responder, frame, ret_candidate, true);
}

/* The second pass, for the frames of the two shapes. */
INLINE enum meridian_verdict candidate_serve(struct responder *responder,
	struct timestamps *timestamps, struct frame *frame, const struct candidate *candidate,
	struct arrival *arrival, uint64_t receive_counter, const struct common *common)
{
	if (receive_counter != arrival->counter)
		arrival_take(responder, arrival, receive_counter);
	if (candidate->shape == BURST_IPV4)
		return serve(responder, timestamps, frame, candidate, arrival, common, false);
	return serve(responder, timestamps, frame, candidate, arrival, common, true);
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
		if (candidate[i].shape == BURST_OTHER)
			ret_verdict[i] =
				serve_other(responder, &timestamps, &frame[i], receive_counter[i]);
		else
			ret_verdict[i] = candidate_serve(responder, &timestamps, &frame[i],
				&candidate[i], &arrival, receive_counter[i], &common);
	}
	responder->timestamps = timestamps;
}

static void upgrades_set_aside(
	const struct frame *frame, struct candidate *candidate, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (asks_for_upgrade(&frame[i], candidate[i].shape))
			candidate[i].shape = BURST_OTHER;
	}
}

static void classify(struct responder *responder, struct frame *frame,
	const uint64_t *receive_counter, enum meridian_verdict *ret_verdict, unsigned int count)
{
	struct candidate candidate[BURST_MAX] __attribute__((uninitialized));

	if (responder->policy == NULL || !responder->has_model) {
		for (unsigned int i = 0; i < count; i++)
			ret_verdict[i] =
				responder_classify(responder, &frame[i], receive_counter[i]);
		return;
	}
	for (unsigned int i = 0; i < count; i++)
		candidate_take(responder, &frame[i], &candidate[i]);
	if (__builtin_expect(responder->policy->ntpv5, 0))
		upgrades_set_aside(frame, candidate, count);
	if (count > 0)
		candidates_serve(responder, frame, candidate, receive_counter, ret_verdict, count);
}

static void finish(struct responder *responder, struct frame *frame, unsigned int count,
	uint64_t transmit_counter)
{
	uint64_t ntp = clock_ntp(meridian_timemodel_utc(&responder->model, transmit_counter));
	struct timestamps timestamps = responder->timestamps;

	for (unsigned int i = 0; i < count; i++) {
		uint8_t *payload = frame[i].data + frame[i].payload;
		uint64_t transmit = __builtin_bswap64(timestamps_transmit(&timestamps, ntp,
			frame[i].leap_offset_s, frame[i].receive, reply_origin(payload)));

		store_u64(payload + TRANSMIT_OFFSET, transmit);
		store_u16(frame[i].data + frame[i].udp + UDP_CHECKSUM,
			checksum_udp_field(checksum_add(frame[i].udp_sum, transmit)));
	}
	responder->timestamps = timestamps;
}

#endif
