/* SPDX-License-Identifier: BSD-3-Clause */
#include "timescale.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct timescale timescale = {
	.counter = 1000, .hz = 3000000000, .utc = {1800000000, UINT64_C(1) << 63}};

static void test_utc_runs_with_the_counter(void **state)
{
	struct meridian_utc later = timescale_utc(&timescale, 1000 + 3 * timescale.hz);
	struct meridian_utc third = timescale_utc(&timescale, 1000 + timescale.hz / 3);

	(void)state;
	assert_int_equal(later.s, 1800000003);
	assert_true(later.frac64 == UINT64_C(1) << 63);
	assert_int_equal(third.s, 1800000000);
	assert_true(third.frac64 == (UINT64_C(1) << 63) + UINT64_MAX / 3);
}

static void test_utc_before_the_anchor(void **state)
{
	struct meridian_utc before = timescale_utc(&timescale, 1000 - timescale.hz);

	(void)state;
	assert_int_equal(before.s, 1799999999);
	assert_true(before.frac64 == UINT64_C(1) << 63);
}

static void test_add_and_diff_agree(void **state)
{
	static const double seconds[] = {0, 1e-9, -1e-9, 0.5, -0.5, 1, -1, 12345.678, -98765.25};

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		struct meridian_utc sum = timescale_utc_add(timescale.utc, seconds[i]);

		assert_true(fabs(timescale_utc_diff(sum, timescale.utc) - seconds[i]) <
			1e-15 + fabs(seconds[i]) * 1e-15);
	}
}

static void test_add_keeps_fractions_in_range(void **state)
{
	struct meridian_utc sum = timescale_utc_add((struct meridian_utc){10, 0}, -1e-30);

	(void)state;
	assert_true(sum.s == 9 || sum.s == 10);
	assert_true(fabs(timescale_utc_diff(sum, (struct meridian_utc){10, 0})) < 1e-18);
}

static void test_seconds_and_ticks(void **state)
{
	(void)state;
	assert_true(timescale_seconds(&timescale, 4000, 1000) == -1e-6);
	assert_int_equal(timescale_ticks(&timescale, 1e-6), 3000);
	assert_int_equal(timescale_ticks(&timescale, -1e-6), -3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utc_runs_with_the_counter),
		cmocka_unit_test(test_utc_before_the_anchor),
		cmocka_unit_test(test_add_and_diff_agree),
		cmocka_unit_test(test_add_keeps_fractions_in_range),
		cmocka_unit_test(test_seconds_and_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
