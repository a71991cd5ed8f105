/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HALF_SECOND (INT64_C(1) << 29)
#define NTP_S(s)    ((uint64_t)((s) + INT64_C(2208988800)) << 32)

struct bench {
	struct responder responder;
	struct responder_policy *policy;
	struct meridian_timemodel_data model;
};

static int bench_setup(void **state)
{
	static struct bench bench;

	bench.policy = fixture_policy();
	bench.model = fixture_model();
	responder_init(&bench.responder, 1, NULL);
	responder_begin(&bench.responder, &bench.model, bench.policy, FIXTURE_COUNTER, 0);
	*state = &bench;
	return 0;
}

static int bench_teardown(void **state)
{
	struct bench *bench = *state;

	responder_policy_free(bench->policy);
	return 0;
}

/* Takes a changed model at `now`. */
static void begin(struct bench *bench, uint64_t now)
{
	responder_begin(&bench->responder, &bench->model, bench->policy, now, 0);
}

static struct pkt request(struct pkt_spec spec, uint8_t li_vn_mode, uint64_t transmit)
{
	uint8_t payload[PKT_NTP_SIZE];
	struct pkt pkt;

	pkt_ntp(payload, li_vn_mode, transmit);
	pkt_build(&pkt, spec, payload, sizeof(payload));
	return pkt;
}

/* A reply's payload; the verdict is checked. */
struct answer {
	uint8_t payload[PKT_NTP_SIZE];
	uint64_t receive, transmit;
};

static enum meridian_verdict classify(struct bench *bench, const struct pkt *pkt,
	uint64_t receive_counter, uint64_t transmit_counter, struct answer *ret_answer)
{
	struct fixture_frame f;
	enum meridian_verdict verdict;

	fixture_frame_init(&f, pkt->data, pkt->length);
	verdict = responder_classify(&bench->responder, &f.frame, receive_counter);
	if (meridian_verdict_outcome(verdict) == MERIDIAN_OUTCOME_ANSWER) {
		responder_finish(&bench->responder, &f.frame, transmit_counter);
		memcpy(ret_answer->payload, f.frame.data + f.frame.payload, PKT_NTP_SIZE);
		ret_answer->receive = pkt_u64(ret_answer->payload + 32);
		ret_answer->transmit = pkt_u64(ret_answer->payload + 40);
	} else {
		assert_true(fixture_frame_unchanged(&f));
	}
	fixture_frame_fini(&f);
	return verdict;
}

static struct answer answer_at(struct bench *bench, int64_t s, int64_t ticks, int64_t residence)
{
	struct pkt pkt = request((struct pkt_spec){0}, 0x23, 1);
	struct answer answer = {0};

	assert_int_equal(classify(bench, &pkt, fixture_counter(s, ticks),
				 fixture_counter(s, ticks + residence), &answer),
		MERIDIAN_VERDICT_answered);
	return answer;
}

/* Computed apart from this code, from RFC 791, 8200, 768 and 5905. */
/* clang-format off */
static const uint8_t golden_ipv4[] = {
	/* Ethernet */
	0x02, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x02, 0x00, 0x00, 0x00, 0x00, 0x05,
	0x08, 0x00,
	/* IP */
	0x45, 0x00, 0x00, 0x4c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb6, 0x24,
	0xc0, 0x00, 0x02, 0x7b, 0xc0, 0x00, 0x02, 0x01,
	/* UDP */
	0x00, 0x7b, 0x9c, 0x40, 0x00, 0x38, 0xa0, 0x3f,
	/* NTP */
	0x24, 0x02, 0x06, 0xe0, 0x00, 0x00, 0x00, 0x42, 0x00, 0x00, 0x00, 0x84,
	0xc0, 0x00, 0x02, 0x63, 0xe8, 0xfe, 0x6f, 0x70, 0x40, 0x00, 0x00, 0x00,
	0xde, 0xad, 0xbe, 0xef, 0x12, 0x34, 0x56, 0x78, 0xe8, 0xfe, 0x6f, 0x80,
	0x80, 0x00, 0x00, 0x01, 0xe8, 0xfe, 0x6f, 0x80, 0x80, 0x40, 0x00, 0x00,
};

/* Version 3, mode 1 from port 123, one VLAN tag. */
static const uint8_t golden_ipv6[] = {
	/* Ethernet */
	0x02, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x02, 0x00, 0x00, 0x00, 0x00, 0x05,
	0x81, 0x00, 0x60, 0x64, 0x86, 0xdd,
	/* IP */
	0x60, 0x00, 0x00, 0x00, 0x00, 0x38, 0x11, 0x40, 0x20, 0x01, 0x0d, 0xb8,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x23,
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x01,
	/* UDP */
	0x00, 0x7b, 0x00, 0x7b, 0x00, 0x38, 0x6d, 0xec,
	/* NTP */
	0x1a, 0x02, 0x06, 0xe0, 0x00, 0x00, 0x00, 0x42, 0x00, 0x00, 0x00, 0x84,
	0xc0, 0x00, 0x02, 0x63, 0xe8, 0xfe, 0x6f, 0x70, 0x40, 0x00, 0x00, 0x00,
	0xde, 0xad, 0xbe, 0xef, 0x12, 0x34, 0x56, 0x78, 0xe8, 0xfe, 0x6f, 0x80,
	0x80, 0x00, 0x00, 0x01, 0xe8, 0xfe, 0x6f, 0x80, 0x80, 0x40, 0x00, 0x00,
};
/* clang-format on */

static void golden(struct bench *bench, struct pkt pkt, const uint8_t *expected, size_t length)
{
	struct frame frame = {
		.data = pkt.data, .length = pkt.length, .mac = frame_mac(pkt_server_mac)};

	assert_int_equal(responder_classify(&bench->responder, &frame,
				 fixture_counter(FIXTURE_UTC_S, HALF_SECOND)),
		MERIDIAN_VERDICT_answered);
	responder_finish(
		&bench->responder, &frame, fixture_counter(FIXTURE_UTC_S, HALF_SECOND + (1 << 20)));
	assert_int_equal(frame.length, length);
	assert_memory_equal(frame.data, expected, length);
}

static void answers_ipv4_octet_for_octet(void **state)
{
	struct pkt pkt =
		request((struct pkt_spec){.padding = 4}, 0xe3, UINT64_C(0xdeadbeef12345678));

	golden(*state, pkt, golden_ipv4, sizeof(golden_ipv4));
}

static void answers_ipv6_octet_for_octet(void **state)
{
	struct pkt_spec spec = {.ipv6 = true, .vlan_tags = 1, .sport = 123};
	struct pkt pkt = request(spec, 0x19, UINT64_C(0xdeadbeef12345678));

	golden(*state, pkt, golden_ipv6, sizeof(golden_ipv6));
}

/* The first question that fails gives the verdict. */
static void asks_in_order(void **state)
{
	struct bench *bench = *state;
	struct pkt pkt = request((struct pkt_spec){0}, 0x26, 1);
	struct meridian_policy_access deny = {.family = MERIDIAN_FAMILY_IPV4};
	struct responder_policy closed = *bench->policy;
	struct answer answer = {0};

	responder_init(&bench->responder, 1, NULL);
	assert_int_equal(access_init(&closed.access, &deny, 1), 0);
	pkt.data[pkt.ip + 15] = pkt.data[pkt.ip + 19] = 9;
	pkt.data[pkt.ip + 12] = 127;
	pkt_checksum(&pkt);
	assert_int_equal(classify(bench, &pkt, 0, 0, &answer), MERIDIAN_VERDICT_foreign_address);
	responder_begin(&bench->responder, NULL, &closed, FIXTURE_COUNTER, 0);
	assert_int_equal(classify(bench, &pkt, 0, 0, &answer), MERIDIAN_VERDICT_foreign_address);
	pkt.data[pkt.ip + 19] = 123;
	pkt_checksum(&pkt);
	assert_int_equal(classify(bench, &pkt, 0, 0, &answer), MERIDIAN_VERDICT_martian_source);
	pkt.data[pkt.ip + 12] = 192;
	pkt_checksum(&pkt);
	assert_int_equal(classify(bench, &pkt, 0, 0, &answer), MERIDIAN_VERDICT_bad_mode);
	pkt.data[pkt.payload] = 0x23;
	pkt_checksum(&pkt);
	assert_int_equal(classify(bench, &pkt, 0, 0, &answer), MERIDIAN_VERDICT_denied);
	responder_begin(&bench->responder, NULL, bench->policy, FIXTURE_COUNTER, 0);
	assert_int_equal(classify(bench, &pkt, 0, 0, &answer), MERIDIAN_VERDICT_no_model);
	begin(bench, FIXTURE_COUNTER);
	assert_int_equal(classify(bench, &pkt, FIXTURE_COUNTER, FIXTURE_COUNTER, &answer),
		MERIDIAN_VERDICT_answered);
	access_fini(&closed.access);
}

static void never_answers_its_own_address(void **state)
{
	struct answer answer = {0};

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct pkt pkt = request((struct pkt_spec){.ipv6 = ipv6}, 0x23, 1);
		uint8_t *ip = pkt.data + pkt.ip;

		memcpy(ipv6 ? ip + 8 : ip + 12, ipv6 ? pkt_server_ipv6 : pkt_server_ipv4,
			ipv6 ? 16 : 4);
		pkt_checksum(&pkt);
		assert_int_equal(
			classify(*state, &pkt, 0, 0, &answer), MERIDIAN_VERDICT_martian_source);
	}
}

static void assert_unsynchronised(struct bench *bench, uint64_t now)
{
	static const uint8_t header[24] = {0xe4, 0, 6, 0xe0, 0, 1, 0, 0, 0, 1, 0, 0};
	struct pkt pkt = request((struct pkt_spec){0}, 0x23, 1);
	struct answer answer = {0};

	assert_int_equal(
		classify(bench, &pkt, now, now, &answer), MERIDIAN_VERDICT_answered_unsynchronised);
	assert_memory_equal(answer.payload, header, sizeof(header));
	assert_int_equal(pkt_u64(answer.payload + 24), 1);
	assert_true(answer.transmit > answer.receive);
}

static void says_so_when_the_model_runs_out(void **state)
{
	struct bench *bench = *state;
	uint64_t end = bench->model.valid_until_counter;

	begin(bench, end - 1);
	answer_at(bench, FIXTURE_UTC_S + 3599, 0, 0);
	responder_begin(&bench->responder, NULL, bench->policy, end, 0);
	assert_unsynchronised(bench, end);
	bench->model.valid_until_counter = UINT64_MAX;
	begin(bench, end);
	answer_at(bench, FIXTURE_UTC_S + 3600, 1, 0);
	bench->model.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED;
	bench->model.stratum = MERIDIAN_NTP_STRATUM_UNSYNC;
	begin(bench, end);
	assert_unsynchronised(bench, end + 10);
}

static void ignores_a_model_that_is_not_sane(void **state)
{
	struct bench *bench = *state;
	struct meridian_timemodel_data bad = bench->model;

	bad.line.period_frac64 = 0;
	responder_begin(&bench->responder, &bad, bench->policy, FIXTURE_COUNTER, 0);
	assert_int_equal(answer_at(bench, FIXTURE_UTC_S, 0, 0).receive, NTP_S(FIXTURE_UTC_S) | 1);
}

/* Stamps that are equal, or that noise turned round, still give times of their own. */
static void counts_up_within_a_burst(void **state)
{
	static const int64_t ticks[] = {0, 0, 0, 5, 3, 5, 1 << 20, 1 << 20};
	struct bench *bench = *state;
	uint64_t last = 0;

	for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
		struct answer answer = answer_at(bench, FIXTURE_UTC_S, ticks[i], -4);

		assert_true(answer.receive > last);
		assert_true(answer.transmit > answer.receive);
		last = answer.receive;
	}
}

/* More frames than a burst has, all with one stamp, at every precision. */
static void counts_up_under_one_stamp(void **state)
{
	struct bench *bench = *state;

	for (int precision = -32; precision <= -18; precision++) {
		uint64_t first = NTP_S(FIXTURE_UTC_S), last = 0;
		uint64_t width = UINT64_C(1) << (32 + precision);

		bench->model.precision_log2 = (int8_t)precision;
		responder_init(&bench->responder, 7, NULL);
		begin(bench, FIXTURE_COUNTER);
		for (int i = 0; i < 128; i++) {
			uint64_t receive = answer_at(bench, FIXTURE_UTC_S, 0, 0).receive;

			assert_true(receive > last && receive >= first);
			assert_int_equal(receive & 1, 1);
			last = receive;
		}
		assert_true(last < first + width + 256);
	}
}

/* However coarse the precision, no reply leaves before or with the one before it. */
static void transmits_in_order(void **state)
{
	struct bench *bench = *state;

	for (int precision = -32; precision <= -18; precision++) {
		uint64_t width = UINT64_C(1) << (32 + precision), last = 0;

		bench->model.precision_log2 = (int8_t)precision;
		responder_init(&bench->responder, 7, NULL);
		begin(bench, FIXTURE_COUNTER);
		for (int64_t i = 0; i < 2000; i++) {
			int64_t sent = i / 4 * 64;
			uint64_t exact = NTP_S(FIXTURE_UTC_S) + (uint64_t)(4 * sent);
			struct answer answer =
				answer_at(bench, FIXTURE_UTC_S, sent - (1 << 20), 1 << 20);

			assert_true(answer.transmit > last && answer.transmit > answer.receive);
			assert_int_equal(answer.transmit & 1, 0);
			assert_true(answer.transmit - (exact - width) < 3 * width + 256);
			last = answer.transmit;
		}
	}
}

/* Distance of T2 from the receive time, 2^-32 s. */
static uint64_t receive_error(struct bench *bench, int64_t ticks)
{
	int64_t receive = (int64_t)answer_at(bench, FIXTURE_UTC_S, ticks, 0).receive;

	return (uint64_t)llabs(receive - (int64_t)NTP_S(FIXTURE_UTC_S) - 4 * ticks);
}

/* A worker serves one queue, then another whose frames have waited: they keep their times. */
static void keeps_the_times_of_a_queue_behind(void **state)
{
	static const int64_t waited_ns[] = {
		200, 1000, 110000, 1000000, 15000000, 16000000, 900000000};
	struct bench *bench = *state;

	bench->model.precision_log2 = -25;
	for (size_t i = 0; i < sizeof(waited_ns) / sizeof(waited_ns[0]); i++) {
		int64_t waited = waited_ns[i] * (int64_t)FIXTURE_HZ / 1000000000;

		responder_init(&bench->responder, i + 1, NULL);
		begin(bench, FIXTURE_COUNTER);
		for (int burst = 0; burst < 8; burst++) {
			for (int frame = 0; frame < 8; frame++)
				assert_true(receive_error(bench, HALF_SECOND + frame) < 1 << 9);
			for (int frame = 0; frame < 8; frame++)
				assert_true(receive_error(bench, HALF_SECOND - waited + frame) < 1
						<< 10);
		}
	}
}

/* A clock that was set back is believed, whether or not control said so. */
static void follows_a_step_back(void **state)
{
	struct bench *bench = *state;
	struct answer answer = answer_at(bench, FIXTURE_UTC_S, 0, 16);

	assert_int_equal(answer.transmit, NTP_S(FIXTURE_UTC_S) + 64);
	bench->model.disruption_count++;
	begin(bench, FIXTURE_COUNTER);
	answer = answer_at(bench, FIXTURE_UTC_S, 0, 2);
	assert_int_equal(answer.receive, NTP_S(FIXTURE_UTC_S) | 1);
	assert_int_equal(answer.transmit, NTP_S(FIXTURE_UTC_S) + 8);
	bench->model.line.utc_s -= 10;
	begin(bench, FIXTURE_COUNTER);
	answer = answer_at(bench, FIXTURE_UTC_S, 0, 0);
	assert_int_equal(answer.receive, NTP_S(FIXTURE_UTC_S - 10) | 1);
}

/* None of the three timestamps equals another, whatever the client sent. */
static void differs_from_the_origin(void **state)
{
	struct bench *bench = *state;
	uint64_t base = NTP_S(FIXTURE_UTC_S);

	for (uint64_t guess = 0; guess < 8; guess++) {
		struct pkt pkt = request((struct pkt_spec){0}, 0x23, base + guess);
		struct answer answer = {0};

		responder_init(&bench->responder, 1, NULL);
		begin(bench, FIXTURE_COUNTER);
		assert_int_equal(classify(bench, &pkt, FIXTURE_COUNTER, FIXTURE_COUNTER, &answer),
			MERIDIAN_VERDICT_answered);
		assert_int_equal(pkt_u64(answer.payload + 24), base + guess);
		assert_int_not_equal(answer.receive, base + guess);
		assert_int_not_equal(answer.transmit, base + guess);
		assert_true(answer.transmit > answer.receive);
		assert_true(answer.transmit <= base + 6);
	}
}

/* Bits below the precision carry no information, those above are exact. */
static void hides_bits_below_the_precision(void **state)
{
	struct bench *bench = *state;
	uint64_t set = 0, clear = 0;

	bench->model.precision_log2 = -24;
	for (int i = 0; i < 200; i++) {
		struct answer answer = {0};

		responder_init(&bench->responder, (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15), NULL);
		begin(bench, FIXTURE_COUNTER);
		answer = answer_at(bench, FIXTURE_UTC_S, 0, 1 << 20);
		assert_int_equal(answer.receive >> 8, NTP_S(FIXTURE_UTC_S) >> 8);
		assert_int_equal(answer.transmit >> 8, (NTP_S(FIXTURE_UTC_S) | 4 << 20) >> 8);
		set |= answer.receive | answer.transmit;
		clear |= ~answer.receive | ~answer.transmit;
	}
	assert_int_equal(set & 0xff, 0xff);
	assert_int_equal(clear & 0xff, 0xff);
}

static void sets_leap(struct bench *bench, uint8_t leap, int64_t leap_s)
{
	bench->model.leap = leap;
	bench->model.leap_s = leap_s;
	begin(bench, FIXTURE_COUNTER);
}

static void repeats_an_inserted_second(void **state)
{
	const int64_t leap_s = FIXTURE_UTC_S + 100;
	struct bench *bench = *state;
	struct answer answer = {0};

	sets_leap(bench, MERIDIAN_NTP_LI_INSERT, leap_s);
	answer = answer_at(bench, leap_s - 1, HALF_SECOND, 4);
	assert_int_equal(answer.payload[0], 0x64);
	assert_int_equal(answer.receive, NTP_S(leap_s - 1) | 0x80000001);
	/* T3 lies past the leap and keeps T2's side of it. */
	answer = answer_at(bench, leap_s, -4, 8);
	assert_int_equal(answer.payload[0], 0x64);
	assert_int_equal(answer.receive, NTP_S(leap_s) - 16 + 1);
	assert_int_equal(answer.transmit, NTP_S(leap_s) + 16);
	/* 23:59:60 reads as 23:59:59 again, and is not to be used. */
	answer = answer_at(bench, leap_s, 0, 8);
	assert_int_equal(answer.payload[0], 0xe4);
	assert_int_equal(answer.payload[1], 2);
	assert_int_equal(answer.receive, NTP_S(leap_s - 1) | 1);
	assert_int_equal(answer.transmit, NTP_S(leap_s - 1) + 32);
	answer = answer_at(bench, leap_s + 1, 0, 4);
	assert_int_equal(answer.payload[0], 0x24);
	assert_int_equal(answer.receive, NTP_S(leap_s) | 1);
}

static void leaves_out_a_deleted_second(void **state)
{
	const int64_t leap_s = FIXTURE_UTC_S + 100;
	struct bench *bench = *state;
	struct answer answer = {0};

	sets_leap(bench, MERIDIAN_NTP_LI_DELETE, leap_s);
	answer = answer_at(bench, leap_s - 1, -4, 8);
	assert_int_equal(answer.payload[0], 0xa4);
	assert_int_equal(answer.receive, NTP_S(leap_s - 1) - 16 + 1);
	assert_int_equal(answer.transmit, NTP_S(leap_s - 1) + 16);
	answer = answer_at(bench, leap_s - 1, 0, 8);
	assert_int_equal(answer.payload[0], 0x24);
	assert_int_equal(answer.receive, NTP_S(leap_s) | 1);
	assert_int_equal(answer.transmit, NTP_S(leap_s) + 32);
}

/* 2036-02-07 06:28:16: seconds begin anew, and T3 is after T2 all the same. */
static void crosses_the_era(void **state)
{
	const int64_t era_s = 2085978496;
	struct bench *bench = *state;
	struct answer answer = {0};

	bench->model.line.utc_s = bench->model.slew.utc_s = era_s;
	begin(bench, FIXTURE_COUNTER);
	answer = answer_at(bench, FIXTURE_UTC_S, -8, 16);
	assert_int_equal(answer.receive, UINT64_C(0) - 32 + 1);
	assert_int_equal(answer.transmit, 32);
	answer = answer_at(bench, FIXTURE_UTC_S, 10, 0);
	assert_int_equal(answer.receive, 41);
	assert_int_equal(answer.transmit, 42);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_ipv4_octet_for_octet),
		TEST(answers_ipv6_octet_for_octet),
		TEST(asks_in_order),
		TEST(never_answers_its_own_address),
		TEST(says_so_when_the_model_runs_out),
		TEST(ignores_a_model_that_is_not_sane),
		TEST(counts_up_within_a_burst),
		TEST(counts_up_under_one_stamp),
		TEST(transmits_in_order),
		TEST(keeps_the_times_of_a_queue_behind),
		TEST(follows_a_step_back),
		TEST(differs_from_the_origin),
		TEST(hides_bits_below_the_precision),
		TEST(repeats_an_inserted_second),
		TEST(leaves_out_a_deleted_second),
		TEST(crosses_the_era),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
