/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/refclock/stamp_clock.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <units.h>

#include <cmocka.h>

#define HZ      UINT64_C(2000000000)
#define START_S 1800000000
#define WIDTH   200 /* ticks: 100 ns */

static const struct counter counter = {.hz = HZ};
static struct stamp_clock stamps;
static int64_t clock_ns; /* what the clock shows, since START_S */
static uint64_t counter_now;

static int setup(void **state)
{
	(void)state;
	clock_ns = 0;
	counter_now = 12345;
	stamp_clock_init(&stamps, &counter);
	return 0;
}

static struct timespec stamp_at(int64_t ns)
{
	return (struct timespec){
		.tv_sec = START_S + ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND};
}

/* Time goes on, the clock faster than the counter by `rate`. */
static void pass(double seconds, double rate)
{
	counter_now += (uint64_t)llround(seconds * (double)HZ);
	clock_ns += llround(seconds * (1 + rate) * (double)NS_PER_SECOND);
}

static struct counter_realtime read_now(void)
{
	return (struct counter_realtime){
		.counter = counter_now, .width = WIDTH, .time = stamp_at(clock_ns)};
}

static int note(void)
{
	struct counter_realtime now = read_now();

	return stamp_clock_note(&stamps, &now);
}

/* How far off the conversion of a stamp is that was taken `age_s` before now, at `rate`. */
static double error_of(double age_s, double rate, double *ret_bound_s)
{
	struct counter_realtime now = read_now();
	struct timespec stamp =
		stamp_at(clock_ns - llround(age_s * (1 + rate) * (double)NS_PER_SECOND));
	uint64_t converted = stamp_clock_convert(&stamps, &now, &stamp, ret_bound_s);
	uint64_t expected = counter_now - (uint64_t)llround(age_s * (double)HZ);

	return (double)(int64_t)(converted - expected) / (double)HZ;
}

static void test_rate_is_learned(void **state)
{
	const double rate = 20e-6;
	double bound_s;

	(void)state;
	assert_int_equal(note(), 0);
	/* Before that, the error says that the clock may be steered. */
	assert_true(fabs(error_of(0.5, rate, &bound_s)) > 5e-6);
	assert_true(bound_s > 10e-6);
	for (int i = 0; i < 4; i++) {
		pass(1, rate);
		assert_int_equal(note(), 0);
	}
	assert_true(fabs(error_of(0.9, rate, &bound_s)) < 5e-9);
	assert_true(bound_s < 500e-9);
}

static void test_change_of_rate_is_in_the_error(void **state)
{
	double bound_s;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(note(), 0);
		pass(1, 0);
	}
	pass(0.5, 100e-6);
	assert_int_equal(note(), 0);
	assert_true(fabs(error_of(0.5, 100e-6, &bound_s)) < bound_s);
}

/* Reads that come thick and fast must not make the rate one of noise. */
static void test_many_reads(void **state)
{
	double bound_s;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(note(), 0);
		pass(0.001, 0);
		clock_ns += i % 2 ? 50 : -50;
	}
	assert_true(fabs(error_of(0.5, 0, &bound_s)) < 200e-9);
	assert_true(bound_s < 1e-6);
}

static void test_clock_is_set(void **state)
{
	(void)state;
	assert_int_equal(note(), 0);
	pass(1, 0);
	assert_int_equal(note(), 0);
	pass(1, 0);
	clock_ns += NS_PER_SECOND / 100;
	assert_int_equal(note(), -ERANGE);
	pass(1, 0);
	assert_int_equal(note(), 0);
	pass(1, 0);
	clock_ns -= 20 * NS_PER_SECOND / 10;
	assert_int_equal(note(), -ERANGE);
	assert_int_equal(note(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rate_is_learned, setup),
		cmocka_unit_test_setup(test_change_of_rate_is_in_the_error, setup),
		cmocka_unit_test_setup(test_many_reads, setup),
		cmocka_unit_test_setup(test_clock_is_set, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
