/* SPDX-License-Identifier: BSD-3-Clause */
#include "follow.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HZ       UINT64_C(1000000000)
#define START_S  INT64_C(1800000000)
#define WIDTH_NS 50

/* A host whose CLOCK_REALTIME somebody steers and sets, read once per second. */
static uint64_t counter_now;
static int64_t realtime_ns; /* since START_S */
static struct timescale timescale;
static struct follow follow;

static const struct counter counter = {.id = MERIDIAN_COUNTER_MONOTONIC_RAW, .hz = HZ};

struct counter_realtime counter_read_clock(const struct counter *read, clockid_t clock)
{
	assert_int_equal(clock, CLOCK_REALTIME);
	assert_ptr_equal(read, &counter);
	return (struct counter_realtime){.counter = counter_now,
		.width = WIDTH_NS,
		.time = {.tv_sec = START_S + realtime_ns / INT64_C(1000000000),
			.tv_nsec = realtime_ns % INT64_C(1000000000)}};
}

struct meridian_utc counter_utc(const struct timespec *time)
{
	return (struct meridian_utc){
		.s = time->tv_sec, .frac64 = (uint64_t)ldexp((double)time->tv_nsec / 1e9, 64)};
}

static int setup(void **state)
{
	(void)state;
	counter_now = 1;
	realtime_ns = 0;
	timescale = (struct timescale){.counter = 1, .hz = HZ, .utc = {START_S, 0}};
	follow_init(&follow, &counter, &timescale);
	return 0;
}

static void pass_second(double rate_ppm)
{
	counter_now += HZ;
	realtime_ns += INT64_C(1000000000) + (int64_t)(rate_ppm * 1000);
}

/* How far the target is off the clock, which is within what is said of it. */
static double target_error_s(double *ret_said_s)
{
	struct model_target target = follow_target(&follow, 1, ret_said_s);
	struct meridian_utc realtime = {START_S, 0};
	double error_s = fabs(timescale_utc_diff(
		target.utc, timescale_utc_add(realtime, (double)realtime_ns / 1e9)));

	assert_true(error_s <= *ret_said_s);
	return error_s;
}

static void test_follows_a_steered_clock(void **state)
{
	static const double rates_ppm[] = {0.5, 1, -5, 10, 50, -100, 500};
	double said_s;

	(void)state;
	for (size_t i = 0; i < sizeof(rates_ppm) / sizeof(rates_ppm[0]); i++) {
		setup(NULL);
		for (unsigned int n = 0; n < 900; n++) {
			pass_second(n < 300 ? 0 : rates_ppm[i]);
			assert_true(target_error_s(&said_s) < 1.1e-6);
			assert_true(said_s < 1.2e-6);
		}
		assert_true(said_s < 0.1e-6);
	}
}

/* The rate is kept when the clock is set. */
static void test_follows_a_clock_that_is_set(void **state)
{
	double said_s, frequency;

	(void)state;
	for (unsigned int n = 0; n < 100; n++) {
		pass_second(20);
		target_error_s(&said_s);
	}
	frequency = follow.filter.frequency;
	assert_true(fabs(frequency - 20e-6) < 0.1e-6);
	realtime_ns += INT64_C(2500000000);
	pass_second(20);
	assert_true(target_error_s(&said_s) < 0.1e-6);
	assert_true(fabs(follow.filter.frequency - frequency) < 0.1e-6);
	for (unsigned int n = 0; n < 10; n++) {
		pass_second(20);
		assert_true(target_error_s(&said_s) < 1.1e-6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_follows_a_steered_clock, setup),
		cmocka_unit_test_setup(test_follows_a_clock_that_is_set, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
