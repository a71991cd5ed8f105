/* SPDX-License-Identifier: BSD-3-Clause */

/* What the operator orders of a server. */

#include "play.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool give(enum order_kind kind)
{
	const struct order order = {.kind = kind, .burst_requests = 6, .burst_samples = 3};
	struct source *source = &play_server[0].source;

	return source->kind->order(source, &order);
}

static enum source_activity activity(void)
{
	return play_server[0].source.kind->activity(&play_server[0].source);
}

static void offline_is_not_asked(void **state)
{
	unsigned int requests, reports;

	(void)state;
	play_start(&play_numeric);
	play_until_request();
	play_answer_good();
	play_until_request();
	requests = play.requests;
	reports = play.reports;
	assert_true(give(ORDER_OFFLINE));
	assert_int_equal(activity(), SOURCE_OFFLINE);
	assert_int_equal(play_server[0].source.reach, 0);
	assert_int_equal(play.reports, reports + 1);
	assert_int_equal(play.exchange->fd, -1); /* no answer is awaited */
	assert_true(give(ORDER_OFFLINE));
	assert_int_equal(play.reports, reports + 1);
	play_until(play.now_ns + 100000 * NS_PER_SECOND);
	assert_int_equal(play.requests, requests);
	assert_false(give(ORDER_BURST));
	/* At once, and it is still known. */
	assert_true(give(ORDER_ONLINE));
	assert_int_equal(activity(), SOURCE_ONLINE);
	play_until(play.now_ns);
	assert_int_equal(play.requests, requests + 1);
	assert_int_equal(play_server[0].source.estimator.sample_count, 1);
	assert_true(give(ORDER_ONLINE));
	play_until(play.now_ns);
	assert_int_equal(play.requests, requests + 1);
}

static void offline_name_leads_nowhere(void **state)
{
	struct config_server eager = play_named;

	(void)state;
	eager.iburst = true; /* once it is asked */
	play_start(&eager);
	assert_true(give(ORDER_OFFLINE));
	play_resolve(play_address, 1);
	play_until(play.now_ns + 1000 * NS_PER_SECOND);
	assert_int_equal(play.requests, 0);
	assert_int_equal(activity(), SOURCE_OFFLINE);
	assert_true(give(ORDER_ONLINE));
	play_until(play.now_ns);
	assert_int_equal(play.requests, 1);
}

/* Orders a burst of a server that has answered once. Returns how often it had been asked. */
static unsigned int burst_order(void)
{
	unsigned int requests;

	play_start(&play_numeric);
	play_until_request();
	play_answer_good();
	requests = play.requests;
	assert_true(give(ORDER_BURST));
	return requests;
}

static void burst_ends_with_its_samples(void **state)
{
	unsigned int requests = burst_order();

	(void)state;
	play_until(play.now_ns);
	assert_int_equal(activity(), SOURCE_BURST);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(play.requests, requests + 1 + (unsigned int)i);
		play_answer_good();
		if (i < 2)
			assert_true(play_until_request() <= 2);
	}
	assert_int_equal(activity(), SOURCE_ONLINE);
	assert_true(play_until_request() > 10);
}

static void burst_ends_without_answers(void **state)
{
	unsigned int requests = burst_order();

	(void)state;
	play_until(play.now_ns + 14 * NS_PER_SECOND);
	assert_int_equal(play.requests, requests + 6);
}

/* Its demand goes before the operator's. */
static void burst_is_not_for_who_is_overloaded(void **state)
{
	(void)state;
	play_start(&play_numeric);
	play_until_request();
	play_answer(0, "RATE", 10);
	assert_false(give(ORDER_BURST));
	play_start(&play_numeric);
	play_until_request();
	play_answer(0, "DENY", 0);
	assert_false(give(ORDER_BURST));
}

/* A day is a day: who is taken offline and online in between is not asked earlier. */
static void denial_outlives_offline(void **state)
{
	(void)state;
	play_start(&play_numeric);
	play_until_request();
	play_answer(0, "DENY", 0);
	assert_true(give(ORDER_OFFLINE));
	play_until(play.now_ns + 3600 * NS_PER_SECOND);
	assert_true(give(ORDER_ONLINE));
	assert_int_equal(activity(), SOURCE_OFFLINE);
	play_until(play.now_ns + 82000 * NS_PER_SECOND);
	assert_int_equal(play.requests, 1);
	play_until(play.now_ns + 1000 * NS_PER_SECOND);
	assert_true(play.requests > 1);
	assert_int_equal(activity(), SOURCE_ONLINE);
	/* The day may end while it is offline. */
	play_start(&play_numeric);
	play_until_request();
	play_answer(0, "DENY", 0);
	assert_true(give(ORDER_OFFLINE));
	play_until(play.now_ns + 90000 * NS_PER_SECOND);
	assert_int_equal(play.requests, 1);
	assert_true(give(ORDER_ONLINE));
	play_until(play.now_ns);
	assert_int_equal(play.requests, 2);
}

/* After a kiss RATE the operator cannot have it asked sooner than it wants. */
static void demand_outlives_offline(void **state)
{
	struct config_server eager = play_numeric;
	unsigned int requests;

	(void)state;
	eager.iburst = true;
	play_start(&eager);
	play_until_request();
	play_answer(0, "RATE", 10);
	for (int i = 0; i < 3; i++) {
		assert_true(give(ORDER_OFFLINE));
		play_until(play.now_ns + 200 * NS_PER_SECOND);
		assert_true(give(ORDER_ONLINE));
		assert_int_equal(activity(), SOURCE_ONLINE);
		play_until(play.now_ns + 200 * NS_PER_SECOND);
	}
	assert_int_equal(play.requests, 1);
	assert_true(play_until_request() >= 1024);
	/* So it goes on, with no iburst. */
	requests = play.requests;
	assert_true(give(ORDER_OFFLINE));
	assert_true(give(ORDER_ONLINE));
	play_until(play.now_ns + 900 * NS_PER_SECOND);
	assert_int_equal(play.requests, requests);
	/* When its time is over while it is offline, there is nothing to wait for. */
	assert_true(give(ORDER_OFFLINE));
	play_until(play.now_ns + 10000 * NS_PER_SECOND);
	assert_int_equal(play.requests, requests);
	assert_true(give(ORDER_ONLINE));
	play_until(play.now_ns + 900 * NS_PER_SECOND);
	assert_int_equal(play.requests, requests + 1);
}

static void refresh_does_not_wait(void **state)
{
	(void)state;
	play_start(&play_named);
	play_resolve(NULL, 0);
	play_until(play.now_ns + 3 * NS_PER_SECOND);
	play_resolve(NULL, 0);
	assert_int_equal(play.lookups, 2);
	assert_true(give(ORDER_REFRESH));
	assert_int_equal(play.lookups, 3);
	assert_true(give(ORDER_REFRESH)); /* it is under way */
	assert_int_equal(play.lookups, 3);
	play_resolve(play_address, 1);
	play_until_request();
	play_answer_good();
	assert_true(give(ORDER_REFRESH)); /* it is content */
	assert_int_equal(play.lookups, 3);
	assert_int_equal(play_server[0].source.estimator.sample_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offline_is_not_asked),
		cmocka_unit_test(offline_name_leads_nowhere),
		cmocka_unit_test(burst_ends_with_its_samples),
		cmocka_unit_test(burst_ends_without_answers),
		cmocka_unit_test(burst_is_not_for_who_is_overloaded),
		cmocka_unit_test(denial_outlives_offline),
		cmocka_unit_test(demand_outlives_offline),
		cmocka_unit_test(refresh_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
