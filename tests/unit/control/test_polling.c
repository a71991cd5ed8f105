/* SPDX-License-Identifier: BSD-3-Clause */
#include "polling.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct poll_limits limits = {6, 10};
static const struct poll_sample jittery = {
	.predicted_sd_s = 1e-4, .noise_sd_s = 1e-3, .ahead_sd_s = 2e-4};
static const struct poll_sample wandering = {
	.predicted_sd_s = 1e-3, .noise_sd_s = 1e-3, .ahead_sd_s = 3e-3};
static struct poll polling;

static int setup(void **state)
{
	(void)state;
	poll_start(&polling, &limits, false);
	return 0;
}

static void answers(unsigned int count, const struct poll_sample *sample)
{
	for (unsigned int i = 0; i < count; i++) {
		poll_ask(&polling, &limits);
		poll_answer(&polling, &limits, sample);
	}
}

static double interval(void)
{
	return poll_interval_s(&polling, &limits);
}

static void test_jitter_makes_it_long_but_not_longest(void **state)
{
	(void)state;
	assert_true(interval() == 64);
	answers(5, &jittery);
	assert_true(interval() == 64);
	answers(60, &jittery);
	assert_int_equal(polling.log2, 10);
	assert_true(interval() > 512 && interval() < 1024);
}

/* At most a quarter more requests than at that interval. */
static void test_short_longest_is_kept_more_of(void **state)
{
	const struct poll_limits shorter = {4, 8};

	(void)state;
	poll_start(&polling, &shorter, false);
	for (int i = 0; i < 65; i++) {
		poll_ask(&polling, &shorter);
		poll_answer(&polling, &shorter, &jittery);
	}
	assert_int_equal(polling.log2, 8);
	assert_true(poll_interval_s(&polling, &shorter) >= 256 / 1.25);
	assert_true(poll_interval_s(&polling, &shorter) < 256);
}

/* The oscillator wanders more in such an interval than a sample is wrong. */
static void test_wander_keeps_it(void **state)
{
	(void)state;
	answers(60, &wandering);
	assert_true(interval() == 64);
	answers(20, &jittery);
	assert_true(interval() > 64);
}

static void test_surprises_shorten_it(void **state)
{
	struct poll_sample surprise = jittery;

	(void)state;
	answers(60, &jittery);
	surprise.innovation_s = 5e-3;
	answers(1, &surprise);
	assert_int_equal(polling.log2, 10);
	answers(2, &surprise);
	assert_int_equal(polling.log2, 9);
}

static void test_silence_lengthens_it_and_return_hurries(void **state)
{
	(void)state;
	answers(5, &jittery);
	for (int i = 0; i < 8; i++)
		poll_ask(&polling, &limits);
	assert_true(interval() == 1024);
	assert_false(poll_is_urgent(&polling));
	answers(1, &jittery);
	assert_true(poll_is_urgent(&polling));
	assert_true(interval() == 64);
	answers(5, &jittery);
	assert_false(poll_is_urgent(&polling));
	assert_true(interval() > 64);
}

/* The frequency is a guess yet: packets are lost, but it has to be learnt. */
static void test_silence_after_one_sample_does_not(void **state)
{
	(void)state;
	answers(1, &wandering);
	for (int i = 0; i < 8; i++)
		poll_ask(&polling, &limits);
	assert_true(interval() == 64);
	for (int i = 0; i < 8; i++)
		poll_ask(&polling, &limits);
	assert_true(interval() == 1024);
}

/* Whether their samples are used (`filter`, late ones) or not. */
static void test_answers_are_no_silence(void **state)
{
	(void)state;
	answers(5, &wandering);
	for (int i = 0; i < 30; i++) {
		poll_ask(&polling, &limits);
		poll_heard(&polling);
	}
	assert_true(interval() == 64);
	for (int i = 0; i < 8; i++)
		poll_ask(&polling, &limits);
	assert_true(interval() == 1024);
	poll_heard(&polling);
	assert_true(poll_is_urgent(&polling));
	assert_true(interval() == 64);
	for (int i = 0; i < 3; i++) {
		answers(1, &wandering);
		assert_true(poll_is_urgent(&polling));
	}
	answers(1, &wandering);
	assert_false(poll_is_urgent(&polling));
}

/* A packet that was lost is none. */
static void test_return_is_told(void **state)
{
	(void)state;
	answers(5, &jittery);
	poll_ask(&polling, &limits);
	assert_false(poll_is_silent(&polling));
	poll_ask(&polling, &limits);
	assert_true(poll_is_silent(&polling));
	assert_false(poll_heard(&polling));
	assert_false(poll_is_silent(&polling));
	for (int i = 0; i < 5; i++)
		poll_ask(&polling, &limits);
	assert_true(poll_heard(&polling));
	assert_false(poll_heard(&polling));
}

static void test_late_start_is_told(void **state)
{
	(void)state;
	assert_false(poll_is_silent(&polling));
	poll_ask(&polling, &limits);
	assert_true(poll_is_silent(&polling));
	assert_false(poll_heard(&polling));
	poll_ask(&polling, &limits);
	poll_ask(&polling, &limits);
	assert_true(poll_heard(&polling));
}

/* A server that never answered may be about to start. */
static void test_silence_at_the_start_changes_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		poll_ask(&polling, &limits);
	assert_true(interval() == 64);
}

static void test_dispute_is_urgent(void **state)
{
	struct poll_sample disputed = jittery;

	(void)state;
	disputed.disputed = true;
	answers(60, &jittery);
	answers(1, &disputed);
	assert_true(poll_is_urgent(&polling));
	assert_true(interval() == 64);
	answers(1, &jittery);
	assert_false(poll_is_urgent(&polling));
	assert_true(interval() > 512);
}

static void test_eager_start(void **state)
{
	double wanted_s[] = {64, 2, 2, 2, 4, 8, 16, 32, 64, 64};

	(void)state;
	poll_start(&polling, &limits, true);
	assert_true(interval() == 64);
	for (size_t i = 1; i < sizeof(wanted_s) / sizeof(wanted_s[0]); i++) {
		answers(1, &jittery);
		assert_true(interval() == wanted_s[i]);
	}
}

/* The longer ones of the first intervals wait until the clock can be predicted, but not for ever.
 */
static void test_eager_until_the_frequency_is_known(void **state)
{
	double wanted_s[] = {2, 2, 2, 4, 8, 16, 16, 16, 32};
	double ahead_s[] = {4, 4, 4, 8, 16, 32, 32, 32, 64};

	(void)state;
	poll_start(&polling, &limits, true);
	for (size_t i = 0; i < sizeof(wanted_s) / sizeof(wanted_s[0]); i++) {
		answers(1, i == 8 ? &jittery : &wandering);
		assert_true(interval() == wanted_s[i]);
		assert_true(poll_ahead_s(&polling, &limits) == ahead_s[i]);
	}
	answers(3, &wandering);
	assert_true(interval() == 32);
	answers(2, &wandering);
	assert_true(interval() == 64);
	assert_true(poll_ahead_s(&polling, &limits) == 128);
}

static void test_eager_only_with_answers(void **state)
{
	static const struct poll_limits fixed = {6, 6};

	(void)state;
	poll_start(&polling, &fixed, true);
	poll_answer(&polling, &fixed, &jittery);
	poll_ask(&polling, &fixed);
	assert_true(poll_interval_s(&polling, &fixed) == 2);
	poll_ask(&polling, &fixed);
	assert_true(poll_interval_s(&polling, &fixed) == 64);
	/* Nor with answers of which no sample comes. */
	poll_start(&polling, &fixed, true);
	poll_answer(&polling, &fixed, &jittery);
	for (int i = 0; i < 8; i++) {
		poll_ask(&polling, &fixed);
		poll_heard(&polling);
	}
	assert_true(poll_interval_s(&polling, &fixed) == 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_jitter_makes_it_long_but_not_longest, setup),
		cmocka_unit_test(test_short_longest_is_kept_more_of),
		cmocka_unit_test_setup(test_wander_keeps_it, setup),
		cmocka_unit_test_setup(test_surprises_shorten_it, setup),
		cmocka_unit_test_setup(test_silence_lengthens_it_and_return_hurries, setup),
		cmocka_unit_test_setup(test_silence_after_one_sample_does_not, setup),
		cmocka_unit_test_setup(test_answers_are_no_silence, setup),
		cmocka_unit_test_setup(test_silence_at_the_start_changes_nothing, setup),
		cmocka_unit_test_setup(test_dispute_is_urgent, setup),
		cmocka_unit_test_setup(test_eager_start, setup),
		cmocka_unit_test_setup(test_eager_until_the_frequency_is_known, setup),
		cmocka_unit_test_setup(test_eager_only_with_answers, setup),
		cmocka_unit_test_setup(test_return_is_told, setup),
		cmocka_unit_test_setup(test_late_start_is_told, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
