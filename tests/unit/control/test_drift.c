/* SPDX-License-Identifier: BSD-3-Clause */
#include "drift.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_chrony_file(void **state)
{
	struct drift drift;

	(void)state;
	assert_int_equal(drift_parse("            12.500000             0.250000\n", &drift), 0);
	assert_true(drift.ppm == 12.5 && drift.skew_ppm == 0.25);
	assert_string_equal(drift.counter, "");
	assert_int_equal(drift.hz, 0);
}

static void test_round_trip(void **state)
{
	struct drift drift = {-3.25, 0.5, "tsc", 2445428059}, again;
	char text[128];

	(void)state;
	assert_true(drift_format(&drift, text, sizeof(text)) < (int)sizeof(text));
	assert_int_equal(drift_parse(text, &again), 0);
	assert_true(again.ppm == drift.ppm && again.skew_ppm == drift.skew_ppm);
	assert_string_equal(again.counter, "tsc");
	assert_int_equal(again.hz, 2445428059);
}

static void test_bad_lines(void **state)
{
	static const char *const bad[] = {"", "x", "1", "1 x", "1 2 tsc", "1 2 tsc 0",
		"1 2 tsc 5 more", "nan 1", "1 nan", "inf 1", "20000 1", "1 -1", "1 1e9",
		"1 2 averyveryverylongcounternamethatdoesnotfit 7"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct drift drift;

		if (drift_parse(bad[i], &drift) != -EINVAL)
			fail_msg("'%s' was accepted", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chrony_file),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bad_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
