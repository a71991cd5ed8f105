/* SPDX-License-Identifier: BSD-3-Clause */
#include "queueing.h"
#include "seed.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SAMPLES 128
#define FLOOR_S 20e-3
#define QUEUE_S 1e-3

static struct seed seed;
static struct queueing queueing;

static double random_exponential(double mean_s)
{
	return -mean_s * log(1 - (double)(seed_next(&seed) >> 11) / 0x1p53);
}

static int setup(void **state)
{
	double delay_s[SAMPLES];

	(void)state;
	seed = seed_init_fixed("queueing");
	queueing_forget(&queueing);
	for (size_t i = 0; i < SAMPLES; i++)
		delay_s[i] = FLOOR_S + random_exponential(QUEUE_S) + random_exponential(QUEUE_S);
	queueing_measure(&queueing, delay_s, SAMPLES);
	return 0;
}

static void test_measures(void **state)
{
	(void)state;
	assert_true(fabs(queueing.floor_s - FLOOR_S) < 0.3e-3);
	assert_true(fabs(queueing.scale_s - QUEUE_S) < 0.4e-3);
	assert_true(fabs(queueing.mean_s - FLOOR_S - 2 * QUEUE_S) < 0.6e-3);
	assert_true(queueing.edge_s > 0 && queueing.edge_s < 0.3e-3);
}

/* Between its ends a sample of equal exponential queues says nothing; beyond, much. */
static void test_equal_queues_are_flat(void **state)
{
	struct queueing_sample sample = {.offset_s = 0, .excess_s = 4e-3};
	struct belief inside = {.offset_s = 0.5e-3, .var = 1e-8};
	struct belief outside = {.offset_s = 2.5e-3, .var = 1e-6}, after;

	(void)state;
	after = queueing_judge(&queueing, &sample, &inside);
	assert_true(fabs(after.offset_s - inside.offset_s) < 10e-6);
	assert_true(fabs(after.var / inside.var - 1) < 0.05);
	after = queueing_judge(&queueing, &sample, &outside);
	assert_true(after.offset_s < 2.1e-3);
	assert_true(after.var < outside.var);
}

/* A sample that was not queued is nearly exact, whatever was believed. */
static void test_least_delay_is_nearly_exact(void **state)
{
	struct queueing_sample sample = {.offset_s = 1e-3, .excess_s = queueing.edge_s};
	struct belief before = {.offset_s = 0, .var = 1e-6}, after;

	(void)state;
	after = queueing_judge(&queueing, &sample, &before);
	assert_true(fabs(after.offset_s - 1e-3) < queueing.edge_s);
	assert_true(sqrt(after.var) < 2 * queueing.edge_s);
}

/* Where only the answers queue, a late one tells as much as one that is not. */
static void test_learns_which_way_queues(void **state)
{
	struct queueing_sample late = {.offset_s = -2e-3, .excess_s = 4e-3};
	struct belief truth = {.offset_s = 0, .var = 1e-10};
	struct belief vague = {.offset_s = -0.5e-3, .var = 1e-6}, before, after;

	(void)state;
	before = queueing_judge(&queueing, &late, &vague);
	for (size_t i = 0; i < 200; i++) {
		double queue_s = random_exponential(2 * QUEUE_S);
		struct queueing_sample sample = {.offset_s = -queue_s / 2, .excess_s = queue_s};

		queueing_learn(&queueing, &sample, &truth);
	}
	after = queueing_judge(&queueing, &late, &vague);
	assert_true(before.var > 2 * after.var);
	assert_true(fabs(after.offset_s) < 0.25e-3);
	assert_true(fabs(after.offset_s) < fabs(before.offset_s));
}

/* What cannot be is taken for an outlier. */
static void test_contradiction_changes_little(void **state)
{
	struct queueing_sample sample = {.offset_s = 1, .excess_s = 1e-3};
	struct belief before = {.offset_s = 0, .var = 1e-8}, after;

	(void)state;
	after = queueing_judge(&queueing, &sample, &before);
	assert_true(fabs(after.offset_s) < 1e-9);
	after = queueing_judge_normal(&queueing, &sample, &before);
	assert_true(fabs(after.offset_s) < 1e-9);
	assert_true(fabs(after.var / before.var - 1) < 1e-6);
}

static void test_normal_is_the_kalman_gain(void **state)
{
	struct queueing_sample sample = {
		.offset_s = 10e-6, .excess_s = queueing.mean_s - queueing.floor_s};
	struct belief before = {.offset_s = 0, .var = queueing.var / 4}, after;

	(void)state;
	after = queueing_judge_normal(&queueing, &sample, &before);
	assert_true(fabs(after.offset_s - 5e-6) < 0.2e-6);
	assert_true(fabs(after.var / before.var - 0.5) < 0.02);
}

/* A reference clock is exact to nanoseconds while next to nothing is known: that is no outlier. */
static void test_known_noise(void **state)
{
	struct queueing_sample sample = {.offset_s = 40e-6, .noise_s = 0.5e-9};
	struct belief before = {.offset_s = 0, .var = 400e-6 * 400e-6};
	struct belief after = queueing_judge(&queueing, &sample, &before);

	(void)state;
	assert_true(fabs(after.offset_s - 40e-6) < 1e-6);
	assert_true(sqrt(after.var) < 40e-6);
	/* Far off what is known, it is. */
	before.var = 1e-9 * 1e-9;
	after = queueing_judge_normal(&queueing, &sample, &before);
	assert_true(fabs(after.offset_s) < 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_measures, setup),
		cmocka_unit_test_setup(test_equal_queues_are_flat, setup),
		cmocka_unit_test_setup(test_least_delay_is_nearly_exact, setup),
		cmocka_unit_test_setup(test_learns_which_way_queues, setup),
		cmocka_unit_test_setup(test_contradiction_changes_little, setup),
		cmocka_unit_test_setup(test_normal_is_the_kalman_gain, setup),
		cmocka_unit_test_setup(test_known_noise, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
