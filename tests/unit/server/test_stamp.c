/* SPDX-License-Identifier: BSD-3-Clause */
#include <meridian/counter.h>
#include <setjmp.h>
#include <stamp.h>
#include <stdarg.h>
#include <stddef.h>
#include <units.h>

#include <cmocka.h>

static const struct stamp_clock now = {
	.counter = UINT64_C(1) << 50, .clock_ns = 50 * NS_PER_SECOND};

/* The age of a stamp is taken off the counter, at the counter's rate. */
static void places_a_stamp_by_its_age(void **state)
{
	static const uint64_t rates_hz[] = {1000000, NS_PER_SECOND, 2399987654, 5 * NS_PER_SECOND};

	(void)state;
	for (size_t i = 0; i < sizeof(rates_hz) / sizeof(rates_hz[0]); i++) {
		struct stamp_rate rate = {0};
		uint64_t counter;

		stamp_rate_set(&rate, rates_hz[i]);
		assert_true(stamp_counter(&now, &rate, now.clock_ns, &counter));
		assert_int_equal(counter, now.counter);
		assert_true(stamp_counter(&now, &rate, now.clock_ns - STAMP_AGE_MAX_NS, &counter));
		assert_in_range(now.counter - counter, rates_hz[i] / 4 - 2, rates_hz[i] / 4);
		assert_true(
			stamp_counter(&now, &rate, now.clock_ns + STAMP_AHEAD_MAX_NS, &counter));
		assert_int_equal(counter, now.counter);
	}
}

static void refuses_what_cannot_be(void **state)
{
	struct stamp_rate rate = {0};
	uint64_t counter = 7;

	(void)state;
	stamp_rate_set(&rate, NS_PER_SECOND);
	assert_false(stamp_counter(&now, &rate, now.clock_ns + STAMP_AHEAD_MAX_NS + 1, &counter));
	assert_false(stamp_counter(&now, &rate, now.clock_ns - STAMP_AGE_MAX_NS - 1, &counter));
	assert_false(stamp_counter(&now, &rate, 0, &counter));
	assert_false(stamp_counter(&now, &rate, UINT64_MAX, &counter));
	assert_int_equal(counter, 7);
}

static void follows_the_rate(void **state)
{
	struct stamp_rate rate = {0};

	(void)state;
	stamp_rate_set(&rate, NS_PER_SECOND);
	assert_int_equal(stamp_rate_ns(&rate, 12345), 12345);
	stamp_rate_set(&rate, 2 * NS_PER_SECOND);
	assert_int_equal(stamp_rate_ns(&rate, 12345), 6172);
	stamp_rate_set(&rate, 1000000);
	assert_int_equal(stamp_rate_ns(&rate, UINT64_MAX), UINT64_MAX);
}

/* The two readings belong together: what one clock says of itself lies around now. */
static void reads_both_clocks_at_once(void **state)
{
	struct stamp_rate rate = {0};
	struct stamp_clock read;
	uint64_t before, after;

	(void)state;
	stamp_rate_set(&rate, NS_PER_SECOND);
	before = meridian_clock_ns(CLOCK_MONOTONIC_RAW);
	stamp_clock_read(&read, CLOCK_MONOTONIC_RAW, MERIDIAN_COUNTER_MONOTONIC_RAW, &rate);
	after = meridian_clock_ns(CLOCK_MONOTONIC_RAW);
	assert_in_range(read.counter, before, after);
	assert_in_range(read.clock_ns, before, after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_a_stamp_by_its_age),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(follows_the_rate),
		cmocka_unit_test(reads_both_clocks_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
