/* SPDX-License-Identifier: BSD-3-Clause */
#include "hwclock.h"
#include "seed.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HZ     UINT64_C(2000000000)
#define NOISE  50e-9 /* of a reading */
#define WITHIN 1e-6

static struct hwclock hwclock;
static struct seed seed;
static double frequency;   /* of the card against the counter */
static double set_s;       /* what it was set by */
static double noise_share; /* of what is said */

/* What the card shows at a counter of `s` seconds. */
static struct meridian_utc device_at(double s)
{
	return timescale_utc_add((struct meridian_utc){.s = 1000}, s * (1 + frequency) + set_s);
}

static double noise(void)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += (double)(seed_next(&seed) % 1000000) / 1e6;
	return sum * NOISE;
}

static void read_at(double s)
{
	struct hwclock_reading reading = {.counter = (uint64_t)(s * (double)HZ),
		.device = timescale_utc_add(device_at(s), noise() * noise_share),
		.sd_s = noise_share > 0 ? NOISE : 20 * NOISE,
		.within_s = WITHIN};

	hwclock_note(&hwclock, &reading);
}

/* How far off the counter is that a stamp at `s` is said to have been taken at, s. */
static double error_at(double s, double *ret_within_s)
{
	uint64_t counter = hwclock_counter(&hwclock, device_at(s), ret_within_s);

	return (double)(int64_t)(counter - (uint64_t)(s * (double)HZ)) / (double)HZ;
}

static int setup(void **state)
{
	(void)state;
	seed = seed_init("hwclock");
	frequency = 3e-5;
	set_s = 0;
	noise_share = 1;
	hwclock_init(&hwclock, HZ);
	return 0;
}

static void test_needs_readings(void **state)
{
	(void)state;
	for (int i = 0; i < HWCLOCK_READINGS_MIN; i++) {
		assert_false(hwclock_is_ready(&hwclock));
		read_at(1 + i);
	}
	assert_true(hwclock_is_ready(&hwclock));
}

static void test_stamps_between_readings(void **state)
{
	double within_s, sum2 = 0;
	int count = 0;

	(void)state;
	for (int i = 1; i < 20; i++)
		read_at(i);
	for (int i = 20; i < 200; i++) {
		for (double s = i - 0.9; s < i; s += 0.2) {
			double error_s = error_at(s, &within_s);

			assert_true(fabs(error_s) < within_s);
			assert_true(within_s > WITHIN && within_s < 2 * WITHIN);
			sum2 += error_s * error_s;
			count++;
		}
		read_at(i);
	}
	/* Better than a reading. */
	assert_true(sqrt(sum2 / count) < 0.6 * NOISE);
}

static void test_clock_that_is_set(void **state)
{
	double within_s;

	(void)state;
	for (int i = 1; i < 30; i++)
		read_at(i);
	set_s = 3600;
	/* It is not believed at once, and then it is another clock. */
	read_at(30);
	assert_true(hwclock_is_ready(&hwclock));
	for (int i = 31; i < 33; i++)
		read_at(i);
	assert_false(hwclock_is_ready(&hwclock));
	for (int i = 33; i < 50; i++)
		read_at(i);
	assert_true(fabs(error_at(49.5, &within_s)) < within_s);
}

static void test_one_bad_reading_changes_nothing(void **state)
{
	double within_s;

	(void)state;
	for (int i = 1; i < 30; i++)
		read_at(i);
	set_s = 1e-3;
	read_at(30);
	set_s = 0;
	read_at(31);
	assert_true(hwclock_is_ready(&hwclock));
	assert_true(fabs(error_at(31.5, &within_s)) < within_s);
	assert_true(within_s < 2 * WITHIN);
}

/* The worst error of a life whose frequency walks at random, read without noise though much is
 * said. */
static double worst_of_life(void)
{
	double within_s, drift = 0, worst_s = 0;

	hwclock_init(&hwclock, HZ);
	set_s = 0;
	for (int i = 1; i < 1000; i++) {
		if (i > 500)
			worst_s = fmax(worst_s, fabs(error_at(i - 0.5, &within_s)));
		read_at(i);
		drift += 1e-9 * noise() / NOISE;
		set_s += drift;
	}
	return worst_s;
}

/* The model follows: closely in most lives, in none is it far off. */
static void test_noise_is_learnt(void **state)
{
	int good = 0;

	(void)state;
	noise_share = 0;
	for (int life = 0; life < 50; life++) {
		double worst_s = worst_of_life();

		assert_true(worst_s < 100e-9);
		good += worst_s < 30e-9;
	}
	assert_true(good > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_needs_readings, setup),
		cmocka_unit_test_setup(test_stamps_between_readings, setup),
		cmocka_unit_test_setup(test_clock_that_is_set, setup),
		cmocka_unit_test_setup(test_noise_is_learnt, setup),
		cmocka_unit_test_setup(test_one_bad_reading_changes_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
