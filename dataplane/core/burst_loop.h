/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The passes over a burst, to be included once by each engine, after what it knows better:
 *
 *   struct common          the replies of a burst, as the engine wants them
 *   common_take(common, responder)
 *   headers_good(frame, ipv6)   is the frame, which is long enough, a request of this family to
 *                               port 123 with right lengths?
 *   struct ours            the served addresses of a family, as the engine wants them
 *   ours_take(ours, served, ipv6)
 *   addresses_served(ours, addresses, ipv6)   is the destination one of them, the source none?
 *   reply(frame, common, ipv6, leap)   turns the request, whose T2 is in frame->receive, into its
 *                               reply but for T3 and the UDP checksum, and sets frame->udp_sum
 *
 * `ipv6` is a constant in every call of these: INLINE makes two bodies of one.
 */

#ifndef DATAPLANE_BURST_LOOP_H
#define DATAPLANE_BURST_LOOP_H

#include "burst.h"
#include "burst_lookup.h"
#include "burst_shape.h"
#include "interleaved.h"
#include "reply.h"
#include <stddef.h>

#define TRANSMIT_OFFSET offsetof(struct meridian_ntp_header, transmit)

#define NOINLINE __attribute__((noinline))

#define BITS_BELOW(i) ((i) < 64 ? (UINT64_C(1) << (i)) - 1 : UINT64_MAX)

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

/* A burst, and what its passes find out. */
struct burst {
	struct responder *responder;
	struct frame *frame;
	const uint64_t *receive_counter;
	enum meridian_verdict *verdict;
	uint64_t ipv4, ipv6;      /* a bit for each frame of that shape */
	uint64_t answered;        /* the same of that verdict */
	uint64_t asking;          /* of these, for which interleaved_eligible() */
	unsigned int allowed_end; /* up to here, access rules allow the frames not served yet */
	unsigned int refused;     /* the frame that the limiter refused last */
	struct lookup lookup[BURST_MAX];
	struct interleave_key interleave_key[BURST_MAX]; /* of those asking */
	uint8_t interleave[BURST_MAX];
	struct common common;
	struct arrival arrival;
	struct timestamps timestamps;
};

/* Asked last: whoever is allowed has used up some of what it may ask. Of those who are answered, a
 * leak's among them, the sketch is made. */
INLINE enum meridian_verdict check_limit(struct burst *burst, unsigned int i, bool ipv6)
{
	struct responder *responder = burst->responder;
	const struct limit_source *source = &burst->lookup[i].source;
	enum meridian_verdict verdict = MERIDIAN_VERDICT_answered;
	struct collector *collector = responder->collector;

	if (responder->limit == NULL)
		return verdict;
	if (i == burst->refused || !limit_allow(responder->limit, source, ipv6))
		verdict = responder_refuse(responder, source, &burst->frame[i]);
	if (verdict == MERIDIAN_VERDICT_answered && collector != NULL)
		sketch_add(ipv6 ? &collector->ipv6 : &collector->ipv4, source->hash);
	return verdict;
}

INLINE void answer(struct timestamps *timestamps, struct frame *frame,
	const struct arrival *arrival, const struct common *common, bool ipv6)
{
	frame->leap_offset_s = arrival->leap_offset_s;
	frame->receive = timestamps_receive(timestamps, arrival->ntp, arrival->leap_offset_s,
		get_u64(ntp_of(frame, ipv6) + TRANSMIT_OFFSET));
	reply(frame, common, ipv6, arrival->leap);
	layout_set(frame, ipv6);
}

INLINE enum meridian_verdict answered(const struct responder *responder)
{
	return responder->synchronised ? MERIDIAN_VERDICT_answered
				       : MERIDIAN_VERDICT_answered_unsynchronised;
}

/* Before the frame is answered. Returns its frame->interleave. */
INLINE uint8_t interleave(struct burst *burst, unsigned int i, bool ipv6)
{
	return interleaved_classify(burst->responder, &burst->frame[i],
		burst->frame[i].data + (ipv6 ? BURST_NTP_IPV6 : BURST_NTP_IPV4),
		burst->interleave_key[i]);
}

/* Any frame of the two shapes. */
INLINE enum meridian_verdict serve(struct burst *burst, unsigned int i, bool ipv6)
{
	struct responder *responder = burst->responder;
	struct frame *frame = &burst->frame[i];
	enum meridian_verdict verdict;

	if (burst->receive_counter[i] != burst->arrival.counter)
		arrival_take(responder, &burst->arrival, burst->receive_counter[i]);
	if (i >= burst->allowed_end &&
		!allowed(responder->policy, &burst->lookup[i], addresses_of(frame, ipv6), ipv6))
		return MERIDIAN_VERDICT_denied;
	verdict = check_limit(burst, i, ipv6);
	if (verdict != MERIDIAN_VERDICT_answered)
		return verdict;
	frame->interleave = burst->asking >> i & 1 ? interleave(burst, i, ipv6) : FRAME_BASIC;
	answer(&burst->timestamps, frame, &burst->arrival, &burst->common, ipv6);
	return answered(responder);
}

static enum meridian_verdict serve_other(struct burst *burst, unsigned int i)
{
	struct responder *responder = burst->responder;
	struct frame *frame = &burst->frame[i];
	enum meridian_verdict verdict;

	responder->timestamps = burst->timestamps;
	verdict = responder_classify(responder, frame, burst->receive_counter[i]);
	burst->timestamps = responder->timestamps;
	if (meridian_verdict_outcome(verdict) == MERIDIAN_OUTCOME_ANSWER) {
		reply_set_transmit(frame->data + frame->payload, 0);
		frame->udp_sum = frame_sum_udp(frame);
	}
	return verdict;
}

static enum meridian_verdict serve_one(struct burst *burst, unsigned int i)
{
	if (burst->ipv4 >> i & 1)
		return serve(burst, i, false);
	if (burst->ipv6 >> i & 1)
		return serve(burst, i, true);
	return serve_other(burst, i);
}

INLINE void sketch_run(struct collector *collector, const struct lookup *lookup, unsigned int i,
	unsigned int end, bool ipv6)
{
	for (; i < end; i++)
		sketch_add(ipv6 ? &collector->ipv6 : &collector->ipv4, lookup[i].source.hash);
}

/* Asks the access rules about frames of one family, from `i` up to `end` or the first that is
 * denied, and returns where it ended. The limiter may stop a run at each of its frames: those after
 * that one are not asked about anew. */
INLINE unsigned int allowed_run(struct burst *burst, unsigned int i, unsigned int end, bool ipv6)
{
	const struct responder_policy *policy = burst->responder->policy;

	if (is_open(policy, ipv6))
		return end;
	if (i < burst->allowed_end)
		return burst->allowed_end;
	while (i < end &&
		allowed(policy, &burst->lookup[i], addresses_of(&burst->frame[i], ipv6), ipv6))
		i++;
	burst->allowed_end = i;
	return i;
}

/* Asks access rules and limiter about frames of one family, from `i` up to `end` or the first that
 * is refused, and returns where it ended. Each look-up has a loop of its own, where those of many
 * frames overlap. The limiter is a copy: its own would have to be read anew for each frame, as what
 * is written to its table might be a part of it. */
INLINE unsigned int admit_run(struct burst *burst, unsigned int i, unsigned int end, bool ipv6)
{
	const struct responder *responder = burst->responder;
	const struct lookup *const lookup = burst->lookup;
	const unsigned int begin = i;
	struct limit limit __attribute__((uninitialized));

	end = allowed_run(burst, i, end, ipv6);
	if (responder->limit == NULL)
		return end;
	limit = *responder->limit;
	for (; i < end; i++) {
		if (!limit_allow(&limit, &lookup[i].source, ipv6)) {
			burst->refused = i;
			break;
		}
	}
	if (responder->collector != NULL)
		sketch_run(responder->collector, lookup, begin, i, ipv6);
	return i;
}

/*
 * Answers frames of one family, as serve() does. No leap second is known, and no function is
 * called: what frames share stays in registers. Timestamps depend on the ones before, and by way of
 * memory that would be what all frames wait for.
 */
INLINE void answer_run(struct burst *burst, unsigned int i, unsigned int end, bool ipv6)
{
	const struct responder *responder = burst->responder;
	const enum meridian_verdict verdict = answered(responder);
	const struct common common = burst->common;
	const uint64_t *const receive_counter = burst->receive_counter;
	struct frame *const all = burst->frame;
	struct timestamps timestamps = burst->timestamps;
	struct arrival arrival = burst->arrival;

	for (unsigned int served = i; served < end; served++)
		burst->verdict[served] = verdict;
	if (verdict == MERIDIAN_VERDICT_answered)
		burst->answered |= BITS_BELOW(end) ^ BITS_BELOW(i);
	arrival.leap_offset_s = 0; /* the compiler knows */
	for (; i < end; i++) {
		const uint64_t counter = receive_counter[i];
		struct frame *frame = &all[i];

		if (counter != arrival.counter) {
			arrival.counter = counter;
			arrival.ntp = clock_ntp(meridian_timemodel_utc(&responder->model, counter));
		}
		frame->interleave = FRAME_BASIC;
		answer(&timestamps, frame, &arrival, &common, ipv6);
	}
	burst->timestamps = timestamps;
	burst->arrival = arrival;
}

/* Those who ask are looked up before all are answered, since swaps let nothing overlap. */
INLINE void answer_asking(struct burst *burst, unsigned int i, unsigned int end, bool ipv6)
{
	const uint64_t asking = burst->asking & BITS_BELOW(end) & ~BITS_BELOW(i);
	uint8_t *const kind = burst->interleave;

	for (uint64_t left = asking; left != 0; left &= left - 1)
		kind[__builtin_ctzll(left)] =
			interleave(burst, (unsigned int)__builtin_ctzll(left), ipv6);
	answer_run(burst, i, end, ipv6);
	for (uint64_t left = asking; left != 0; left &= left - 1)
		burst->frame[__builtin_ctzll(left)].interleave = kind[__builtin_ctzll(left)];
}

static NOINLINE unsigned int admit_ipv4(struct burst *burst, unsigned int i, unsigned int end)
{
	return admit_run(burst, i, end, false);
}

static NOINLINE unsigned int admit_ipv6(struct burst *burst, unsigned int i, unsigned int end)
{
	return admit_run(burst, i, end, true);
}

static NOINLINE void answer_ipv4(struct burst *burst, unsigned int i, unsigned int end)
{
	answer_asking(burst, i, end, false);
}

static NOINLINE void answer_ipv6(struct burst *burst, unsigned int i, unsigned int end)
{
	answer_asking(burst, i, end, true);
}

/* How many frames from `i` on, which is in the set, are in it. */
static unsigned int run_length(uint64_t set, unsigned int i)
{
	uint64_t others = ~(set >> i);

	return others == 0 ? 64 : (unsigned int)__builtin_ctzll(others);
}

/* Serves frames from *i on, which it moves on. Returns false if what is there now is for
 * serve_one(). */
static bool serve_many(struct burst *burst, unsigned int *i, uint64_t ipv4, uint64_t ipv6)
{
	unsigned int begin = *i, end = begin;

	if (ipv4 >> begin & 1) {
		end += run_length(ipv4, begin);
		*i = admit_ipv4(burst, begin, end);
		if (*i > begin)
			answer_ipv4(burst, begin, *i);
	} else if (ipv6 >> begin & 1) {
		end += run_length(ipv6, begin);
		*i = admit_ipv6(burst, begin, end);
		if (*i > begin)
			answer_ipv6(burst, begin, *i);
	}
	return end > begin && *i == end;
}

static uint64_t answered_bit(enum meridian_verdict verdict, unsigned int i)
{
	return (uint64_t)(verdict == MERIDIAN_VERDICT_answered) << i;
}

static void second_pass(struct burst *burst, unsigned int count)
{
	struct responder *responder = burst->responder;
	const uint64_t plain = responder->model.leap_s == 0 ? UINT64_MAX : 0;
	const uint64_t ipv4 = burst->ipv4 & plain, ipv6 = burst->ipv6 & plain;

	common_take(&burst->common, responder);
	arrival_take(responder, &burst->arrival, burst->receive_counter[0]);
	burst->timestamps = responder->timestamps;
	burst->answered = 0;
	burst->allowed_end = 0;
	burst->refused = BURST_MAX;
	for (unsigned int i = 0; i < count;) {
		if (serve_many(burst, &i, ipv4, ipv6))
			continue;
		burst->verdict[i] = serve_one(burst, i);
		burst->answered |= answered_bit(burst->verdict[i], i);
		i++;
	}
	responder->timestamps = burst->timestamps;
}

/* The first pass over frames of one family, from `i` up to the first that is none. Returns where it
 * ended. Without a call in it, all that frames share stays in registers. */
INLINE unsigned int take_run(
	struct burst *burst, unsigned int i, unsigned int count, uint64_t *ret_found, bool ipv6)
{
	const struct responder *responder = burst->responder;
	const uint64_t before = BITS_BELOW(i);
	uint64_t asking = 0;
	struct ours ours;

	ours_take(&ours, &responder->policy->served, ipv6);
	for (; i < count; i++) {
		const struct frame *frame = &burst->frame[i];

		if (!request_good(&ours, frame, ipv6))
			break;
		prefetch(responder, frame, &burst->lookup[i], ipv6);
		asking |= (uint64_t)interleaved_asked(ntp_of(frame, ipv6)) << i;
	}
	burst->asking |= asking;
	*ret_found |= BITS_BELOW(i) ^ before;
	return i;
}

static NOINLINE unsigned int take_ipv4(struct burst *burst, unsigned int i, unsigned int count)
{
	return take_run(burst, i, count, &burst->ipv4, false);
}

static NOINLINE unsigned int take_ipv6(struct burst *burst, unsigned int i, unsigned int count)
{
	return take_run(burst, i, count, &burst->ipv6, true);
}

/* Leaves those who ask for an interleaved reply and may have one. */
static NOINLINE void interleave_begin(struct burst *burst)
{
	const struct responder *responder = burst->responder;
	uint64_t left = burst->asking;

	burst->asking = 0;
	if (!interleaved_remembers(responder))
		return;
	for (; left != 0; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);
		bool ipv6 = burst->ipv6 >> i & 1;
		const uint8_t *ntp = ntp_of(&burst->frame[i], ipv6);

		if (!interleaved_eligible(ntp))
			continue;
		burst->interleave_key[i] =
			interleaved_key(responder, ntp, addresses_of(&burst->frame[i], ipv6), ipv6);
		interleave_prefetch(burst->interleave_key[i]);
		burst->asking |= left & -left;
	}
}

static void upgrades_set_aside(struct burst *burst)
{
	for (uint64_t left = burst->ipv4 | burst->ipv6; left != 0; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);
		uint64_t bit = left & -left;

		if (!asks_for_upgrade(
			    &burst->frame[i], burst->ipv6 & bit ? BURST_IPV6 : BURST_IPV4))
			continue;
		burst->ipv4 &= ~bit;
		burst->ipv6 &= ~bit;
		burst->asking &= ~bit;
	}
}

static void first_pass(struct burst *burst, unsigned int count)
{
	burst->ipv4 = burst->ipv6 = burst->asking = 0;
	for (unsigned int i = 0, begin = 0; i < count; begin = i) {
		i = take_ipv4(burst, i, count);
		i = take_ipv6(burst, i, count);
		i += i == begin; /* is neither */
	}
	if (__builtin_expect(burst->responder->policy->ntpv5, 0))
		upgrades_set_aside(burst);
	if (burst->asking != 0)
		interleave_begin(burst);
}

static uint64_t classify_each(struct responder *responder, struct frame *frame,
	const uint64_t *receive_counter, enum meridian_verdict *ret_verdict, unsigned int count)
{
	uint64_t answered = 0;

	for (unsigned int i = 0; i < count; i++) {
		ret_verdict[i] = responder_classify(responder, &frame[i], receive_counter[i]);
		answered |= answered_bit(ret_verdict[i], i);
	}
	return answered;
}

static uint64_t classify(struct responder *responder, struct frame *frame,
	const uint64_t *receive_counter, enum meridian_verdict *ret_verdict, unsigned int count)
{
	struct burst burst __attribute__((uninitialized));

	if (responder->policy == NULL || !responder->has_model)
		return classify_each(responder, frame, receive_counter, ret_verdict, count);
	if (count == 0)
		return 0;
	burst.responder = responder;
	burst.frame = frame;
	burst.receive_counter = receive_counter;
	burst.verdict = ret_verdict;
	first_pass(&burst, count);
	second_pass(&burst, count);
	return burst.answered;
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
		store_u16(payload - UDP_HEADER + UDP_CHECKSUM,
			checksum_udp_field(checksum_add(frame[i].udp_sum, transmit)));
	}
	responder->timestamps = timestamps;
}

#endif
