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

static int setup(void **state)
{
	(void)state;
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
	config = (struct config){.steer_clock = true, .kernel_clock = {.max_slew_ppm = 500}};
	return kernel_clock_init(&config, &counter);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frequency_outlives_a_suspend, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
