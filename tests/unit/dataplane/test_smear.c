/* SPDX-License-Identifier: BSD-3-Clause */
#include "bytes.h"
#include "fixture.h"
#include "smear.h"
#include <burst.h>
#include <math.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LEAP_S INT64_C(1700179200)
#define DAY_S  INT64_C(86400)

/* The fixture's policy, but for the smear. */
struct blob {
	struct meridian_policy_blob blob;
	struct meridian_policy_address address[2];
	struct meridian_policy_access access[2];
};

static struct meridian_timemodel_data model;
static struct responder_policy *policy;
static struct responder responder;

static struct blob blob_of(uint8_t shape, uint32_t duration_s)
{
	struct blob all = {.blob = {.generation = 1,
				   .size = sizeof(all),
				   .nics.offset = sizeof(all),
				   .queues.offset = sizeof(all),
				   .workers.offset = sizeof(all),
				   .addresses = {offsetof(struct blob, address), 2},
				   .access = {offsetof(struct blob, access), 2},
				   .smear_shape = shape,
				   .smear_duration_s = duration_s},
		.address = {{.family = MERIDIAN_FAMILY_IPV6},
			{.family = MERIDIAN_FAMILY_IPV4, .smear = 1}},
		.access = {{.family = MERIDIAN_FAMILY_IPV4, .allow = 1},
			{.family = MERIDIAN_FAMILY_IPV6, .allow = 1}}};

	memcpy(all.address[0].octets, pkt_server_ipv6, 16);
	memcpy(all.address[1].octets, pkt_server_ipv4, 4);
	return all;
}

/* Smears at the IPv4 address of the server, and not at its IPv6 address. */
static void start(uint8_t shape, uint32_t duration_s, uint8_t kind)
{
	struct blob all = blob_of(shape, duration_s);

	assert_int_equal(meridian_policy_check(&all.blob, sizeof(all)), 0);
	assert_int_equal(responder_policy_new(&policy, &all.blob), 0);
	model = fixture_model();
	model.leap = kind;
	model.leap_s = LEAP_S;
	model.valid_until_counter = UINT64_MAX;
	responder_init(&responder, 1, NULL);
	responder_begin(&responder, &model, policy, FIXTURE_COUNTER, 0);
}

static int teardown(void **state)
{
	(void)state;
	responder_policy_free(policy);
	policy = NULL;
	return 0;
}

static double offset_s(double past_s)
{
	struct meridian_utc utc = {LEAP_S - (model.leap == MERIDIAN_NTP_LI_DELETE), 0};
	double whole = floor(past_s);

	utc.s += (int64_t)whole;
	utc.frac64 = (uint64_t)ldexp(past_s - whole, 64);
	return ldexp((double)smear_offset(&policy->smear, &model, utc), -32);
}

static void linear(void **state)
{
	(void)state;
	start(MERIDIAN_SMEAR_LINEAR, 86400, MERIDIAN_NTP_LI_INSERT);
	assert_true(offset_s(-50000) == 0);
	assert_true(offset_s(-43200) == 0);
	assert_true(fabs(offset_s(-21600) + 0.25) < 1e-9);
	assert_true(fabs(offset_s(0) + 0.5) < 1e-9);
	assert_true(fabs(offset_s(21600) + 0.75) < 1e-9);
	assert_true(offset_s(43200) == -1);
	assert_true(offset_s(50000) == -1);
}

static void cosine_of_a_deleted_second(void **state)
{
	(void)state;
	start(MERIDIAN_SMEAR_COSINE, 1000, MERIDIAN_NTP_LI_DELETE);
	assert_true(offset_s(-500) == 0);
	assert_true(fabs(offset_s(-250) - 0.1464466094) < 1e-9);
	assert_true(fabs(offset_s(0) - 0.5) < 1e-9);
	assert_true(offset_s(500) == 1);
}

struct told {
	uint64_t origin, receive, transmit, reference;
	uint32_t refid, dispersion;
	uint8_t stratum, leap;
};

/* The reply before it is smeared. */
typedef void (*reply_change)(uint8_t *payload, int64_t moved);

/* What the server tells at `past_s`, by the whole reply path, checksum included, where the reply
 * was changed meanwhile (NULL: not). */
static struct told told_changed(double past_s, bool ipv6, reply_change change)
{
	uint64_t receive_counter = fixture_counter(
		LEAP_S - (model.leap == MERIDIAN_NTP_LI_DELETE), llround(past_s * FIXTURE_HZ));
	struct meridian_utc utc = meridian_timemodel_utc(&model, receive_counter);
	enum meridian_verdict verdict;
	uint8_t payload[PKT_NTP_SIZE];
	const uint8_t *reply;
	struct fixture_frame f;
	struct told told;
	struct pkt pkt;

	pkt_ntp(payload, 0x23, 1);
	pkt_build(&pkt, (struct pkt_spec){.ipv6 = ipv6}, payload, sizeof(payload));
	fixture_frame_init(&f, pkt.data, pkt.length);
	burst_classify(&responder, &f.frame, &receive_counter, &verdict, 1);
	burst_finish(&responder, &f.frame, 1, receive_counter + 100);
	if (change) {
		change(f.frame.data + f.frame.payload, smear_offset(&policy->smear, &model, utc));
		frame_checksum_udp(&f.frame);
	}
	if (smear_is_active(&policy->smear, &model, utc))
		smear_reply(&policy->smear, &model, utc, &f.frame);
	assert_true(
		pkt_checksum_udp_good(f.frame.data + f.frame.ip, f.frame.data + f.frame.udp, ipv6));
	reply = f.frame.data + f.frame.payload;
	told = (struct told){.origin = pkt_u64(reply + 24),
		.receive = pkt_u64(reply + 32),
		.transmit = pkt_u64(reply + 40),
		.reference = pkt_u64(reply + 16),
		.refid = (uint32_t)(pkt_u64(reply + 12) >> 32),
		.dispersion = (uint32_t)(pkt_u64(reply + 8) >> 32),
		.stratum = reply[1],
		.leap = reply[0] >> 6};
	fixture_frame_fini(&f);
	return told;
}

static struct told told_at(double past_s, bool ipv6)
{
	return told_changed(past_s, ipv6, NULL);
}

/* Seconds since the leap as UTC counts them, or as the smeared clock does. */
static double seconds_of(uint64_t stamp)
{
	uint64_t leap = (uint64_t)(LEAP_S + (int64_t)MERIDIAN_NTP_UNIX_OFFSET_S) << 32;

	return ldexp((double)(int64_t)(stamp - leap), -32);
}

static double refid_seconds(uint32_t refid)
{
	assert_int_equal(refid >> 24, 254);
	return ldexp((double)((int32_t)(refid << 8) >> 8), -22);
}

static void reply_says_what_it_is_off(void **state)
{
	struct told told, plain;

	(void)state;
	start(MERIDIAN_SMEAR_LINEAR, 86400, MERIDIAN_NTP_LI_INSERT);
	/* A quarter before, in UTC and by the smeared clock. */
	plain = told_at(-3600, true);
	told = told_at(-3600, false);
	assert_int_equal(plain.leap, MERIDIAN_NTP_LI_INSERT);
	assert_int_equal(plain.refid, model.refid);
	assert_true(fabs(seconds_of(plain.receive) + 3600) < 1e-6);
	assert_int_equal(told.leap, MERIDIAN_NTP_LI_NONE);
	assert_true(fabs(seconds_of(told.receive) + 3600 + 11.0 / 24) < 1e-6);
	assert_true(fabs(refid_seconds(told.refid) + 11.0 / 24) < 1e-6);
	assert_true(ldexp(told.dispersion - (double)plain.dispersion, -16) >= 11.0 / 24);
	assert_true(
		fabs(seconds_of(told.reference) - seconds_of(plain.reference) + 11.0 / 24) < 1e-6);
	/* After it, UTC has leapt, and the smeared clock is ahead. */
	told = told_at(3601, false);
	plain = told_at(3601, true);
	assert_true(fabs(seconds_of(plain.receive) - 3600) < 1e-6);
	assert_true(fabs(seconds_of(told.receive) - 3601 + 0.5 + 3601.0 / 86400) < 1e-6);
	assert_true(fabs(refid_seconds(told.refid) - 0.5 + 3601.0 / 86400) < 1e-6);
	/* In the inserted second, too, it is synchronised. */
	assert_int_equal(told_at(0.5, true).leap, MERIDIAN_NTP_LI_UNKNOWN);
	assert_int_equal(told_at(0.5, false).leap, MERIDIAN_NTP_LI_NONE);
}

static void smeared_clock_never_jumps(void **state)
{
	struct told last = {.receive = 0};

	(void)state;
	start(MERIDIAN_SMEAR_COSINE, 600, MERIDIAN_NTP_LI_INSERT);
	for (double past_s = -400; past_s < 400; past_s += 0.25) {
		struct told told = told_at(past_s, false);
		double passed_s = ldexp((double)(told.receive - last.receive), -32);

		assert_int_equal(told.receive & 1, 1);
		assert_int_equal(told.transmit & 1, 0);
		assert_true(told.transmit > told.receive);
		if (last.receive != 0)
			assert_true(fabs(passed_s - 0.25) < 0.25 * 0.003);
		last = told;
	}
}

static void other_days_are_plain(void **state)
{
	struct told told;

	(void)state;
	start(MERIDIAN_SMEAR_LINEAR, 86400, MERIDIAN_NTP_LI_INSERT);
	told = told_at(-86400 - 60, false);
	assert_int_equal(told.leap, MERIDIAN_NTP_LI_NONE);
	assert_int_equal(told.refid, model.refid);
	/* Where the others announce it, but before the smear. */
	told = told_at(-86400 + 60, false);
	assert_int_equal(told.leap, MERIDIAN_NTP_LI_NONE);
	assert_int_equal(told.refid, model.refid);
	assert_int_equal(told_at(-86400 + 60, true).leap, MERIDIAN_NTP_LI_INSERT);
	told = told_at(50000, false);
	assert_int_equal(told.leap, MERIDIAN_NTP_LI_NONE);
	assert_int_equal(told.refid, model.refid);
	assert_true(fabs(seconds_of(told.receive) - 49999) < 1e-6);
}

/* An origin that only the smeared receive (or transmit) time is equal to. */
static void origin_is_receive(uint8_t *payload, int64_t moved)
{
	put_u64(payload + 24, get_u64(payload + 32) + (uint64_t)moved);
}

static void origin_is_transmit(uint8_t *payload, int64_t moved)
{
	put_u64(payload + 24, get_u64(payload + 40) + (uint64_t)moved);
}

static void reply_is_no_answer_to_itself(void **state)
{
	struct told told;

	(void)state;
	start(MERIDIAN_SMEAR_LINEAR, 86400, MERIDIAN_NTP_LI_INSERT);
	told = told_changed(-3600, false, origin_is_receive);
	assert_int_equal(told.receive, told.origin + 2);
	assert_true(told.transmit > told.receive);
	told = told_changed(-3600, false, origin_is_transmit);
	assert_int_equal(told.transmit, told.origin + 2);
	assert_true(told.transmit > told.receive);
}

static void dispersion_is_as_large_as_it_gets(uint8_t *payload, int64_t moved)
{
	(void)moved;
	put_u32(payload + 8, UINT32_MAX - 1);
}

static void dispersion_does_not_wrap(void **state)
{
	(void)state;
	start(MERIDIAN_SMEAR_LINEAR, 86400, MERIDIAN_NTP_LI_INSERT);
	assert_int_equal(told_changed(-3600, false, dispersion_is_as_large_as_it_gets).dispersion,
		UINT32_MAX);
}

/* It has no reference time, and says no more of itself than elsewhere. */
static void unsynchronised_reply_stays_one(void **state)
{
	struct told told, plain;

	(void)state;
	start(MERIDIAN_SMEAR_LINEAR, 86400, MERIDIAN_NTP_LI_INSERT);
	model.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED;
	model.stratum = MERIDIAN_NTP_STRATUM_UNSYNC;
	responder_begin(&responder, &model, policy, FIXTURE_COUNTER, 0);
	plain = told_at(-3600, true);
	told = told_at(-3600, false);
	assert_int_equal(told.leap, MERIDIAN_NTP_LI_UNKNOWN);
	assert_int_equal(told.stratum, 0);
	assert_int_equal(told.refid, plain.refid);
	assert_int_equal(told.dispersion, plain.dispersion);
	assert_int_equal(plain.reference, 0);
	assert_int_equal(told.reference, 0);
	assert_true(fabs(seconds_of(told.receive) + 3600 + 11.0 / 24) < 1e-6);
}

static void policy_is_checked(void **state)
{
	static const struct {
		uint8_t shape;
		uint32_t duration_s;
		int expected;
	} cases[] = {{MERIDIAN_SMEAR_LINEAR, 86400, 0}, {3, 86400, -1},
		{MERIDIAN_SMEAR_LINEAR, 599, -1}, {MERIDIAN_SMEAR_LINEAR, 172801, -1},
		{MERIDIAN_SMEAR_NONE, 0, -1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct blob all = blob_of(cases[i].shape, cases[i].duration_s);
		int r = meridian_policy_check(&all.blob, sizeof(all));

		assert_int_equal(r == 0, cases[i].expected == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(linear, teardown),
		cmocka_unit_test_teardown(cosine_of_a_deleted_second, teardown),
		cmocka_unit_test_teardown(reply_says_what_it_is_off, teardown),
		cmocka_unit_test_teardown(smeared_clock_never_jumps, teardown),
		cmocka_unit_test_teardown(other_days_are_plain, teardown),
		cmocka_unit_test_teardown(reply_is_no_answer_to_itself, teardown),
		cmocka_unit_test_teardown(dispersion_does_not_wrap, teardown),
		cmocka_unit_test_teardown(unsynchronised_reply_stays_one, teardown),
		cmocka_unit_test(policy_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
