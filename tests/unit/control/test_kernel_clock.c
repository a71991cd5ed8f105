/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_clock.h"
#include <math.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/timex.h>

#include <cmocka.h>

#define HZ         UINT64_C(1000000000)
#define START_S    INT64_C(1940630400) /* 2031-07-01 */
#define TOLERATED  0.1                 /* ppm */
#define KERNEL_PPM 65536.0             /* of a frequency in struct timex */

/* The kernel as it was told, and a machine whose counter goes on while it sleeps. */
static struct timex told;
static int told_tai_s;
static uint64_t counter_now, slept;

static struct meridian_timemodel_data model;
static struct config config;
static const struct counter counter = {.id = MERIDIAN_COUNTER_TSC, .hz = HZ};

int adjtimex(struct timex *timex)
{
	if (timex->modes & ADJ_TAI)
		told_tai_s = (int)timex->constant;
	else if (timex->modes & ADJ_MAXERROR)
		told = *timex;
	return TIME_OK;
}

void counter_read_raw(const struct counter *read, uint64_t *ret_counter, uint64_t *ret_raw_ns)
{
	assert_ptr_equal(read, &counter);
	*ret_counter = counter_now;
	*ret_raw_ns = counter_now - slept;
}

/* CLOCK_REALTIME is what the model says. */
struct counter_realtime counter_read_clock(const struct counter *read, clockid_t clock)
{
	struct meridian_utc utc = meridian_timemodel_utc(&model, counter_now);

	assert_ptr_equal(read, &counter);
	assert_int_equal(clock, CLOCK_REALTIME);
	utc.s += meridian_timemodel_leap_offset_s(&model, utc);
	return (struct counter_realtime){.counter = counter_now, .time = {.tv_sec = utc.s}};
}

struct meridian_utc counter_utc(const struct timespec *time)
{
	return (struct meridian_utc){.s = time->tv_sec};
}

static int start(enum discipline_leap leap)
{
	model = (struct meridian_timemodel_data){
		.line = {.utc_s = START_S, .period_frac64 = UINT64_MAX / HZ},
		.slew = {.period_frac64 = UINT64_MAX / HZ},
		.counter_hz = HZ,
		.counter_id = MERIDIAN_COUNTER_TSC,
		.valid_until_counter = UINT64_MAX,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = 2,
		.tai_offset_s = 37};
	counter_now = 1;
	slept = 0;
	told_tai_s = 0;
	config = (struct config){
		.steer_clock = true, .kernel_clock = {.max_slew_ppm = 500, .leap = leap}};
	return kernel_clock_init(&config, &counter);
}

static int setup(void **state)
{
	(void)state;
	return start(DISCIPLINE_LEAP_SYSTEM);
}

static void pass_seconds(unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds; i++) {
		counter_now += HZ;
		kernel_clock_tick(&model, 1, true);
	}
}

static double told_ppm(void)
{
	return (double)told.freq / KERNEL_PPM;
}

static void frequency_outlives_a_suspend(void **state)
{
	(void)state;
	pass_seconds(100);
	assert_true(fabs(told_ppm()) < TOLERATED);
	counter_now += 1000 * HZ;
	slept += 1000 * HZ;
	kernel_clock_start_again();
	pass_seconds(10);
	assert_true(fabs(told_ppm()) < TOLERATED);
}

/* An inserted second, and when CLOCK_TAI is told of it. */
static int tai_after_the_leap(enum discipline_leap leap)
{
	assert_int_equal(start(leap), 0);
	model.leap = MERIDIAN_NTP_LI_INSERT;
	model.leap_s = START_S + 10;
	pass_seconds(8);
	assert_int_equal(told_tai_s, 37);
	pass_seconds(4);
	return told_tai_s;
}

static void tai_is_told_with_the_leap(void **state)
{
	(void)state;
	assert_int_equal(tai_after_the_leap(DISCIPLINE_LEAP_STEP), 38);
	assert_int_equal(tai_after_the_leap(DISCIPLINE_LEAP_SLEW), 38);
	/* The kernel does it by itself, or the clock goes on as if there were none. */
	assert_int_equal(tai_after_the_leap(DISCIPLINE_LEAP_SYSTEM), 37);
	assert_int_equal(tai_after_the_leap(DISCIPLINE_LEAP_IGNORE), 37);
	pass_seconds(60);
	assert_int_equal(told_tai_s, 38);
}

static void step_is_ordered_once(void **state)
{
	(void)state;
	pass_seconds(10);
	assert_false(told.modes & ADJ_SETOFFSET);
	assert_true(kernel_clock_step());
	pass_seconds(1);
	assert_true(told.modes & ADJ_SETOFFSET);
	pass_seconds(1);
	assert_false(told.modes & ADJ_SETOFFSET);
	config.steer_clock = false;
	assert_int_equal(kernel_clock_init(&config, &counter), 0);
	assert_false(kernel_clock_step());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frequency_outlives_a_suspend, setup),
		cmocka_unit_test(tai_is_told_with_the_leap),
		cmocka_unit_test_setup(step_is_ordered_once, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
