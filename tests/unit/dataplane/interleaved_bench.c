/* SPDX-License-Identifier: BSD-3-Clause */
#include "interleaved_bench.h"
#include <burst.h>
#include <bytes.h>
#include <interleaved.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

int bench_setup(void **state)
{
	static struct bench bench;
	const struct burst_engine *engine = *(const struct burst_engine **)*state;

	memset(&bench, 0, sizeof(bench));
	bench.policy = fixture_policy();
	bench.model = fixture_model();
	bench.counter = FIXTURE_COUNTER;
	bench.plain = engine == NULL;
	assert_int_equal(interleave_new(&bench.policy->interleave, 4096, 1), 0);
	responder_init(&bench.responder, 1, NULL);
	bench.keyring = fixture_keyring();
	bench.responder.keyring = bench.keyring;
	if (engine != NULL)
		bench.responder.engine = engine;
	*state = &bench;
	return 0;
}

int bench_teardown(void **state)
{
	struct bench *bench = *state;

	interleave_free(bench->policy->interleave);
	responder_policy_free(bench->policy);
	keyring_free(bench->keyring);
	return 0;
}

static void request_make(const struct bench *bench, const struct ask *ask, struct pkt *ret_pkt)
{
	uint8_t payload[PKT_NTP_SIZE + MAC_MAX];
	size_t length = PKT_NTP_SIZE;

	pkt_ntp(payload, ask->li_vn_mode ? ask->li_vn_mode : 0x23, CLIENT_TRANSMIT);
	put_u64(payload + 24, ask->origin);
	put_u64(payload + 32, ask->receive);
	if (ask->key != 0)
		length = fixture_sign(bench->keyring, payload, length, ask->key);
	payload[length - 1] ^= ask->forged;
	pkt_build(ret_pkt, (struct pkt_spec){.ipv6 = ask->ipv6}, payload, length);
	ret_pkt->data[ret_pkt->ip + (ask->ipv6 ? 23 : 15)] ^= ask->client;
	pkt_checksum(ret_pkt);
}

static enum meridian_verdict serve(
	struct bench *bench, struct frame *frame, uint64_t transmit_counter)
{
	enum meridian_verdict verdict;

	if (bench->plain)
		verdict = responder_classify(&bench->responder, frame, bench->counter);
	else
		burst_classify(&bench->responder, frame, &bench->counter, &verdict, 1);
	if (!fixture_answers(verdict))
		return verdict;
	if (bench->plain) {
		responder_finish(&bench->responder, frame, transmit_counter);
	} else {
		burst_finish(&bench->responder, frame, 1, transmit_counter);
		burst_sign(&bench->responder, frame, 1);
	}
	assert_true(frame->ipv6 || pkt_checksum_ipv4_good(frame->data + frame->ip));
	assert_true(pkt_checksum_udp_good(
		frame->data + frame->ip, frame->data + frame->udp, frame->ipv6));
	return verdict;
}

/* By the key `id`, or not at all if that is 0. */
static void assert_signed(const struct bench *bench, const struct frame *frame, uint32_t id)
{
	const uint8_t *payload = frame->data + frame->payload;
	size_t mac = (size_t)(frame->payload_length - PKT_NTP_SIZE);
	const struct mac_key *key;

	assert_int_equal(frame->key, keyring_find(bench->keyring, id));
	if (id == 0) {
		assert_int_equal(mac, 0);
		return;
	}
	key = keyring_key(bench->keyring, frame->key);
	assert_int_equal(mac, mac_length(key, 4));
	assert_int_equal(mac_id(payload + PKT_NTP_SIZE), id);
	assert_true(mac_good(key, payload, PKT_NTP_SIZE, mac));
}

static void begin(struct bench *bench)
{
	responder_begin(&bench->responder, &bench->model, bench->policy, bench->counter, 0);
}

struct told ask_at(struct bench *bench, struct ask ask)
{
	uint64_t transmit_counter = bench->counter + RESIDENCE;
	uint64_t left = transmit_counter + (uint64_t)(ask.delay_ticks ? ask.delay_ticks : DELAY);
	struct interleaved_note note;
	struct fixture_frame f;
	struct told told;
	struct pkt pkt;

	request_make(bench, &ask, &pkt);
	fixture_frame_init(&f, pkt.data, pkt.length);
	begin(bench);
	assert_true(fixture_answers(serve(bench, &f.frame, transmit_counter)));
	assert_signed(bench, &f.frame, ask.key);
	told = (struct told){.origin = pkt_u64(f.frame.data + f.frame.payload + 24),
		.receive = pkt_u64(f.frame.data + f.frame.payload + 32),
		.transmit = pkt_u64(f.frame.data + f.frame.payload + 40),
		.interleave = f.frame.interleave,
		.left = left};
	assert_int_equal(bench->responder.interleave_count, told.interleave != FRAME_BASIC);
	if (!ask.lost)
		interleaved_save(&bench->responder, &note,
			interleaved_notes_take(&bench->responder, &f.frame, 1, &note), left, 0);
	fixture_frame_fini(&f);
	bench->counter += LATER;
	return told;
}

enum meridian_verdict refused(struct bench *bench, const struct ask *ask)
{
	struct fixture_frame f;
	enum meridian_verdict verdict;
	struct pkt pkt;

	request_make(bench, ask, &pkt);
	fixture_frame_init(&f, pkt.data, pkt.length);
	begin(bench);
	verdict = serve(bench, &f.frame, bench->counter + RESIDENCE);
	assert_int_equal(bench->responder.interleave_count, 0);
	fixture_frame_fini(&f);
	return verdict;
}

uint64_t ntp_at(const struct bench *bench, uint64_t counter)
{
	return clock_ntp(meridian_timemodel_utc(&bench->model, counter));
}

uint64_t held(const struct bench *bench)
{
	struct interleave_survey survey = {.next = 0};
	uint64_t count = 0;
	uint32_t span_s;

	while (!interleave_look(bench->policy->interleave, &survey, 1000, &count, &span_s))
		;
	return count;
}

struct ask after(const struct told *told)
{
	return (struct ask){.origin = told->receive, .receive = CLIENT_RECEIVE};
}

void assert_basic(const struct told *told, uint8_t interleave)
{
	assert_int_equal(told->interleave, interleave);
	assert_int_equal(told->origin, CLIENT_TRANSMIT);
	assert_true(told->transmit > told->receive);
	assert_int_equal(told->transmit & 1, 0);
	assert_int_equal(told->receive & 1, 1);
}

void assert_interleaved(const struct told *told, uint64_t transmit)
{
	assert_int_equal(told->interleave, FRAME_INTERLEAVED);
	assert_int_equal(told->origin, CLIENT_RECEIVE);
	assert_int_equal(told->transmit, transmit);
	assert_int_equal(told->receive & 1, 1);
}
