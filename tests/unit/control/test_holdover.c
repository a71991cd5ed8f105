/* SPDX-License-Identifier: BSD-3-Clause */
#include "holdover.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct holdover_limits limits = {.max_error_s = 0.1, .length_s = 1000};

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-6 * fabs(b);
}

static void test_the_nearer_limit_counts(void **state)
{
	(void)state;
	assert_true(near(holdover_valid_s(&limits, 0.01, 1e-6), 1000));
	assert_true(near(holdover_valid_s(&limits, 0.09, 1e-4), 100));
	assert_true(holdover_valid_s(&limits, 0.09, 0) == 1000);
	assert_true(holdover_valid_s(&limits, 0.11, 1e-6) < 0);
}

/* A sample now and then that is just good enough does not make it come and go. */
static void test_return_needs_a_margin(void **state)
{
	(void)state;
	assert_true(holdover_admits(&limits, true, 0.0999, 1e-5, 6));
	assert_false(holdover_admits(&limits, true, 0.1001, 1e-5, 6));
	assert_false(holdover_admits(&limits, false, 0.0999, 1e-5, 6));
	assert_true(holdover_admits(&limits, false, 0.098, 1e-5, 6));
	assert_false(holdover_admits(&limits, false, 0.098, 1e-5, 10));
}

static void test_silence(void **state)
{
	(void)state;
	assert_false(holdover_is_silent(0xff));
	assert_false(holdover_is_silent(0x04));
	assert_true(holdover_is_silent(0xf8));
	assert_true(holdover_is_silent(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_nearer_limit_counts),
		cmocka_unit_test(test_return_needs_a_margin),
		cmocka_unit_test(test_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
