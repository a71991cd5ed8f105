/* SPDX-License-Identifier: BSD-3-Clause */
#include "discipline.h"
#include <math.h>
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HZ      UINT64_C(1000000000)
#define START_S INT64_C(1940630400) /* 2031-07-01 */
#define RAW_PPM 30.0                /* what the machine's oscillator is fast */

/* The clock of a kernel, asked once a second, as ntp(9) of Linux does its arithmetic: the rate set,
 * and of the loop's offset a quarter each second. UTC is kept beside it. */
static struct {
	struct timex timex;
	double phase_s; /* clock minus UTC */
	double hidden_ppm;
	double largest_slew_s; /* in one second */
} kernel;

static struct meridian_timemodel_data model;
static struct discipline discipline;
static struct discipline_order order;
static double past_s; /* since START_S */
static unsigned int steps;

static struct discipline_config config_of_test(void)
{
	return (struct discipline_config){
		.rtcsync = true, .leap = DISCIPLINE_LEAP_SYSTEM, .max_slew_ppm = 500};
}

static void start(const struct discipline_config *config, double phase_s)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.phase_s = phase_s;
	model = (struct meridian_timemodel_data){
		.line = {.utc_s = START_S - 100000, .period_frac64 = UINT64_MAX / HZ},
		.slew = {.period_frac64 = UINT64_MAX / HZ},
		.counter_hz = HZ,
		.counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW,
		.root_dispersion_ns = 1000000,
		.reference_s = START_S,
		.valid_until_counter = UINT64_MAX,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = 2};
	past_s = -1000;
	steps = 0;
	discipline_init(&discipline, config);
}

static void leap_comes(uint8_t kind)
{
	model.leap = kind;
	model.leap_s = START_S;
}

/* What the kernel's clock shows is UTC after the leap second, plus the phase. */
static struct discipline_view view_now(void)
{
	uint64_t counter = (uint64_t)((100000 + past_s) * (double)HZ);
	struct meridian_utc utc = meridian_timemodel_utc(&model, counter);

	utc.s += meridian_timemodel_leap_offset_s(&model, utc);
	return (struct discipline_view){.model = &model,
		.counter = counter,
		.realtime = timescale_utc_add(utc, kernel.phase_s),
		.raw_rate = 1 - RAW_PPM * 1e-6,
		.synchronised = true};
}

static void kernel_take(const struct timex *timex)
{
	if (timex->modes & ADJ_FREQUENCY)
		kernel.timex.freq = timex->freq;
	if (timex->modes & ADJ_STATUS)
		kernel.timex.status = timex->status;
	if (timex->modes & ADJ_OFFSET) {
		assert_true(timex->modes & ADJ_NANO);
		assert_true(kernel.timex.status & STA_PLL);
		assert_true(kernel.timex.status & STA_FREQHOLD);
		assert_in_range(labs(timex->offset), 0, 500000000);
		kernel.timex.offset = timex->offset;
	}
	if (timex->modes & ADJ_SETOFFSET) {
		assert_in_range(timex->time.tv_usec, 0, 999999999);
		kernel.phase_s += (double)timex->time.tv_sec + (double)timex->time.tv_usec * 1e-9;
		steps++;
	}
	if (timex->modes & ADJ_MAXERROR)
		kernel.timex.maxerror = timex->maxerror;
	if (timex->modes & ADJ_ESTERROR)
		kernel.timex.esterror = timex->esterror;
}

static void kernel_pass_second(void)
{
	double chunk_s = (double)kernel.timex.offset / 4e9;
	double ppm = RAW_PPM + kernel.hidden_ppm + (double)kernel.timex.freq / 65536;

	kernel.timex.offset -= kernel.timex.offset / 4;
	kernel.phase_s += chunk_s + ppm * 1e-6;
	kernel.largest_slew_s = fmax(kernel.largest_slew_s, fabs(chunk_s));
	past_s += 1;
}

static void decide(void)
{
	struct discipline_view view = view_now();

	discipline_decide(&discipline, &view, &order);
	if (order.action != DISCIPLINE_NOTHING)
		kernel_take(&order.timex);
}

static void run(unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds; i++) {
		decide();
		kernel_pass_second();
	}
}

/* Sources updated the model. */
static void update(void)
{
	model.reference_s++;
}

static void clock_is_led_to_utc(void **state)
{
	struct discipline_config config = config_of_test();

	(void)state;
	start(&config, -0.01);
	run(60);
	assert_true(fabs(kernel.phase_s) < 1e-6);
	run(1000);
	assert_true(fabs(kernel.phase_s) < 20e-9);
	assert_true(kernel.largest_slew_s <= 500.1e-6);
	assert_int_equal(steps, 0);
	assert_true(fabs((double)kernel.timex.freq / 65536 + RAW_PPM) < 0.1);
	assert_int_equal(kernel.timex.status, STA_PLL | STA_FREQHOLD);
	assert_in_range(kernel.timex.maxerror, 1000, 1002);
	assert_in_range(kernel.timex.esterror, 0, 1);
}

static void rate_of_the_kernel_that_is_off_is_learnt(void **state)
{
	struct discipline_config config = config_of_test();

	(void)state;
	start(&config, 0);
	kernel.hidden_ppm = 0.5;
	run(3000);
	assert_true(fabs(kernel.phase_s) < 20e-9);
}

/* An order comes anywhere in a second of the kernel, which takes it up at the next one: what it
 * took up before is still under way then. */
static double slew_out_of_step(double part, unsigned int *ret_seconds)
{
	double chunk_s = 0, furthest_s = -INFINITY;

	*ret_seconds = 0;
	for (unsigned int i = 0; i < 100; i++) {
		decide();
		kernel.phase_s += (1 - part) * chunk_s;
		chunk_s = (double)kernel.timex.offset / 4e9;
		kernel.phase_s += part * chunk_s;
		kernel.phase_s += (RAW_PPM + (double)kernel.timex.freq / 65536) * 1e-6;
		past_s += 1;
		furthest_s = fmax(furthest_s, kernel.phase_s);
		*ret_seconds += kernel.phase_s < -1e-3;
	}
	return furthest_s;
}

static void slew_is_quick_and_does_not_overshoot(void **state)
{
	struct discipline_config config = config_of_test();

	(void)state;
	config.max_slew_ppm = 83333.333;
	for (double part = 0; part <= 1; part += 0.125) {
		unsigned int seconds;

		start(&config, -0.1);
		assert_true(slew_out_of_step(part, &seconds) < 1e-6);
		assert_in_range(seconds, 1, 17);
	}
}

static void slew_ends_without_us(void **state)
{
	struct discipline_config config = config_of_test();
	struct timex end;

	(void)state;
	config.max_slew_ppm = DISCIPLINE_SLEW_MAX_PPM;
	start(&config, -0.3);
	decide();
	for (unsigned int i = 0; i < 100; i++)
		kernel_pass_second();
	assert_true(fabs(kernel.phase_s) < 1e-5);
	/* And with an orderly end at once, the frequency being kept. */
	start(&config, -0.3);
	run(1);
	discipline_end(&end);
	kernel_take(&end);
	assert_int_equal(kernel.timex.offset, 0);
	kernel.phase_s = 0;
	for (unsigned int i = 0; i < 100; i++)
		kernel_pass_second();
	assert_true(fabs(kernel.phase_s) < 1e-6);
}

static void steps_only_at_first(void **state)
{
	struct discipline_config config = config_of_test();

	(void)state;
	config.step_s = 0.1;
	config.step_updates = 2;
	start(&config, -1234.25);
	run(10);
	assert_int_equal(steps, 1);
	assert_true(fabs(kernel.phase_s) < 1e-4);
	kernel.phase_s = 0.05;
	run(10);
	assert_int_equal(steps, 1);
	update();
	kernel.phase_s = 5;
	run(10);
	assert_int_equal(steps, 2);
	update();
	kernel.phase_s = 5;
	run(10);
	assert_int_equal(steps, 2);
	assert_true(kernel.phase_s > 4.99);
	assert_in_range(kernel.timex.maxerror, 4990000, 5010000);
	/* Without limit. */
	config.step_updates = -1;
	start(&config, 0);
	for (unsigned int i = 0; i < 5; i++) {
		update();
		kernel.phase_s = 1;
		run(1);
	}
	assert_int_equal(steps, 5);
	/* Without threshold: all, once an update. */
	config.step_s = 0;
	config.step_updates = 2;
	start(&config, 1e-3);
	run(10);
	assert_int_equal(steps, 1);
	kernel.phase_s = 1e-3;
	update();
	run(10);
	assert_int_equal(steps, 2);
	update();
	run(10);
	assert_int_equal(steps, 2);
}

static void too_large_a_change_is_refused(void **state)
{
	struct discipline_config config = config_of_test();

	(void)state;
	config.change_max_s = 1;
	config.change_start = 1;
	config.change_ignore = 2;
	config.step_s = 0.1;
	config.step_updates = -1;
	start(&config, -100);
	run(5);
	assert_int_equal(steps, 1); /* the first update is free */
	for (unsigned int i = 0; i < 2; i++) {
		update();
		kernel.phase_s = 100;
		decide();
		assert_int_equal(order.action, DISCIPLINE_IGNORE);
		assert_true(kernel.timex.status & STA_UNSYNC);
		decide(); /* the same update does not count again */
		assert_int_equal(order.action, DISCIPLINE_ADJUST);
		assert_true(kernel.phase_s == 100);
		kernel.phase_s = 0;
		decide();
		assert_false(kernel.timex.status & STA_UNSYNC);
	}
	update();
	kernel.phase_s = 100;
	decide();
	assert_int_equal(order.action, DISCIPLINE_GIVE_UP);
	kernel.phase_s = 0;
	update();
	decide();
	assert_int_equal(order.action, DISCIPLINE_NOTHING);
	assert_int_equal(steps, 1);
}

/* What was in the way of the step that was ordered is gone a second later: there is none then. */
static void refused_step_is_forgotten(void **state)
{
	struct discipline_config config = config_of_test();
	struct discipline_view view;

	(void)state;
	config.change_max_s = 1;
	config.change_ignore = -1;
	start(&config, 100);
	discipline.step_ordered = true;
	decide();
	kernel.phase_s = 0.5;
	run(10);
	assert_int_equal(steps, 0);
	start(&config, 0.5);
	discipline.step_ordered = true;
	view = view_now();
	view.synchronised = false;
	discipline_decide(&discipline, &view, &order);
	run(10);
	assert_int_equal(steps, 0);
	discipline.step_ordered = true;
	run(10);
	assert_int_equal(steps, 1);
}

static void unsynchronised_is_told_and_nothing_moved(void **state)
{
	struct discipline_config config = config_of_test();
	struct discipline_view view;

	(void)state;
	start(&config, 0.01);
	view = view_now();
	view.synchronised = false;
	discipline_decide(&discipline, &view, &order);
	assert_int_equal(order.action, DISCIPLINE_ADJUST);
	assert_int_equal(order.timex.modes, ADJ_STATUS | ADJ_NANO);
	assert_int_equal(order.timex.status, STA_PLL | STA_FREQHOLD | STA_UNSYNC);
	/* Without rtcsync the kernel never is. */
	config.rtcsync = false;
	start(&config, 0.01);
	decide();
	assert_true(kernel.timex.status & STA_UNSYNC);
}

static void kernel_leaps(void **state)
{
	static const uint8_t kinds[] = {MERIDIAN_NTP_LI_INSERT, MERIDIAN_NTP_LI_DELETE};
	static const int flags[] = {STA_INS, STA_DEL};
	struct discipline_config config = config_of_test();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(&config, 0);
		leap_comes(kinds[i]);
		run(900);
		assert_true(kernel.timex.status & flags[i]);
		/* The kernel was a little late: nothing is done about it. */
		past_s = i == 0 ? 0.001 : -0.999;
		kernel.phase_s = i == 0 ? 1 : -1;
		decide();
		/* Disarmed now, its clock would never leap. */
		assert_true(kernel.timex.status & flags[i]);
		assert_false(order.timex.modes & (ADJ_OFFSET | ADJ_SETOFFSET));
		kernel.phase_s = 0;
		past_s += 2;
		decide();
		assert_false(kernel.timex.status & (STA_INS | STA_DEL));
		run(30);
		assert_int_equal(steps, 0);
		assert_true(fabs(kernel.phase_s) < 1e-7);
	}
	/* Long before, it is not told. */
	start(&config, 0);
	model.leap = MERIDIAN_NTP_LI_INSERT;
	model.leap_s = START_S + 90000;
	decide();
	assert_false(kernel.timex.status & STA_INS);
}

/* The clock does not leap by itself: right before, and what it is off right after. */
static void over_the_leap(enum discipline_leap leap)
{
	struct discipline_config config = config_of_test();

	config.leap = leap;
	start(&config, 0);
	leap_comes(MERIDIAN_NTP_LI_INSERT);
	past_s = -5.5;
	run(5);
	assert_false(kernel.timex.status & (STA_INS | STA_DEL));
	assert_true(fabs(kernel.phase_s) < 1e-7);
	past_s = 0.5;
	kernel.phase_s = 1;
	decide();
}

static void other_ways_over_a_leap_second(void **state)
{
	(void)state;
	over_the_leap(DISCIPLINE_LEAP_STEP);
	assert_int_equal(order.action, DISCIPLINE_STEP);
	assert_true(fabs(kernel.phase_s) < 1e-7);
	over_the_leap(DISCIPLINE_LEAP_SLEW);
	assert_int_equal(order.action, DISCIPLINE_ADJUST);
	assert_int_equal(order.timex.offset, -2000000);
	over_the_leap(DISCIPLINE_LEAP_IGNORE);
	assert_int_equal(order.action, DISCIPLINE_ADJUST);
	assert_in_range(order.timex.offset + 1000, 0, 2000);
	/* It is corrected a minute later, though a smear keeps the leap second pending. */
	past_s = 61;
	kernel.phase_s = 1;
	decide();
	assert_int_equal(order.timex.offset, -2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_is_led_to_utc),
		cmocka_unit_test(rate_of_the_kernel_that_is_off_is_learnt),
		cmocka_unit_test(slew_is_quick_and_does_not_overshoot),
		cmocka_unit_test(slew_ends_without_us),
		cmocka_unit_test(steps_only_at_first),
		cmocka_unit_test(too_large_a_change_is_refused),
		cmocka_unit_test(refused_step_is_forgotten),
		cmocka_unit_test(unsynchronised_is_told_and_nothing_moved),
		cmocka_unit_test(kernel_leaps),
		cmocka_unit_test(other_ways_over_a_leap_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
