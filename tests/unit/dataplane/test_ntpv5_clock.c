/* SPDX-License-Identifier: BSD-3-Clause */

/* NTPv5: what a reply says of eras, leap seconds and smeared ones. */

#include "ntpv5_bench.h"
#include <interleave.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Seconds of NTP, and the era they are of. */
static void tells_the_era(void **state)
{
	static const int64_t turn_s = INT64_C(0x100000000) - 2208988800;
	struct bench *bench = *state;

	bench->model.line.utc_s = bench->model.slew.utc_s = turn_s - 1;
	bench->model.reference_s = turn_s - 100;
	for (int second = 0; second < 3; second++) {
		struct told told = ntpv5_ask(bench, (struct ask){.flags = 0});

		assert_int_equal(told.octets[13], second > 0);
		assert_int_equal((uint32_t)(told.receive >> 32), (uint32_t)(second - 1));
	}
}

/* Requests of one instant have T2 one after another, here across the turn. */
static void tells_the_era_of_what_it_tells(void **state)
{
	static const uint64_t receive[] = {UINT64_MAX - 2, UINT64_MAX, 1};
	struct bench *bench = *state;

	bench->model.line.utc_s = bench->model.slew.utc_s = INT64_C(0xffffffff) - 2208988800;
	bench->model.reference_s = bench->model.line.utc_s - 100;
	for (int i = 0; i < 3; i++) {
		struct told told;

		bench->counter = FIXTURE_COUNTER + FIXTURE_HZ - 1;
		told = ntpv5_ask(bench, (struct ask){.flags = 0});
		assert_int_equal(told.receive, receive[i]);
		assert_int_equal(told.octets[13], i == 2);
	}
}

/* Up to 14 days before, not only in the last one; the inserted second is not to be used. */
static void announces_leap_seconds(void **state)
{
	static const struct {
		uint8_t kind;
		int64_t s;
		uint8_t leap;
		bool usable;
	} times[] = {
		{1, NTPV5_LEAP_S - 14 * NTPV5_DAY_S - 1, 0, true},
		{1, NTPV5_LEAP_S - 14 * NTPV5_DAY_S, 1, true},
		{2, NTPV5_LEAP_S - 13 * NTPV5_DAY_S, 2, true},
		{1, NTPV5_LEAP_S - 1, 1, true},
		{1, NTPV5_LEAP_S, 1, false},
		{1, NTPV5_LEAP_S + 1, 0, true},
		{2, NTPV5_LEAP_S - 2, 2, true},
		{2, NTPV5_LEAP_S - 1, 0, true},
	};
	struct bench *bench = *state;

	bench->model.leap_s = NTPV5_LEAP_S;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct told told;

		bench->model.leap = times[i].kind;
		told = ntpv5_ask_at(bench, times[i].s, false);
		assert_int_equal(told.verdict, MERIDIAN_VERDICT_answered_ntpv5);
		assert_int_equal(ntpv5_leap(&told), times[i].leap);
		assert_int_equal(ntpv5_synchronised(&told), times[i].usable);
	}
}

static void a_local_clock_knows_of_no_leap_second_without_a_list(void **state)
{
	struct bench *bench = *state;
	struct told told;

	bench->model.refid = MERIDIAN_NTP_REFID_LOCAL;
	told = ntpv5_ask(bench, (struct ask){.flags = 0});
	assert_int_equal(ntpv5_leap(&told), 3);
	assert_true(ntpv5_synchronised(&told));
	bench->model.leap_known_until_s = FIXTURE_UTC_S + NTPV5_DAY_S;
	told = ntpv5_ask(bench, (struct ask){.flags = 0});
	assert_int_equal(ntpv5_leap(&told), 0);
}

/* Always at an address with smear, never at others, whatever the client would like. */
static void names_its_timescale(void **state)
{
	struct bench *bench = *state;

	ntpv5_smear(bench);
	for (uint8_t wanted = 0; wanted < 5; wanted++) {
		struct told smeared = ntpv5_ask(bench, (struct ask){.timescale = wanted});
		struct told utc = ntpv5_ask(bench, (struct ask){.timescale = wanted, .ipv6 = true});

		assert_int_equal(smeared.octets[12], 3);
		assert_int_equal(utc.octets[12], 0);
		assert_memory_equal(smeared.octets + 4, utc.octets + 4, 4);
	}
}

/* A quarter of a day after the leap three quarters of the second are told. */
static void tells_smeared_time(void **state)
{
	struct bench *bench = *state;
	struct told told, utc;

	ntpv5_smear(bench);
	assert_int_equal(interleave_new(&bench->policy->interleave, 64, 1), 0);
	told = ntpv5_ask_at(bench, NTPV5_LEAP_S - NTPV5_DAY_S / 4, false);
	utc = ntpv5_ask_at(bench, NTPV5_LEAP_S - NTPV5_DAY_S / 4, true);
	assert_int_equal(ntpv5_leap(&told), 0);
	assert_int_equal(ntpv5_leap(&utc), 1);
	assert_true(ntpv5_synchronised(&told));
	assert_in_range(utc.receive - told.receive, 0x3fff0000, 0x40010000);
	assert_in_range(utc.transmit - told.transmit, 0x3fff0000, 0x40010000);
	assert_int_equal(told.octets[12], 3);
	assert_int_equal(told.octets[13], 0);
	/* The second itself is there to be used. */
	told = ntpv5_ask_at(bench, NTPV5_LEAP_S, false);
	assert_true(ntpv5_synchronised(&told));
	assert_int_equal(ntpv5_leap(&told), 0);
}

static void interleaved_with_a_smear(void **state)
{
	struct bench *bench = *state;
	struct told first, second;

	ntpv5_smear(bench);
	assert_int_equal(interleave_new(&bench->policy->interleave, 64, 1), 0);
	bench->model.valid_until_counter = UINT64_MAX;
	bench->counter = fixture_counter(NTPV5_LEAP_S - NTPV5_DAY_S / 4, NTPV5_HALF);
	first = ntpv5_ask(bench, (struct ask){.flags = 2});
	assert_int_equal(first.cookie, first.receive);
	second = ntpv5_ask(bench, (struct ask){.flags = 2, .server_cookie = first.cookie});
	assert_int_equal(second.octets[15], 3);
	assert_int_equal(second.transmit - first.receive, UINT64_C(0x60000000) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NTPV5_TEST(tells_the_era),
		NTPV5_TEST(tells_the_era_of_what_it_tells),
		NTPV5_TEST(announces_leap_seconds),
		NTPV5_TEST(a_local_clock_knows_of_no_leap_second_without_a_list),
		NTPV5_TEST(names_its_timescale),
		NTPV5_TEST(tells_smeared_time),
		NTPV5_TEST(interleaved_with_a_smear),
	};

	ntpv5_engines_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
