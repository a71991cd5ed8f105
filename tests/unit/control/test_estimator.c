/* SPDX-License-Identifier: BSD-3-Clause */
#include "estimator.h"
#include "path.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FREQUENCY_SD 1e-4

static struct path path;
static struct estimator estimator;

static int setup(void **state)
{
	(void)state;
	path_init(&path, seed_init_fixed("estimator"));
	estimator_init(&estimator, &path.timescale, 0, FREQUENCY_SD);
	return 0;
}

static void feed(unsigned int count, double interval_s)
{
	for (unsigned int i = 0; i < count; i++) {
		struct sample sample = path_sample(&path, interval_s);

		estimator_add(&estimator, &sample);
	}
}

static double error_now(struct estimate *ret_estimate)
{
	uint64_t now = path_counter(&path, path.true_s);

	estimator_predict(&estimator, now, ret_estimate);
	return ret_estimate->offset_s - path_true_offset(&path, now);
}

static void test_converges_on_a_lan(void **state)
{
	struct estimate estimate;

	(void)state;
	feed(200, 16);
	assert_true(fabs(error_now(&estimate)) < 10e-6);
	assert_true(fabs(estimate.frequency - path.frequency) < 0.1e-6);
	assert_true(estimate.offset_sd_s < 10e-6);
}

/* On a path that never queues what is left is rounding: every sample is nearly exact. */
static void test_no_jitter_is_no_reason_to_start_anew(void **state)
{
	struct estimate estimate;

	(void)state;
	path.queue_s = 0;
	for (int i = 0; i < 100; i++) {
		feed(1, 1);
		assert_false(estimator.restarted);
	}
	assert_int_equal(estimator.sample_count, 100);
	assert_true(fabs(error_now(&estimate)) < 20e-9);
	assert_true(fabs(estimate.frequency - path.frequency) < 10e-9);
}

static void test_first_sample_is_within_half_its_delay(void **state)
{
	struct estimate estimate;

	(void)state;
	feed(1, 1);
	assert_true(fabs(error_now(&estimate)) <= estimator_sample(&estimator, 0)->delay_s / 2);
}

static void test_outlier_does_little(void **state)
{
	struct estimate before, after;
	struct sample sample;

	(void)state;
	feed(100, 16);
	sample = path_sample(&path, 16);
	sample.offset_s += 5e-3;
	estimator_predict(&estimator, sample.counter, &before);
	estimator_add(&estimator, &sample);
	estimator_predict(&estimator, sample.counter, &after);
	assert_true(fabs(after.offset_s - before.offset_s) < 50e-6);
}

static void test_follows_a_longer_path(void **state)
{
	struct estimate estimate;

	(void)state;
	feed(60, 16);
	path.delay_s += 1e-3;
	feed(60, 16);
	assert_true(fabs(estimator.delay_min_s - 2 * path.delay_s) < 40e-6);
	assert_true(fabs(error_now(&estimate)) < 20e-6);
}

/* Answers take longer: that is no reason to believe that time has moved. */
static void test_stays_when_one_way_gets_longer(void **state)
{
	struct estimate estimate;

	(void)state;
	feed(60, 16);
	path.later_s = 400e-6;
	feed(60, 16);
	assert_true(fabs(estimator.asymmetry_s + 200e-6) < 40e-6);
	assert_true(fabs(error_now(&estimate)) < 60e-6);
	path.later_s = 0;
	feed(60, 16);
	assert_true(estimator.asymmetry_s == 0);
	assert_true(fabs(error_now(&estimate)) < 20e-6);
}

/* Both ways take longer: there is nothing to take off. */
static void test_symmetric_change_is_no_asymmetry(void **state)
{
	(void)state;
	feed(60, 16);
	path.delay_s += 1e-3;
	feed(60, 16);
	assert_true(estimator.asymmetry_s == 0);
}

static void test_old_samples_are_ignored(void **state)
{
	struct sample sample = path_sample(&path, 10);

	(void)state;
	estimator_add(&estimator, &sample);
	estimator_add(&estimator, &sample);
	assert_int_equal(estimator.sample_count, 1);
	assert_null(estimator_sample(&estimator, 1));
}

static void test_start_frequency_counts(void **state)
{
	struct estimate estimate;

	(void)state;
	estimator_init(&estimator, &path.timescale, path.frequency, 1e-7);
	feed(1, 1);
	path.true_s += 1000;
	assert_true(fabs(error_now(&estimate)) < 100e-6);
}

/* The source's time moves by a second. */
static void test_restarts_on_a_step(void **state)
{
	struct estimate estimate;
	double frequency_before;

	(void)state;
	feed(100, 16);
	error_now(&estimate);
	frequency_before = estimate.frequency;
	path.server_offset_s = 1;
	feed(ESTIMATOR_DISPUTED - 1, 16);
	assert_int_equal(estimator.disputed_count, ESTIMATOR_DISPUTED - 1);
	assert_true(fabs(error_now(&estimate)) < 20e-6);
	feed(1, 16);
	assert_true(estimator.restarted);
	assert_true(fabs(estimator.restart_step_s - 1) < 100e-6);
	assert_true(fabs(error_now(&estimate) - 1) < 100e-6);
	assert_true(fabs(estimate.frequency - frequency_before) < 1e-6);
	for (unsigned int i = 0; i < 200; i++) {
		feed(1, 16);
		assert_false(estimator.restarted);
	}
	assert_true(fabs(error_now(&estimate) - 1) < 10e-6);
}

/* One that contradicts all the others leaves no trace. */
static void test_lie_leaves_no_trace(void **state)
{
	struct estimate before, after;
	struct sample lie, sample;

	(void)state;
	feed(100, 16);
	lie = path_sample(&path, 16);
	lie.offset_s += 1;
	estimator_predict(&estimator, lie.counter, &before);
	estimator_add(&estimator, &lie);
	estimator_predict(&estimator, lie.counter, &after);
	assert_true(after.offset_s == before.offset_s && after.frequency == before.frequency);
	assert_ptr_equal(estimator_sample(&estimator, 0), &estimator.disputed[0]);
	sample = path_sample(&path, 16);
	estimator_add(&estimator, &sample);
	assert_int_equal(estimator.disputed_count, 0);
	assert_false(estimator.restarted);
}

/* A reference clock: no round trip tells how much it jitters, the sample does. */
static void test_measured_noise_counts(void **state)
{
	const double noise_s = 1e-3;
	struct estimate estimate;
	double error_s;

	(void)state;
	path.queue_s = 0;
	for (int i = 0; i < 200; i++) {
		struct sample sample = path_sample(&path, 16);
		double unit = 0;

		for (int k = 0; k < 12; k++)
			unit += path_random(&path);
		sample.offset_s += noise_s * (unit - 6);
		sample.noise_s = noise_s;
		sample.dispersion_s = 5 * noise_s;
		estimator_add(&estimator, &sample);
	}
	error_s = fabs(error_now(&estimate));
	assert_true(error_s < 4 * estimate.offset_sd_s);
	assert_true(estimate.offset_sd_s > noise_s / 50 && estimate.offset_sd_s < noise_s);
	assert_true(fabs(estimate.frequency - path.frequency) < 1e-6);
}

static void test_shift(void **state)
{
	struct estimate before, after;
	uint64_t now;

	(void)state;
	feed(20, 16);
	now = path_counter(&path, path.true_s);
	estimator_predict(&estimator, now, &before);
	estimator_shift(&estimator, 1000);
	estimator_predict(&estimator, now, &after);
	assert_true(fabs(after.offset_s + 1000 - before.offset_s) < 1e-9);
	assert_true(fabs(estimator_sample(&estimator, 0)->offset_s + 1000) < 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_converges_on_a_lan, setup),
		cmocka_unit_test_setup(test_no_jitter_is_no_reason_to_start_anew, setup),
		cmocka_unit_test_setup(test_first_sample_is_within_half_its_delay, setup),
		cmocka_unit_test_setup(test_outlier_does_little, setup),
		cmocka_unit_test_setup(test_follows_a_longer_path, setup),
		cmocka_unit_test_setup(test_stays_when_one_way_gets_longer, setup),
		cmocka_unit_test_setup(test_symmetric_change_is_no_asymmetry, setup),
		cmocka_unit_test_setup(test_old_samples_are_ignored, setup),
		cmocka_unit_test_setup(test_start_frequency_counts, setup),
		cmocka_unit_test_setup(test_restarts_on_a_step, setup),
		cmocka_unit_test_setup(test_lie_leaves_no_trace, setup),
		cmocka_unit_test_setup(test_measured_noise_counts, setup),
		cmocka_unit_test_setup(test_shift, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
