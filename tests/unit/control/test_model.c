/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"
#include "seed.h"
#include <errno.h>
#include <math.h>
#include <meridian/counter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HZ      UINT64_C(2445428059)
#define START_S INT64_C(1800000000)
#define START   UINT64_C(77777777777)

static const struct timescale timescale = {.counter = START, .hz = HZ, .utc = {START_S, 0}};
static struct model model;

static int setup(void **state)
{
	(void)state;
	model_init(&model, &timescale, MERIDIAN_COUNTER_TSC, -26);
	return 0;
}

static uint64_t ticks(double seconds)
{
	return START + (uint64_t)timescale_ticks(&timescale, seconds);
}

/* Leads the clock to the timescale plus `offset_s`, at `seconds` after the start. */
static double steer(double seconds, double offset_s, double rate, bool may_slew)
{
	struct model_target target = {.counter = ticks(seconds),
		.utc = timescale_utc_add(timescale_utc(&timescale, ticks(seconds)), offset_s),
		.rate = rate,
		.slew_s = 16,
		.may_slew = may_slew};

	return model_steer(&model, &target);
}

/* Published clock minus the timescale. */
static double shown(double seconds)
{
	return timescale_utc_diff(meridian_timemodel_utc(&model.data, ticks(seconds)),
		timescale_utc(&timescale, ticks(seconds)));
}

static struct model_facts facts(double dispersion_s)
{
	return (struct model_facts){.root_delay_s = 1e-3,
		.root_dispersion_s = dispersion_s,
		.dispersion_rate = 1e-6,
		.valid_s = 3600,
		.reference = {START_S, 0},
		.refid = 0x0a000001,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = 2};
}

static void test_first_line_is_a_disruption(void **state)
{
	(void)state;
	assert_true(steer(0, 5.0, 1, true) == 0);
	assert_int_equal(model.data.disruption_count, 1);
	assert_true(fabs(shown(0) - 5.0) < 1e-12);
	assert_true(fabs(shown(1000) - 5.0) < 1e-9);
}

static void test_slew_is_continuous_and_ends(void **state)
{
	struct meridian_utc before, after;

	(void)state;
	steer(0, 0, 1, false);
	before = meridian_timemodel_utc(&model.data, ticks(10));
	steer(10, 1e-3, 1 + 10e-6, true);
	after = meridian_timemodel_utc(&model.data, ticks(10));
	assert_int_equal(model.data.disruption_count, 1);
	assert_int_equal(before.s, after.s);
	assert_true(before.frac64 == after.frac64);
	assert_true(fabs(model_residue(&model, ticks(10)) + 1e-3) < 1e-9);
	assert_true(model_residue(&model, ticks(26.1)) == 0);
	assert_true(fabs(shown(26) - (1e-3 + 16 * 10e-6)) < 1e-9);
	assert_true(fabs(shown(1010) - (1e-3 + 1000 * 10e-6)) < 1e-9);
	assert_true(fabs(model_rate(&model) - (1 + 10e-6)) < 1e-15);
}

static void test_slew_is_limited(void **state)
{
	(void)state;
	steer(0, 0, 1, false);
	steer(10, 0.05, 1, true); /* 16 s would be too fast: 100 s at 500 ppm */
	assert_true(fabs(shown(60) - 0.025) < 1e-6);
	assert_true(fabs(shown(110) - 0.05) < 1e-6);
}

static void test_only_large_corrections_step(void **state)
{
	(void)state;
	steer(0, 0, 1, false);
	assert_true(steer(10, MODEL_STEP_MIN_S * 0.999, 1, true) == 0);
	assert_int_equal(model.data.disruption_count, 1);
	setup(NULL);
	steer(0, 0, 1, false);
	assert_true(fabs(steer(10, -0.2, 1, true) + 0.2) < 1e-9);
	assert_int_equal(model.data.disruption_count, 2);
	assert_true(fabs(shown(10) + 0.2) < 1e-9);
}

static void test_absurd_rates_are_limited(void **state)
{
	(void)state;
	steer(0, 0, 2, false);
	assert_true(fabs(model_rate(&model) - 1.01) < 1e-9);
	steer(1, 0, 0, true);
	assert_true(fabs(model_rate(&model) - 0.99) < 1e-9);
	assert_true(meridian_timemodel_sane(&model.data));
}

static void test_facts(void **state)
{
	struct model_facts given = facts(1e-4);
	const struct meridian_timemodel_data *data = &model.data;

	(void)state;
	steer(0, 0, 1, false);
	steer(10, 1e-3, 1, true);
	model_state(&model, ticks(10), &given);
	assert_true(meridian_timemodel_sane(data));
	assert_int_equal(data->root_delay_ns, 1000000);
	/* With the whole slew still to come. */
	assert_in_range(data->root_dispersion_ns, 1100000, 1100002);
	assert_int_equal(data->dispersion_rate_ppb, 1000);
	assert_true(meridian_timemodel_valid(data, ticks(10)));
	assert_true(meridian_timemodel_valid(data, ticks(3609)));
	assert_false(meridian_timemodel_valid(data, ticks(3611)));
}

static void test_adopt(void **state)
{
	struct model_facts given = facts(1e-4);
	struct meridian_timemodel_data data;

	(void)state;
	steer(0, 7, 1 + 20e-6, false);
	model_state(&model, ticks(0), &given);
	data = model.data;
	setup(NULL);
	assert_int_equal(model_adopt(&model, &data), 0);
	assert_true(fabs(shown(100) - 7 - 100 * 20e-6) < 1e-9);
	assert_true(fabs(model_rate(&model) - (1 + 20e-6)) < 1e-15);
	data.counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW;
	assert_int_equal(model_adopt(&model, &data), -EINVAL);
	data.counter_id = MERIDIAN_COUNTER_TSC;
	data.stratum = 17;
	assert_int_equal(model_adopt(&model, &data), -EINVAL);
}

static void test_is_current(void **state)
{
	struct model_facts given = facts(1e-4);
	struct meridian_timemodel_data data;

	(void)state;
	steer(0, 7, 1, false);
	model_state(&model, ticks(10), &given);
	data = model.data;
	data.suspended_ns = INT64_C(5000000000);
	assert_true(model_is_current(&data, ticks(20), INT64_C(5000001000)));
	assert_true(model_is_current(&data, ticks(20), INT64_C(4999999000)));
	assert_false(model_is_current(&data, ticks(20), INT64_C(7000000000)));
	assert_false(model_is_current(&data, ticks(9), INT64_C(5000000000)));
	assert_false(model_is_current(&data, ticks(4000), INT64_C(5000000000)));
	data.flags = MERIDIAN_TIMEMODEL_SCRIPTED;
	assert_false(model_is_current(&data, ticks(20), INT64_C(5000000000)));
}

static double uniform(struct seed *seed, double low, double high)
{
	return low + (high - low) * (double)(seed_next(seed) >> 11) / 0x1p53;
}

/* Looks at the clock at many instants up to `end`: it never runs backwards, and UTC, which is
 * within the given dispersion of the target at `start`, is within the published bound. */
static void watch(double start, double end, double target_s, double error_s)
{
	const struct meridian_timemodel_data *data = &model.data;
	struct meridian_utc last = meridian_timemodel_utc(data, ticks(start));

	for (int i = 1; i <= 50; i++) {
		uint64_t now = ticks(start + (end - start) * i / 50);
		struct meridian_utc utc = meridian_timemodel_utc(data, now);
		double bound_s = ((double)data->root_delay_ns / 2 +
					 (double)meridian_timemodel_dispersion_ns(data, now)) *
			1e-9;
		double off_s = timescale_utc_diff(utc, timescale_utc(&timescale, now)) -
			(target_s + error_s);

		assert_true(timescale_utc_diff(utc, last) > 0);
		assert_true(fabs(off_s) <= bound_s);
		last = utc;
	}
}

static void test_random_life(void **state)
{
	struct seed seed = seed_init("model");
	double now = 0;

	(void)state;
	steer(0, 0, 1, false);
	for (int i = 0; i < 2000; i++) {
		double target_s = uniform(&seed, -0.03, 0.03);
		double dispersion_s = uniform(&seed, 0, 1e-3);
		double next = now + uniform(&seed, 0.01, 100);
		struct meridian_utc before = meridian_timemodel_utc(&model.data, ticks(now));
		struct meridian_utc after;
		struct model_facts given = facts(dispersion_s);

		given.root_delay_s = 0;
		assert_true(steer(now, target_s, 1, true) == 0);
		model_state(&model, ticks(now), &given);
		after = meridian_timemodel_utc(&model.data, ticks(now));
		assert_true(before.s == after.s && before.frac64 == after.frac64);
		assert_true(meridian_timemodel_sane(&model.data));
		watch(now, next, target_s, dispersion_s * uniform(&seed, -1, 1));
		now = next;
	}
	assert_int_equal(model.data.disruption_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_first_line_is_a_disruption, setup),
		cmocka_unit_test_setup(test_slew_is_continuous_and_ends, setup),
		cmocka_unit_test_setup(test_slew_is_limited, setup),
		cmocka_unit_test_setup(test_only_large_corrections_step, setup),
		cmocka_unit_test_setup(test_absurd_rates_are_limited, setup),
		cmocka_unit_test_setup(test_facts, setup),
		cmocka_unit_test_setup(test_adopt, setup),
		cmocka_unit_test_setup(test_is_current, setup),
		cmocka_unit_test_setup(test_random_life, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
