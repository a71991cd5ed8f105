/* SPDX-License-Identifier: BSD-3-Clause */
#include "pulse.h"
#include "timescale.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct meridian_utc base = {.s = 1800000000};
static const struct pulse_signal once = {.rate_hz = 1};

static struct pulse_guess guess_at(double seconds, double distance_s)
{
	return (struct pulse_guess){
		.utc = timescale_utc_add(base, seconds), .distance_s = distance_s};
}

/* Where a guess of `seconds` is moved to. */
static double snapped(const struct pulse_signal *signal, double phase_s, double seconds)
{
	struct pulse_guess guess = guess_at(seconds, 0);
	double moved_s = pulse_snap(signal, phase_s, &guess);
	double to_s = timescale_utc_diff(guess.utc, base);

	assert_true(fabs(to_s + moved_s - seconds) < 1e-15);
	return to_s;
}

static void test_snap(void **state)
{
	const struct pulse_signal five = {.rate_hz = 5};

	(void)state;
	assert_true(fabs(snapped(&once, 0, 0.3)) < 1e-15);
	assert_true(fabs(snapped(&once, 0, 0.7) - 1) < 1e-15);
	assert_true(fabs(snapped(&once, 0, -0.2)) < 1e-15);
	assert_true(fabs(snapped(&five, 0, 0.3) - 0.2) < 1e-15 ||
		fabs(snapped(&five, 0, 0.3) - 0.4) < 1e-15);
	assert_true(fabs(snapped(&five, 0, 0.95) - 1) < 1e-15);
}

/* A pulse whose phase is known to be off, or that is of a clock with pps. */
static void test_snap_to_a_phase(void **state)
{
	(void)state;
	assert_true(fabs(snapped(&once, 0.25, 0.3) - 0.25) < 1e-15);
	assert_true(fabs(snapped(&once, 0.25, 0.8) - 1.25) < 1e-15);
	assert_true(fabs(snapped(&once, -36.75, 0.3) - 0.25) < 1e-15);
}

/* A clock's distance is a promise: it must leave one pulse only. */
static void test_sure(void **state)
{
	struct pulse_guess guess = guess_at(0.3, 0.49);
	double moved_s = pulse_snap(&once, 0, &guess);

	(void)state;
	assert_true(pulse_is_sure(&once, &guess, moved_s));
	guess.distance_s = 0.5;
	assert_false(pulse_is_sure(&once, &guess, moved_s));
	guess.distance_s = NAN;
	assert_false(pulse_is_sure(&once, &guess, moved_s));
}

static void test_near(void **state)
{
	struct pulse_guess guess = guess_at(0.3, 0.09);
	double moved_s = pulse_snap(&once, 0, &guess);

	(void)state;
	assert_true(pulse_is_near(&once, &guess, moved_s));
	guess.distance_s = 0.11;
	assert_false(pulse_is_near(&once, &guess, moved_s));
	guess.distance_s = NAN;
	assert_false(pulse_is_near(&once, &guess, moved_s));
}

/* Of a pulse of 0.2 s, the other edge is 0.2 s off. */
static void test_edges(void **state)
{
	const struct pulse_signal both = {.rate_hz = 1, .width_s = 0.2};
	struct pulse_guess guess = guess_at(0, 0.05);

	(void)state;
	assert_true(pulse_is_sure(&both, &guess, 0.05));
	assert_true(pulse_is_near(&both, &guess, -0.05));
	assert_false(pulse_is_sure(&both, &guess, 0.2));
	assert_false(pulse_is_near(&both, &guess, -0.2));
	guess.distance_s = 0.11;
	assert_false(pulse_is_sure(&both, &guess, 0));
	assert_true(pulse_is_near(&both, &guess, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snap),
		cmocka_unit_test(test_snap_to_a_phase),
		cmocka_unit_test(test_sure),
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
