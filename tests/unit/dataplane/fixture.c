/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"
#include <burst.h>
#include <interleaved.h>
#include <meridian/counter.h>
#include <stdlib.h>
#include <string.h>

struct meridian_timemodel_data fixture_model(void)
{
	struct meridian_line line = {.counter = FIXTURE_COUNTER,
		.utc_s = FIXTURE_UTC_S,
		.period_frac64 = UINT64_C(1) << (64 - 30)};

	return (struct meridian_timemodel_data){
		.slew = line,
		.line = line,
		.valid_until_counter = FIXTURE_COUNTER + 3600 * FIXTURE_HZ,
		.published_counter = FIXTURE_COUNTER,
		.root_delay_ns = 1000000,
		.root_dispersion_ns = 2000000,
		.dispersion_rate_ppb = 1000,
		.reference_s = FIXTURE_UTC_S - 16,
		.reference_frac32 = 0x40000000,
		.counter_hz = FIXTURE_HZ,
		.refid = 0xc0000263,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = 2,
		.precision_log2 = -32,
		.counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW,
	};
}

uint64_t fixture_counter(int64_t s, int64_t ticks)
{
	return FIXTURE_COUNTER + (uint64_t)((s - FIXTURE_UTC_S) * (int64_t)FIXTURE_HZ + ticks);
}

struct fixture_blob {
	struct meridian_policy_blob blob;
	struct meridian_policy_address address[2];
	struct meridian_policy_access access[2];
};

struct responder_policy *fixture_policy(void)
{
	struct fixture_blob all = {
		.blob = {.generation = 1,
			.size = sizeof(all),
			.nics.offset = sizeof(all),
			.queues.offset = sizeof(all),
			.workers.offset = sizeof(all),
			.addresses = {offsetof(struct fixture_blob, address), 2},
			.access = {offsetof(struct fixture_blob, access), 2}},
		.address = {{.family = MERIDIAN_FAMILY_IPV6}, {.family = MERIDIAN_FAMILY_IPV4}},
		.access = {{.family = MERIDIAN_FAMILY_IPV4, .allow = 1},
			{.family = MERIDIAN_FAMILY_IPV6, .allow = 1}},
	};
	struct responder_policy *policy;

	memcpy(all.address[0].octets, pkt_server_ipv6, 16);
	memcpy(all.address[1].octets, pkt_server_ipv4, 4);
	if (meridian_policy_check(&all.blob, sizeof(all)) < 0 ||
		responder_policy_new(&policy, &all.blob) < 0)
		abort();
	return policy;
}

#define TYPES_MAX 16

struct keyring *fixture_keyring(void)
{
	struct {
		struct meridian_keys_blob blob;
		struct meridian_key key[TYPES_MAX];
		uint8_t octets[32];
	} all = {.blob = {.generation = 1, .size = sizeof(all)}};
	const struct mac_type *type;
	struct keyring *keyring;

	while ((type = mac_type_at(all.blob.count))) {
		all.key[all.blob.count++] = (struct meridian_key){.id = type->number,
			.offset = offsetof(__typeof__(all), octets),
			.length = type->key_length ? type->key_length : 16,
			.type = type->number};
	}
	if (meridian_keys_check(&all.blob, sizeof(all)) < 0 || keyring_new(&keyring, &all.blob) < 0)
		abort();
	return keyring;
}

size_t fixture_sign(const struct keyring *keyring, uint8_t *payload, size_t length, uint32_t id)
{
	const struct mac_key *key = keyring_key(keyring, keyring_find(keyring, id));
	size_t octets = mac_length(key, payload[0] >> 3 & 7);
	size_t header = (payload[0] >> 3 & 7) == 5 ? 4 : 0;

	mac_write_at(key, payload, length, payload + length + header, octets);
	if (header != 0) {
		payload[length] = 0xf5;
		payload[length + 1] = 0x02;
		payload[length + 2] = 0;
		payload[length + 3] = (uint8_t)(header + octets);
	}
	return length + header + octets;
}

static uint8_t *copy(const uint8_t *data, uint32_t length)
{
	uint8_t *octets = malloc(length ? length : 1);

	if (octets == NULL)
		abort();
	memcpy(octets, data, length);
	return octets;
}

void fixture_frame_init(struct fixture_frame *frame, const uint8_t *data, uint32_t length)
{
	*frame = (struct fixture_frame){.frame = {.data = copy(data, length),
						.length = length,
						.mac = frame_mac(pkt_server_mac)},
		.before = copy(data, length),
		.length = length};
}

void fixture_frame_fini(struct fixture_frame *frame)
{
	free(frame->frame.data);
	free(frame->before);
}

bool fixture_frame_unchanged(const struct fixture_frame *frame)
{
	return frame->frame.length == frame->length &&
		memcmp(frame->frame.data, frame->before, frame->length) == 0;
}

static void serve_plain(struct responder *responder, struct fixture_frame *f,
	const uint64_t *receive, unsigned int count, uint64_t transmit,
	enum meridian_verdict *ret_verdict)
{
	for (unsigned int i = 0; i < count; i++)
		ret_verdict[i] = responder_classify(responder, &f[i].frame, receive[i]);
	for (unsigned int i = 0; i < count; i++) {
		if (fixture_answers(ret_verdict[i]))
			responder_finish(responder, &f[i].frame, transmit);
	}
}

static void serve_burst(struct responder *responder, struct fixture_frame *f,
	const uint64_t *receive, unsigned int count, uint64_t transmit,
	enum meridian_verdict *ret_verdict)
{
	struct frame frame[BURST_MAX], accepted[BURST_MAX];
	unsigned int accepted_count = 0;
	uint64_t answered;

	for (unsigned int i = 0; i < count; i++)
		frame[i] = f[i].frame;
	answered = burst_classify(responder, frame, receive, ret_verdict, count);
	for (unsigned int i = 0; i < count; i++) {
		if ((answered >> i & 1) != (ret_verdict[i] == MERIDIAN_VERDICT_answered))
			abort(); /* burst_classify() returns another bit than it says */
		if (fixture_answers(ret_verdict[i]))
			accepted[accepted_count++] = frame[i];
		f[i].frame = frame[i];
	}
	burst_finish(responder, accepted, accepted_count, transmit);
	burst_sign(responder, accepted, accepted_count);
}

void fixture_serve(struct responder *responder, struct fixture_frame *f, const uint64_t *receive,
	unsigned int count, uint64_t transmit, enum meridian_verdict *ret_verdict)
{
	if (responder->engine == NULL)
		serve_plain(responder, f, receive, count, transmit, ret_verdict);
	else
		serve_burst(responder, f, receive, count, transmit, ret_verdict);
}

void fixture_save(struct responder *responder, const struct fixture_frame *f,
	const enum meridian_verdict *verdict, unsigned int count, uint64_t left)
{
	struct interleaved_note note;

	for (unsigned int i = 0; i < count; i++) {
		if (!fixture_answers(verdict[i]))
			continue;
		interleaved_save(responder, &note,
			interleaved_notes_take(responder, &f[i].frame, 1, &note), left, 0);
	}
}
