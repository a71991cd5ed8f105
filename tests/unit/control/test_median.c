/* SPDX-License-Identifier: BSD-3-Clause */
#include "median.h"
#include "seed.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HZ        UINT64_C(1000000000)
#define FREQUENCY 50e-6 /* of UTC against the counter */
#define OFFSET_S  0.25

static const struct timescale timescale = {
	.counter = 5 * HZ, .hz = HZ, .utc = {.s = 1800000000, .frac64 = UINT64_C(1) << 63}};
static struct median median;
static struct seed seed;

static int setup(void **state)
{
	(void)state;
	median_init(&median, MEDIAN_READINGS_MAX);
	seed = seed_init("median");
	return 0;
}

static uint64_t counter_at(double seconds)
{
	return timescale.counter + (uint64_t)(seconds * (double)HZ);
}

static double true_offset(double seconds)
{
	return OFFSET_S + FREQUENCY * seconds;
}

/* A reading at `seconds` that is wrong by `error_s`. */
static bool add(double seconds, double error_s)
{
	struct median_reading reading = {.counter = counter_at(seconds),
		.offset_s = true_offset(seconds) + error_s,
		.error_s = 1e-6};

	return median_add(&median, &timescale, &reading);
}

/* Uniform in [-1, 1). */
static double random_sign(void)
{
	return (double)(seed_next(&seed) >> 11) / (double)(UINT64_C(1) << 52) - 1;
}

static double error_of(const struct sample *sample)
{
	double seconds = timescale_seconds(&timescale, timescale.counter, sample->counter);

	return sample->offset_s - true_offset(seconds);
}

/* The drift of the counter over a poll is neither noise nor error. */
static void test_drift_is_no_noise(void **state)
{
	struct sample sample;

	(void)state;
	for (int i = 1; i <= 16; i++)
		assert_true(add(i, 0));
	assert_true(median_take(&median, &timescale, &sample));
	assert_true(fabs(error_of(&sample)) < 1e-9);
	assert_true(sample.noise_s < 1e-9);
	assert_true(fabs(sample.dispersion_s - 1e-6) < 1e-8);
	assert_in_range(sample.counter, counter_at(2), counter_at(15));
}

static void test_noise_is_measured(void **state)
{
	const double jitter_s = 1e-3;
	struct sample sample = {.noise_s = 0};
	unsigned int samples = 0;
	double worst_s = 0;

	(void)state;
	for (int i = 1; i <= 1600; i++) {
		add(i, jitter_s * random_sign());
		if (i % 16 != 0)
			continue;
		assert_true(median_take(&median, &timescale, &sample));
		worst_s = fmax(worst_s, fabs(error_of(&sample)));
		assert_true(fabs(error_of(&sample)) < sample.dispersion_s);
		samples++;
	}
	assert_int_equal(samples, 100);
	assert_true(worst_s < jitter_s);
	/* A uniform error has a deviation of its range / sqrt(12); ten readings are averaged. */
	assert_true(sample.noise_s > 0.5 * jitter_s / sqrt(3) / sqrt(10));
	assert_true(sample.noise_s < 2 * jitter_s / sqrt(3) / sqrt(10));
	assert_true(median_spread_s(&median) >= jitter_s);
	assert_true(median_spread_s(&median) < 6 * jitter_s);
}

static void test_outliers_are_left_out(void **state)
{
	struct sample sample;

	(void)state;
	for (int i = 1; i <= 20; i++)
		add(i, i % 7 == 0 ? 0.1 : 1e-6 * random_sign());
	assert_true(median_take(&median, &timescale, &sample));
	assert_true(fabs(error_of(&sample)) < 2e-6);
	assert_true(sample.dispersion_s > 0.1); /* it could have been right */
}

static void test_worse_readings_are_left_out(void **state)
{
	struct median_reading reading;
	struct sample sample;

	(void)state;
	for (int i = 1; i <= 10; i++)
		add(i, 0);
	for (int i = 11; i <= 30; i++) {
		reading.counter = counter_at(i);
		reading.error_s = 1e-3;
		reading.offset_s = true_offset(i) + 5e-4;
		median_add(&median, &timescale, &reading);
	}
	assert_true(median_take(&median, &timescale, &sample));
	assert_true(fabs(error_of(&sample)) < 1e-9);
}

static void test_no_sample_before_the_jitter_is_known(void **state)
{
	struct sample sample;

	(void)state;
	assert_false(median_take(&median, &timescale, &sample));
	assert_null(median_last(&median));
	for (int i = 1; i <= 4; i++) {
		add(i, 0);
		assert_false(median_take(&median, &timescale, &sample));
	}
	add(5, 0);
	assert_true(median_take(&median, &timescale, &sample));
	assert_int_equal(sample.counter, counter_at(5));
	assert_false(median_take(&median, &timescale, &sample));
	assert_int_equal(median_last(&median)->counter, counter_at(5));
}

static void test_old_readings_are_ignored(void **state)
{
	(void)state;
	assert_true(add(2, 0));
	assert_false(add(2, 1));
	assert_false(add(1, 1));
	assert_int_equal(median.count, 1);
}

static void test_capacity(void **state)
{
	struct sample sample;

	(void)state;
	median_init(&median, 4);
	for (int i = 1; i <= 10; i++)
		add(i, i <= 6 ? 0.5 : 0);
	assert_true(median_take(&median, &timescale, &sample));
	assert_in_range(sample.counter, counter_at(7), counter_at(10));
	assert_true(fabs(error_of(&sample)) < 1e-9);
}

static void test_shift(void **state)
{
	struct sample sample;

	(void)state;
	for (int i = 1; i <= 16; i++) {
		if (i == 9)
			median_shift(&median, 1000);
		add(i, i < 9 ? 0 : -1000);
	}
	assert_true(fabs(median_last(&median)->offset_s + 1000) < 1);
	assert_true(median_take(&median, &timescale, &sample));
	assert_true(fabs(error_of(&sample) + 1000) < 1e-9);
	assert_true(sample.dispersion_s < 2e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_drift_is_no_noise, setup),
		cmocka_unit_test_setup(test_noise_is_measured, setup),
		cmocka_unit_test_setup(test_outliers_are_left_out, setup),
		cmocka_unit_test_setup(test_worse_readings_are_left_out, setup),
		cmocka_unit_test_setup(test_no_sample_before_the_jitter_is_known, setup),
		cmocka_unit_test_setup(test_old_readings_are_ignored, setup),
		cmocka_unit_test_setup(test_capacity, setup),
		cmocka_unit_test_setup(test_shift, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
