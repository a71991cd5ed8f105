/* SPDX-License-Identifier: BSD-3-Clause */
#include "responder.h"
#include "burst_engine.h"
#include "bytes.h"
#include "interleaved.h"
#include "martian.h"
#include "ntpv5.h"
#include "reply.h"
#include "request.h"
#include <errno.h>
#include <stdlib.h>

#define GOOD MERIDIAN_VERDICT_answered

void responder_init(struct responder *responder, uint64_t seed, struct limit *limit)
{
	*responder = (struct responder){
		.engine = burst_engine_best(),
		.timestamps.random = seed ? seed : 1,
		.limit = limit,
	};
}

static void take_model(struct responder *responder, const struct meridian_timemodel_data *model,
	uint64_t now_counter)
{
	bool stepped = !responder->has_model ||
		model->disruption_count != responder->model.disruption_count;

	responder->model = *model;
	responder->has_model = true;
	responder->prepared_until_counter = 0;
	timestamps_precision(&responder->timestamps, model->precision_log2);
	if (stepped)
		timestamps_restart(
			&responder->timestamps, meridian_timemodel_utc(model, now_counter));
}

static void prepare(struct responder *responder, bool synchronised, uint64_t now_counter,
	uint64_t receive_error_ns)
{
	struct meridian_timemodel_data model = responder->model;
	uint64_t until =
		now_counter + meridian_timemodel_ticks(&responder->model, RESPONDER_PREPARE_NS);

	responder->synchronised = synchronised;
	responder->prepared_until_counter = until;
	responder->prepared_error_ns = receive_error_ns;
	model.root_dispersion_ns += receive_error_ns;
	responder->prepared_dispersion_ns = meridian_timemodel_dispersion_ns(&model, until);
	reply_prepare(&responder->common, &model, synchronised, until);
}

void responder_begin(struct responder *responder, const struct meridian_timemodel_data *model,
	const struct responder_policy *policy, uint64_t now_counter, uint64_t receive_error_ns)
{
	bool synchronised;

	responder->policy = policy;
	responder->interleave_count = 0;
	responder->signing = false;
	responder->kissing = false;
	if (model != NULL && meridian_timemodel_sane(model))
		take_model(responder, model, now_counter);
	if (!responder->has_model)
		return;
	synchronised = meridian_timemodel_valid(&responder->model, now_counter);
	if (now_counter >= responder->prepared_until_counter ||
		synchronised != responder->synchronised ||
		receive_error_ns != responder->prepared_error_ns)
		prepare(responder, synchronised, now_counter, receive_error_ns);
	if (responder->limit != NULL && policy != NULL)
		limit_begin(
			responder->limit, &policy->rate, now_counter, responder->model.counter_hz);
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

static bool is_exempt(const struct responder *responder, const struct frame *frame)
{
	return access_allowed(&responder->policy->kod_exempt, frame_source(frame), frame->ipv6);
}

/* T2 is not told, but T3 of later replies goes on from it. */
static void kiss_receive(const struct responder *responder, struct frame *frame)
{
	const struct meridian_timemodel_data *model = &responder->model;
	struct meridian_utc utc = meridian_timemodel_utc(model, responder->limit->counter);

	frame->leap_offset_s = (int8_t)meridian_timemodel_leap_offset_s(model, utc);
	frame->receive = clock_ntp(utc) + timestamps_leap(frame->leap_offset_s);
}

/* The frame is good and its source allowed: it was refused by the limiter alone. Rare, hence not in
 * a hurry: it is parsed once more. Who asked with a MAC would not believe a kiss without one, and
 * version 5 has no kisses. */
static enum meridian_verdict kiss(struct responder *responder, struct frame *frame)
{
	struct request request;

	if (frame_parse(frame) != GOOD ||
		request_parse(frame->data + frame->payload, frame->payload_length,
			frame_source_port(frame), responder->policy->ntpv5, &request) != GOOD ||
		request.mac != 0 || request.version == NTPV5_VERSION || is_exempt(responder, frame))
		return MERIDIAN_VERDICT_rate_limited;
	frame_turn(frame, MERIDIAN_NTP_HEADER_SIZE);
	frame->key = 0;
	frame->interleave = FRAME_BASIC;
	kiss_receive(responder, frame);
	reply_write_kiss(
		frame->data + frame->payload, &request, responder->policy->rate.interval_log2);
	responder->kissing = true;
	return MERIDIAN_VERDICT_kod;
}

enum meridian_verdict responder_refuse(
	struct responder *responder, const struct limit_source *source, struct frame *frame)
{
	switch (limit_refuse(responder->limit, source)) {
	case LIMIT_ANSWER:
		return GOOD;
	case LIMIT_TELL:
		return kiss(responder, frame);
	default:
		return MERIDIAN_VERDICT_rate_limited;
	}
}

/* Asked last: whoever is allowed has used up some of what it may ask. */
static enum meridian_verdict check_limit(
	struct responder *responder, struct frame *frame, struct limit_source *ret_source)
{
	struct limit *limit = responder->limit;
	const uint8_t *address = frame_source(frame);

	if (limit == NULL)
		return GOOD;
	if (frame->ipv6)
		limit_source_ipv6(limit, get_u64(address), ret_source);
	else
		limit_source_ipv4(limit, get_u32(address), ret_source);
	if (frame->ipv6 ? limit_allow(limit, ret_source, true)
			: limit_allow(limit, ret_source, false))
		return GOOD;
	return responder_refuse(responder, ret_source, frame);
}

/* Of those who are answered, for whoever is not may have forged its address. */
static void count_client(
	struct responder *responder, const struct frame *frame, const struct limit_source *source)
{
	struct collector *collector = responder->collector;

	if (responder->limit != NULL && collector != NULL)
		sketch_add(frame->ipv6 ? &collector->ipv6 : &collector->ipv4, source->hash);
}

/* What a MAC at `mac_at` is over, from the packet's beginning: in version 5 not its field's header.
 */
static size_t signed_octets(uint8_t version, uint16_t mac_at)
{
	return mac_at - (version == NTPV5_VERSION ? NTPV5_FIELD_HEADER : 0u);
}

/* Of a request with a MAC, the dearest question. */
static enum meridian_verdict authenticate(
	const struct responder *responder, struct frame *frame, const struct request *request)
{
	const uint8_t *payload = frame->data + frame->payload;
	const uint8_t *mac = payload + request->mac_at;
	const struct mac_key *key;

	frame->key = keyring_find(responder->keyring, mac_id(mac));
	if (frame->key == 0)
		return MERIDIAN_VERDICT_unknown_key;
	key = keyring_key(responder->keyring, frame->key);
	if (request->mac != mac_length(key, request->version) ||
		!mac_good_at(key, payload, signed_octets(request->version, request->mac_at), mac,
			request->mac))
		return MERIDIAN_VERDICT_bad_mac;
	return GOOD;
}

/* All the questions: each packet has the verdict of the first that it fails. */
static enum meridian_verdict check(
	struct responder *responder, struct frame *frame, struct request *ret_request)
{
	enum meridian_verdict verdict = frame_parse(frame);
	struct limit_source source;

	frame->key = 0;
	if (verdict == GOOD)
		verdict = check_addresses(responder->policy, frame);
	if (verdict == GOOD)
		verdict = request_parse(frame->data + frame->payload, frame->payload_length,
			frame_source_port(frame), responder->policy->ntpv5, ret_request);
	if (verdict != GOOD)
		return verdict;
	if (!access_allowed(&responder->policy->access, frame_source(frame), frame->ipv6))
		return MERIDIAN_VERDICT_denied;
	if (!responder->has_model)
		return MERIDIAN_VERDICT_no_model;
	verdict = check_limit(responder, frame, &source);
	if (verdict == GOOD && ret_request->mac != 0)
		verdict = authenticate(responder, frame, ret_request);
	if (verdict == GOOD)
		count_client(responder, frame, &source);
	return verdict;
}

/* A basic reply, or an interleaved one. */
static void interleave(struct responder *responder, struct frame *frame, struct request *request)
{
	uint8_t *ntp = frame->data + frame->payload;

	frame->interleave = FRAME_BASIC;
	if (request->interleaved)
		interleaved_classify_cookie(responder, frame, request->server_cookie);
	if (request->version == NTPV5_VERSION)
		return;
	interleaved_classify_one(responder, frame, ntp);
	request->transmit = get_u64(ntp + offsetof(struct meridian_ntp_header, transmit));
}

/* log2 s. Nobody needs to ask more than once a second. */
static int8_t least_poll(const struct limit_rate *rate)
{
	return rate->burst != 0 && rate->interval_log2 > 0 ? rate->interval_log2 : 0;
}

static bool is_smeared(const struct smear *smear, const struct frame *frame)
{
	return smear->shape != MERIDIAN_SMEAR_NONE &&
		served_contains(&smear->addresses, frame_destination(frame), frame->ipv6);
}

/* The reply to a request of version 5, whose T2 is frame->receive: `utc` by the model. */
static enum meridian_verdict reply_ntpv5(
	struct responder *responder, struct frame *frame, struct meridian_utc utc)
{
	const struct responder_policy *policy = responder->policy;
	struct ntpv5_reply reply = {
		.model = &responder->model,
		.page = responder->page,
		.utc = utc,
		.receive = frame->receive,
		.dispersion_ns = responder->prepared_dispersion_ns,
		.least_poll_log2 = least_poll(&policy->rate),
		.synchronised = responder->synchronised,
		.smeared = is_smeared(&policy->smear, frame),
		.remembered = frame->interleave != FRAME_BASIC,
		.interleaved = frame->interleave == FRAME_INTERLEAVED,
	};

	frame_turn(frame, frame->payload_length);
	ntpv5_reply_write(frame->data + frame->payload, frame->payload_length, &reply);
	return responder->synchronised ? MERIDIAN_VERDICT_answered_ntpv5
				       : MERIDIAN_VERDICT_answered_unsynchronised;
}

/* The fields of version 5 keep their places; older replies have none, the MAC follows the header.
 */
static void will_be_signed(
	struct responder *responder, struct frame *frame, const struct request *request)
{
	if (frame->key == 0)
		return;
	responder->signing = true;
	frame->mac_at =
		request->version == NTPV5_VERSION ? request->mac_at : MERIDIAN_NTP_HEADER_SIZE;
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
	interleave(responder, frame, &request);
	utc = meridian_timemodel_utc(&responder->model, receive_counter);
	frame->leap_offset_s = (int8_t)meridian_timemodel_leap_offset_s(&responder->model, utc);
	frame->receive = timestamps_receive(
		&responder->timestamps, clock_ntp(utc), frame->leap_offset_s, request.transmit);
	will_be_signed(responder, frame, &request);
	if (request.version == NTPV5_VERSION)
		return reply_ntpv5(responder, frame, utc);
	if (responder->synchronised)
		leap = clock_leap_indicator(&responder->model, utc);
	frame_turn(frame, (uint16_t)(MERIDIAN_NTP_HEADER_SIZE + request.mac));
	reply_write(
		frame->data + frame->payload, &responder->common, &request, leap, frame->receive);
	return responder->synchronised ? GOOD : MERIDIAN_VERDICT_answered_unsynchronised;
}

void responder_finish(struct responder *responder, struct frame *frame, uint64_t transmit_counter)
{
	uint8_t *payload = frame->data + frame->payload;
	struct meridian_utc utc = meridian_timemodel_utc(&responder->model, transmit_counter);
	uint64_t transmit = timestamps_transmit(&responder->timestamps, clock_ntp(utc),
		frame->leap_offset_s, frame->receive, reply_origin(payload));

	if (frame->interleave == FRAME_INTERLEAVED)
		transmit = frame->earlier;
	if (reply_is_kiss(payload))
		transmit = reply_origin(payload);
	reply_set_transmit(payload, transmit);
	responder_sign(responder, frame);
}

static void sign(const struct mac_key *key, uint8_t *payload, uint16_t mac_at)
{
	uint8_t version = MERIDIAN_NTP_VERSION(payload[0]);

	mac_write_at(key, payload, signed_octets(version, mac_at), payload + mac_at,
		mac_length(key, version));
}

void responder_sign(const struct responder *responder, struct frame *frame)
{
	if (frame->key != 0)
		sign(keyring_key(responder->keyring, frame->key), frame->data + frame->payload,
			frame->mac_at);
	frame_checksum_udp(frame);
}

/* Whether the rules allow every address of `family`: one allows all, and none denies. */
static bool is_open(const struct meridian_policy_access *rules, size_t count, uint8_t family)
{
	bool all = false;

	for (size_t i = 0; i < count; i++) {
		if (rules[i].family != family)
			continue;
		if (!rules[i].allow)
			return false;
		all |= rules[i].prefix_len == 0;
	}
	return all;
}

int responder_policy_new(
	struct responder_policy **ret_policy, const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_access *rules =
		MERIDIAN_POLICY_TABLE(blob, access, struct meridian_policy_access);
	const struct meridian_policy_access *exempt = blob->kod_exempt.count == 0
		? NULL /* the offset may be anything */
		: MERIDIAN_POLICY_TABLE(blob, kod_exempt, struct meridian_policy_access);
	struct responder_policy *policy = calloc(1, sizeof(*policy));
	int r;

	if (policy == NULL)
		return -ENOMEM;
	policy->generation = blob->generation;
	policy->rate = (struct limit_rate){
		.interval_log2 = blob->ratelimit_interval_log2,
		.burst = blob->ratelimit_burst,
		.rollup_log2 = blob->ratelimit_rollup_log2,
		.leak_log2 = blob->ratelimit_leak_log2,
		.kod_log2 = blob->ratelimit_kod_log2,
		.kod_after_s = blob->ratelimit_kod_after_s,
	};
	policy->ntpv5 = blob->ntpv5;
	policy->open_ipv4 = is_open(rules, blob->access.count, MERIDIAN_FAMILY_IPV4);
	policy->open_ipv6 = is_open(rules, blob->access.count, MERIDIAN_FAMILY_IPV6);
	r = served_init(&policy->served,
		MERIDIAN_POLICY_TABLE(blob, addresses, struct meridian_policy_address),
		blob->addresses.count);
	if (r == 0)
		r = access_init(&policy->access, rules, blob->access.count);
	if (r == 0)
		r = access_init(&policy->kod_exempt, exempt, blob->kod_exempt.count);
	if (r == 0)
		r = smear_init(&policy->smear, blob);
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
	access_fini(&policy->kod_exempt);
	smear_fini(&policy->smear);
	free(policy);
}
