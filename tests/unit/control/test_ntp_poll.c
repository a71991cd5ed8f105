/* SPDX-License-Identifier: BSD-3-Clause */

/* When a server is asked, and which answers count. */

#include "play.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_interval(void **state)
{
	double least = 1e9, most = 0;

	(void)state;
	play_start(&play_numeric);
	play_until_request();
	for (int i = 0; i < 200; i++) {
		double interval_s = play_until_request();

		least = fmin(least, interval_s);
		most = fmax(most, interval_s);
	}
	assert_true(least >= 16 && least < 16.1);
	assert_true(most <= 16 * 1.02 + 1e-3 && most > 16.2);
}

static void test_burst_unanswered(void **state)
{
	struct config_server bursting = play_numeric;

	(void)state;
	bursting.iburst = true;
	play_start(&bursting);
	play_until_request();
	for (int i = 1; i < 8; i++)
		assert_true(fabs(play_until_request() - 2) < 1e-3);
	for (int i = 0; i < 5; i++)
		assert_true(play_until_request() >= 16);
}

static void test_burst_answered(void **state)
{
	struct config_server bursting = play_numeric;

	(void)state;
	bursting.iburst = true;
	play_start(&bursting);
	for (int i = 0; i < 4; i++) {
		play_until_request();
		play_answer_good();
	}
	assert_int_equal(play.reports, 4);
	/* The frequency is learned in ever longer intervals. */
	for (double least_s = 2; least_s < 16; least_s *= 2) {
		double interval_s = play_until_request();

		assert_true(interval_s >= least_s && interval_s < 1.1 * least_s);
		play_answer_good();
	}
	assert_true(play_until_request() >= 16);
	play_answer_good();
	assert_true(play_until_request() >= 16);
}

static void test_reach(void **state)
{
	(void)state;
	play_start(&play_numeric);
	play_until_request();
	assert_int_equal(play_server[0].source.reach, 0);
	play_answer_good();
	assert_int_equal(play_server[0].source.reach, 1);
	play_until_request();
	assert_int_equal(play_server[0].source.reach, 2);
	play_answer_good();
	assert_int_equal(play_server[0].source.reach, 3);
	for (int i = 0; i < 7; i++)
		play_until_request();
	assert_int_equal(play_server[0].source.reach, 0x80);
	assert_int_equal(play.reports, 2);
	play_until_request();
	assert_int_equal(play_server[0].source.reach, 0);
	assert_int_equal(play.reports, 3);
	assert_int_equal(play.lookups, 0);
}

/* minpoll is maxpoll here: a RATE must count all the same. */
static void test_rate(void **state)
{
	(void)state;
	play_start(&play_named);
	play_resolve(play_address, 1);
	play_until_request();
	play_answer(0, "RATE", 4);
	assert_true(play_until_request() >= 4 * 32);
	assert_true(play_until_request() >= 32);
	play_answer(0, "RATE", 7);
	assert_true(play_until_request() >= 4 * 128);
	play_answer_good();
	assert_true(play_until_request() >= 128);
	play_answer(0, "RATE", 127);
	assert_int_equal(play_server[0].source.poll_log2, 10);
	play_until(play.now_ns + 4100 * NS_PER_SECOND);
	play_answer(0, "RATE", -128);
	assert_int_equal(play_server[0].source.poll_log2, 10);
}

static void test_rate_is_forgotten(void **state)
{
	(void)state;
	play_start(&play_named);
	play_resolve(play_address, 1);
	play_until_request();
	play_answer(0, "RATE", 4);
	assert_int_equal(play_server[0].source.poll_log2, 5);
	for (int i = 0; i < 31; i++) {
		play_until_request();
		play_answer_good();
	}
	assert_true(play_until_request() >= 32);
	play_answer_good();
	assert_int_equal(play_server[0].source.poll_log2, 4);
	play_until_request();
	assert_true(play_until_request() < 17);
}

static void test_rate_ends_burst(void **state)
{
	struct config_server bursting = play_numeric;

	(void)state;
	bursting.iburst = true;
	play_start(&bursting);
	play_until_request();
	play_answer(0, "RATE", 0);
	assert_true(play_until_request() >= 4 * 32);
	assert_true(play_until_request() >= 32);
}

static void test_burst_repeats_what_got_no_answer(void **state)
{
	struct config_server bursting = play_numeric;

	(void)state;
	bursting.burst = true;
	play_start(&bursting);
	play_until_request();
	play_answer_good();
	/* At minpoll there is nothing to spare. */
	assert_true(play_until_request() >= 16);
	play_answer_good();
	play_server[0].poll.log2 = play_server[0].source.poll_log2 = 5;
	play_until_request();
	assert_true(fabs(play_until_request() - 2) < 1e-3);
	assert_true(play_until_request() >= 32);
	play_server[0].poll.log2 = play_server[0].source.poll_log2 = 6;
	play_until_request();
	play_until_request();
	assert_true(fabs(play_until_request() - 2) < 1e-3);
	play_answer_good();
	assert_true(play_until_request() >= 60);
	for (int i = 0; i < 3; i++)
		assert_true(fabs(play_until_request() - 2) < 1e-3);
	assert_true(play_until_request() >= 64);
}

static void test_presend_does_not_count(void **state)
{
	struct config_server presending = play_numeric;

	(void)state;
	presending.presend_log2 = 5;
	play_start(&presending);
	play_until_request();
	play_answer_good();
	assert_true(play_until_request() >= 16);
	play_answer_good();
	assert_int_equal(play_server[0].source.estimator.sample_count, 2);
	play_server[0].poll.log2 = play_server[0].source.poll_log2 = 5;
	play_until_request();
	play_answer_good();
	assert_int_equal(play_server[0].source.estimator.sample_count, 2);
	assert_int_equal(play_server[0].source.reach, 3);
	assert_true(fabs(play_until_request() - 2) < 1e-3);
	play_answer_good();
	assert_int_equal(play_server[0].source.estimator.sample_count, 3);
	assert_int_equal(play_server[0].source.reach, 7);
	assert_true(play_until_request() >= 32);
}

/* The interval that it demands is no reason to ask twice as often. */
static void test_rate_ends_presend(void **state)
{
	struct config_server presending = play_numeric;

	(void)state;
	presending.presend_log2 = 5;
	play_start(&presending);
	play_until_request();
	play_answer(0, "RATE", 5);
	assert_int_equal(play_server[0].source.poll_log2, 5);
	assert_true(play_until_request() >= 4 * 32);
	play_answer_good();
	assert_int_equal(play_server[0].source.estimator.sample_count, 1);
	for (int i = 1; i < 32; i++) {
		assert_true(play_until_request() >= 32);
		play_answer_good();
	}
	/* What it demanded is forgotten. */
	play_server[0].poll.log2 = play_server[0].source.poll_log2 = 5;
	play_until_request();
	play_answer_good();
	assert_true(fabs(play_until_request() - 2) < 1e-3);
}

/* The first answer is a sample at once, lest a quicker server lead alone meanwhile. */
static void test_filter_takes_the_best(void **state)
{
	static const uint64_t delays_ns[] = {4000000, 3000000, 1000000, 2000000};
	struct config_server filtering = play_numeric;
	const struct estimator *estimator = &play_server[0].source.estimator;

	(void)state;
	filtering.filter = 3;
	play_start(&filtering);
	for (int i = 0; i < 4; i++) {
		play_until_request();
		play.answer_delay_ns = delays_ns[i];
		play_answer_good();
		assert_int_equal(estimator->sample_count, i < 3 ? 1 : 2);
	}
	assert_true(fabs(estimator->sample[0].delay_s - 4e-3) < 1e-6);
	assert_true(fabs(estimator->sample[1].delay_s - 1e-3) < 1e-6);
	assert_int_equal(play_server[0].source.reach, 0xf);
	assert_int_equal(play.reports, 2);
}

/* The first one came between a leap second and its fold, the other after it. */
static void test_filter_across_a_leap_second(void **state)
{
	struct config_server filtering = play_numeric;
	const struct estimator *estimator = &play_server[0].source.estimator;

	(void)state;
	filtering.filter = 2;
	play_start(&filtering);
	play.refusing = true;
	play_until_request();
	play_answer_good();
	assert_int_equal(estimator->sample_count, 0);
	play.refusing = false;
	play_until_request();
	play_answer_good();
	assert_int_equal(estimator->sample_count, 1);
	play.led_s = 1;
	play_until_request();
	play.answer_delay_ns = 1000000;
	play_answer_good();
	play.led_s = 0;
	play_until_request();
	play.answer_delay_ns = 2000000;
	play_answer_good();
	assert_true(fabs(estimator_sample(estimator, 0)->offset_s - 1) < 1e-3);
}

/* The second round trip is 4 ms longer: all on the way there, says the line, so that the server
 * seemed to be ahead by half of that. */
static void test_asymmetry_is_corrected(void **state)
{
	struct config_server asymmetric = play_numeric;
	const struct estimator *estimator = &play_server[0].source.estimator;

	(void)state;
	asymmetric.asymmetry = -0.5;
	play_start(&asymmetric);
	play_until_request();
	play_answer_good();
	play_until_request();
	play.answer_delay_ns = 6000000;
	play_answer_good();
	assert_true(fabs(estimator_sample(estimator, 1)->offset_s) < 1e-6);
	assert_true(fabs(estimator_sample(estimator, 0)->offset_s + 2e-3) < 1e-6);
}

static void test_late_answers_are_heard_but_not_used(void **state)
{
	struct config_server strict = play_numeric;

	(void)state;
	strict.max_delay_s = 0.5;
	strict.max_delay_ratio = 1.5;
	play_start(&strict);
	for (int i = 0; i < 8; i++) {
		play_until_request();
		play_answer_good();
	}
	assert_int_equal(play_server[0].source.estimator.sample_count, 8);
	play_until_request();
	play.answer_delay_ns = 4000000;
	play_answer_good();
	play_until_request();
	play.answer_delay_ns = 600000000;
	play_answer_good();
	assert_int_equal(play_server[0].source.estimator.sample_count, 8);
	assert_int_equal(play_server[0].source.reach, 0xff);
	assert_int_equal(play_server[0].verdicts[PACKET_DELAY_RATIO], 1);
	assert_int_equal(play_server[0].verdicts[PACKET_DELAY], 1);
}

/* A path that has got longer: the limit, and what the clock may be off by itself. */
static void test_late_answers_are_used_in_the_end(void **state)
{
	struct config_server strict = play_numeric;
	unsigned int refused = 0;

	(void)state;
	strict.max_delay_dev_ratio = 2;
	play_start(&strict);
	for (int i = 0; i < 8; i++) {
		play_until_request();
		play_answer_good();
	}
	play.answer_delay_ns = 4000000;
	while (play_server[0].source.estimator.sample_count == 8 && refused < 1000) {
		play_until_request();
		play_answer_good();
		refused = (unsigned int)play_server[0].verdicts[PACKET_DELAY_DEV];
	}
	assert_true(refused > 1 && refused < 1000);
}

static void test_unused_answers_do_not_slow_it_down(void **state)
{
	struct config_server strict = play_numeric;

	(void)state;
	strict.filter = 8;
	play_start(&strict);
	for (int i = 0; i < 40; i++) {
		assert_true(play_until_request() < 17);
		play_answer_good();
	}
	strict.filter = 1;
	strict.max_delay_s = 0.5;
	play_start(&strict);
	play_until_request();
	play_answer_good();
	play.answer_delay_ns = 600000000;
	for (int i = 0; i < 10; i++) {
		assert_true(play_until_request() < 17);
		play_answer_good();
	}
	assert_int_equal(play_server[0].source.estimator.sample_count, 1);
}

static bool any_heard(void)
{
	bool heard = false;

	for (int i = 0; i < 4; i++)
		heard = heard || play_server[i].source.reach != 0;
	return heard;
}

/* Who asked for fewer requests, or is offline, is not. */
static void test_all_are_asked_when_one_is_back(void **state)
{
	const struct order offline = {.kind = ORDER_OFFLINE};
	struct config_server pool = play_named;
	uint64_t requests[4];

	(void)state;
	pool.pool = true;
	pool.max_sources = 4;
	pool.maxpoll_log2 = 10;
	play_start(&pool);
	play_resolve(play_address, 4);
	play_answering_until(0xf, 500 * NS_PER_SECOND);
	play_server[2].poll_floor_log2 = 10;
	play_server[3].source.kind->order(&play_server[3].source, &offline);
	play_until(100000 * NS_PER_SECOND);
	assert_false(any_heard());
	for (int i = 0; i < 4; i++)
		requests[i] = play_server[i].requests;
	/* Once the second one is asked, so that it is the first who waits. */
	play.answering = 2;
	while (!any_heard())
		play_until(play.now_ns + NS_PER_SECOND / 100);
	play_until(play.now_ns + NS_PER_SECOND);
	play.answering = 3;
	play_until(play.now_ns + 2 * NS_PER_SECOND);
	assert_true(play_server[0].source.reach & 1);
	assert_true(play_server[0].requests - requests[0] <= 4);
	assert_true(play_server[2].requests - requests[2] <= 1);
	assert_int_equal(play_server[3].requests, requests[3]);
	/* Then as before: it is no reason to ask more often for long. */
	requests[0] = play_server[0].requests;
	play_until(play.now_ns + 10 * NS_PER_SECOND);
	assert_true(play_server[0].requests - requests[0] <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_burst_unanswered),
		cmocka_unit_test(test_burst_answered),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_is_forgotten),
		cmocka_unit_test(test_rate_ends_burst),
		cmocka_unit_test(test_burst_repeats_what_got_no_answer),
		cmocka_unit_test(test_presend_does_not_count),
		cmocka_unit_test(test_rate_ends_presend),
		cmocka_unit_test(test_filter_takes_the_best),
		cmocka_unit_test(test_filter_across_a_leap_second),
		cmocka_unit_test(test_asymmetry_is_corrected),
		cmocka_unit_test(test_late_answers_are_heard_but_not_used),
		cmocka_unit_test(test_late_answers_are_used_in_the_end),
		cmocka_unit_test(test_unused_answers_do_not_slow_it_down),
		cmocka_unit_test(test_all_are_asked_when_one_is_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
