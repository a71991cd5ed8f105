/* SPDX-License-Identifier: BSD-3-Clause */
#include "responder.h"
#include "clock.h"
#include "martian.h"
#include "reply.h"
#include "request.h"
#include <errno.h>
#include <stdlib.h>

#define GOOD MERIDIAN_VERDICT_answered

/* Two timestamps this close, beyond the noise of both, may be of one stamp: enough for 128 frames
 * of a burst that all have the same and are told 2 apart. 2^-24 s. */
#define ONE_STAMP (UINT64_C(1) << 8)

/* As far from any timestamp as one can get: none was given out since the clock stepped. */
#define HALF_ERA (UINT64_C(1) << 63)

/* Chrony's marks: receive timestamps are odd and transmit timestamps even, so a client's
 * origin timestamp tells whether it asks for an interleaved reply. Steps are of 2. */
#define RECEIVE_MARK UINT64_C(1)

void responder_init(struct responder *responder, uint64_t seed)
{
	*responder = (struct responder){.random = seed ? seed : 1};
}

static void take_model(struct responder *responder, const struct meridian_timemodel_data *model,
	uint64_t now_counter)
{
	bool stepped = !responder->has_model ||
		model->disruption_count != responder->model.disruption_count;

	responder->model = *model;
	responder->has_model = true;
	responder->noise_mask = clock_noise_mask(model->precision_log2);
	if (stepped)
		responder->last_receive = responder->last_transmit =
			clock_ntp(meridian_timemodel_utc(model, now_counter)) - HALF_ERA;
}

void responder_begin(struct responder *responder, const struct meridian_timemodel_data *model,
	const struct responder_policy *policy, uint64_t now_counter)
{
	responder->policy = policy;
	if (model != NULL && meridian_timemodel_sane(model))
		take_model(responder, model, now_counter);
	if (!responder->has_model)
		return;
	responder->synchronised = meridian_timemodel_valid(&responder->model, now_counter);
	reply_prepare(&responder->common, &responder->model, responder->synchronised, now_counter);
}

/* Marsaglia's xorshift64: the noise need not be secret, only without pattern. */
static uint64_t random_next(struct responder *responder)
{
	uint64_t x = responder->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	responder->random = x;
	return x;
}

static uint64_t timestamp(struct responder *responder, struct meridian_utc utc)
{
	uint64_t mask = responder->noise_mask;

	return (clock_ntp(utc) & ~mask) | (random_next(responder) & mask);
}

static uint64_t leap_shift(const struct frame *frame)
{
	return (uint64_t)frame->leap_offset_s << 32;
}

/*
 * `t`, or the next value after `last` if `t` lies before that by no more than the noise and equal
 * stamps explain. What is further back is of an earlier instant, be it that another queue waited
 * or that the clock was set back, and stays as it is: a time is never made wrong to be unique.
 */
static uint64_t after(const struct responder *responder, uint64_t last, uint64_t t)
{
	return last - t <= 2 * responder->noise_mask + ONE_STAMP ? last + 2 : t;
}

/* Never equal to the origin timestamp beside it, which must not be a valid answer to itself. */
static void stamp_receive(
	struct responder *responder, struct frame *frame, struct meridian_utc utc, uint64_t origin)
{
	uint64_t t = timestamp(responder, utc) | RECEIVE_MARK;

	frame->leap_offset_s = (int8_t)meridian_timemodel_leap_offset_s(&responder->model, utc);
	t = after(responder, responder->last_receive, t);
	if (t + leap_shift(frame) == origin)
		t += 2;
	responder->last_receive = t;
	frame->receive = t + leap_shift(frame);
}

static enum meridian_verdict check_addresses(
	const struct responder_policy *policy, const struct frame *frame)
{
	const uint8_t *source = frame_source(frame);

	if (policy == NULL ||
		!served_contains(&policy->served, frame_destination(frame), frame->ipv6))
		return MERIDIAN_VERDICT_foreign_address;
	if (martian_source(source, frame->ipv6) ||
		served_contains(&policy->served, source, frame->ipv6))
		return MERIDIAN_VERDICT_martian_source;
	return GOOD;
}

/* All the questions, in the order of the verdicts. */
static enum meridian_verdict check(
	const struct responder *responder, struct frame *frame, struct request *ret_request)
{
	enum meridian_verdict verdict = frame_parse(frame);

	if (verdict == GOOD)
		verdict = check_addresses(responder->policy, frame);
	if (verdict == GOOD)
		verdict = request_parse(frame->data + frame->payload, frame->payload_length,
			frame_source_port(frame), ret_request);
	if (verdict != GOOD)
		return verdict;
	if (!access_allowed(&responder->policy->access, frame_source(frame), frame->ipv6))
		return MERIDIAN_VERDICT_denied;
	return responder->has_model ? GOOD : MERIDIAN_VERDICT_no_model;
}

enum meridian_verdict responder_classify(
	struct responder *responder, struct frame *frame, uint64_t receive_counter)
{
	struct request request;
	struct meridian_utc utc;
	enum meridian_verdict verdict = check(responder, frame, &request);
	uint8_t leap = MERIDIAN_NTP_LI_UNKNOWN;

	if (verdict != GOOD)
		return verdict;
	utc = meridian_timemodel_utc(&responder->model, receive_counter);
	stamp_receive(responder, frame, utc, request.transmit);
	if (responder->synchronised)
		leap = clock_leap_indicator(&responder->model, utc);
	frame_turn(frame, MERIDIAN_NTP_HEADER_SIZE);
	reply_write(
		frame->data + frame->payload, &responder->common, &request, leap, frame->receive);
	return responder->synchronised ? GOOD : MERIDIAN_VERDICT_answered_unsynchronised;
}

/* After the receive time of the same reply and the last reply's transmit time. */
static uint64_t stamp_transmit(
	struct responder *responder, const struct frame *frame, uint64_t transmit_counter)
{
	uint64_t receive = frame->receive - leap_shift(frame);
	uint64_t t =
		timestamp(responder, meridian_timemodel_utc(&responder->model, transmit_counter));

	t = after(responder, responder->last_transmit, t & ~RECEIVE_MARK);
	if ((int64_t)(t - receive) <= 0)
		t = receive + 1;
	return t;
}

void responder_finish(struct responder *responder, struct frame *frame, uint64_t transmit_counter)
{
	uint8_t *payload = frame->data + frame->payload;
	uint64_t t = stamp_transmit(responder, frame, transmit_counter);

	if (t + leap_shift(frame) == reply_origin(payload))
		t += 2;
	responder->last_transmit = t;
	reply_set_transmit(payload, t + leap_shift(frame));
	frame_checksum_udp(frame);
}

int responder_policy_new(
	struct responder_policy **ret_policy, const struct meridian_policy_blob *blob)
{
	struct responder_policy *policy = calloc(1, sizeof(*policy));
	int r;

	if (policy == NULL)
		return -ENOMEM;
	policy->generation = blob->generation;
	r = served_init(&policy->served,
		MERIDIAN_POLICY_TABLE(blob, addresses, struct meridian_policy_address),
		blob->addresses.count);
	if (r == 0)
		r = access_init(&policy->access,
			MERIDIAN_POLICY_TABLE(blob, access, struct meridian_policy_access),
			blob->access.count);
	if (r < 0) {
		responder_policy_free(policy);
		return r;
	}
	*ret_policy = policy;
	return 0;
}

void responder_policy_free(struct responder_policy *policy)
{
	if (policy == NULL)
		return;
	served_fini(&policy->served);
	access_fini(&policy->access);
	free(policy);
}
