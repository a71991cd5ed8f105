/* SPDX-License-Identifier: BSD-3-Clause */
#include "ntpv5_bench.h"
#include "reply_check.h"
#include <burst.h>
#include <burst_engine.h>
#include <interleaved.h>
#include <setjmp.h>
#include <smear.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* NULL: one frame at a time. */
const struct burst_engine *ntpv5_engines[] = {NULL, &burst_engine_plain, &burst_engine_avx512};

const uint8_t ntpv5_draft[28] = "\xf5\xff\0\x1b"
				"draft-ietf-ntp-ntpv5-09";

int ntpv5_setup(void **state)
{
	static struct bench bench;
	const struct burst_engine *engine = *(const struct burst_engine **)*state;

	memset(&bench, 0, sizeof(bench));
	bench.policy = fixture_policy();
	bench.policy->ntpv5 = true;
	bench.model = fixture_model();
	bench.counter = FIXTURE_COUNTER + NTPV5_HALF;
	bench.plain = engine == NULL;
	responder_init(&bench.responder, 1, NULL);
	if (engine != NULL)
		bench.responder.engine = engine;
	*state = &bench;
	return 0;
}

int ntpv5_teardown(void **state)
{
	struct bench *bench = *state;

	interleave_free(bench->policy->interleave);
	responder_policy_free(bench->policy);
	return 0;
}

static void put64(uint8_t *to, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		to[i] = (uint8_t)(value >> (56 - 8 * i));
}

static void request_make(const struct ask *ask, struct pkt *ret_pkt)
{
	uint8_t payload[PKT_NTP_SIZE + sizeof(ntpv5_draft) + NTPV5_FIELDS] = {0x2b};
	size_t length = PKT_NTP_SIZE;

	payload[12] = ask->timescale;
	payload[15] = ask->flags;
	put64(payload + 16, ask->server_cookie);
	put64(payload + 24, NTPV5_COOKIE);
	if (!ask->bare) {
		memcpy(payload + length, ntpv5_draft, sizeof(ntpv5_draft));
		length += sizeof(ntpv5_draft);
	}
	if (ask->length > 0)
		memcpy(payload + length, ask->fields, ask->length);
	pkt_build(ret_pkt, (struct pkt_spec){.ipv6 = ask->ipv6}, payload, length + ask->length);
}

enum meridian_verdict ntpv5_serve(struct bench *bench, struct frame *frame)
{
	uint64_t transmit_counter = bench->counter + NTPV5_HALF / 2;
	enum meridian_verdict verdict;

	responder_begin(&bench->responder, &bench->model, bench->policy, bench->counter, 0);
	if (bench->plain) {
		verdict = responder_classify(&bench->responder, frame, bench->counter);
		if (fixture_answers(verdict))
			responder_finish(&bench->responder, frame, transmit_counter);
	} else {
		burst_classify(&bench->responder, frame, &bench->counter, &verdict, 1);
		if (fixture_answers(verdict))
			burst_finish(&bench->responder, frame, 1, transmit_counter);
	}
	return verdict;
}

/* As the server does it with a finished burst, then the reply leaves. */
void ntpv5_leave(struct bench *bench, struct frame *frame)
{
	struct meridian_utc utc = meridian_timemodel_utc(&bench->model, bench->counter);
	struct interleaved_note note;

	if (smear_is_active(&bench->policy->smear, &bench->model, utc))
		smear_reply(&bench->policy->smear, &bench->model, utc, frame);
	interleaved_save(&bench->responder, &note,
		interleaved_notes_take(&bench->responder, frame, 1, &note),
		bench->counter + 3 * NTPV5_HALF / 4, 0);
}

static void told_take(const struct fixture_frame *f, struct told *ret_told)
{
	const uint8_t *ntp = f->frame.data + f->frame.payload;

	assert_null(reply_fault(f));
	assert_true(f->frame.payload_length <= sizeof(ret_told->octets));
	memcpy(ret_told->octets, ntp, f->frame.payload_length);
	ret_told->length = f->frame.payload_length;
	ret_told->cookie = pkt_u64(ntp + 16);
	ret_told->receive = pkt_u64(ntp + 32);
	ret_told->transmit = pkt_u64(ntp + 40);
}

/* One request and its reply, a second later than the one before. */
struct told ntpv5_ask(struct bench *bench, struct ask what)
{
	struct told told = {.length = 0};
	struct fixture_frame f;
	struct pkt pkt;

	request_make(&what, &pkt);
	fixture_frame_init(&f, pkt.data, pkt.length);
	told.verdict = ntpv5_serve(bench, &f.frame);
	if (fixture_answers(told.verdict)) {
		ntpv5_leave(bench, &f.frame);
		told_take(&f, &told);
	} else {
		assert_true(fixture_frame_unchanged(&f));
	}
	fixture_frame_fini(&f);
	bench->counter += FIXTURE_HZ;
	return told;
}

struct told ntpv5_ask_at(struct bench *bench, int64_t utc_s, bool ipv6)
{
	bench->model.valid_until_counter = UINT64_MAX;
	bench->counter = fixture_counter(utc_s, NTPV5_HALF);
	return ntpv5_ask(bench, (struct ask){.ipv6 = ipv6});
}

void ntpv5_smear(struct bench *bench)
{
	struct {
		struct meridian_policy_blob blob;
		struct meridian_policy_address address;
	} all = {.blob = {.smear_shape = MERIDIAN_SMEAR_LINEAR,
			 .smear_duration_s = NTPV5_DAY_S,
			 .addresses = {offsetof(__typeof__(all), address), 1}},
		.address = {.family = MERIDIAN_FAMILY_IPV4, .smear = 1}};

	memcpy(all.address.octets, pkt_server_ipv4, 4);
	smear_fini(&bench->policy->smear);
	assert_int_equal(smear_init(&bench->policy->smear, &all.blob), 0);
	bench->model.leap = 1;
	bench->model.leap_s = NTPV5_LEAP_S;
}

void ntpv5_engines_init(void)
{
	if (!burst_engine_has_avx512())
		ntpv5_engines[2] = &burst_engine_plain;
}
