/* SPDX-License-Identifier: BSD-3-Clause */

/* At which address a server is asked, and whether at all. */

#include "play.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_name_unknown_first(void **state)
{
	(void)state;
	play_start(&play_named);
	assert_int_equal(play.lookups, 1);
	play_resolve(NULL, 0);
	play_until(play.now_ns + 3 * NS_PER_SECOND);
	assert_int_equal(play.lookups, 2);
	play_resolve(NULL, 0);
	play_until(play.now_ns + 3 * NS_PER_SECOND);
	assert_int_equal(play.lookups, 2); /* the second wait is longer */
	play_until(play.now_ns + 2 * NS_PER_SECOND);
	assert_int_equal(play.lookups, 3);
	assert_int_equal(play.requests, 0);
	play_resolve(play_address, 1);
	play_until_request();
	assert_memory_equal(&play.requested_address, &play_address[0], sizeof(play_address[0]));
}

/* One look-up for each eight polls, and the old address is polled all the time. */
static void test_name_silent(void **state)
{
	(void)state;
	play_start(&play_named);
	play_resolve(play_address, 1);
	for (int i = 0; i < 8; i++)
		play_until_request();
	assert_int_equal(play.lookups, 1);
	assert_true(play_until_request() >= 16);
	assert_int_equal(play.lookups, 2);
	assert_true(play_until_request() >= 16); /* while the look-up is under way */
	play_resolve(play_address, 1);
	for (int i = 0; i < 6; i++)
		assert_true(play_until_request() >= 16);
	assert_int_equal(play.lookups, 2);
	assert_true(play_until_request() >= 16);
	assert_int_equal(play.lookups, 3);
	assert_int_equal(play.requests, 17);
}

static void test_name_moves(void **state)
{
	(void)state;
	play_start(&play_named);
	play_resolve(play_address, 2);
	play_until_request();
	play_answer_good();
	assert_int_equal(play_server[0].source.estimator.sample_count, 1);
	for (int i = 0; i < 9; i++)
		play_until_request();
	assert_int_equal(play.lookups, 2);
	play_resolve(play_address, 2);
	assert_int_equal(play_server[0].source.estimator.sample_count, 0);
	play_until_request();
	assert_memory_equal(&play.requested_address, &play_address[1], sizeof(play_address[1]));
}

/* The server is back before the look-up is: it stays. */
static void test_name_back(void **state)
{
	(void)state;
	play_start(&play_named);
	play_resolve(play_address, 1);
	for (int i = 0; i < 9; i++)
		play_until_request();
	assert_int_equal(play.lookups, 2);
	play_answer_good();
	play_resolve(&play_address[1], 1);
	play_until_request();
	assert_memory_equal(&play.requested_address, &play_address[0], sizeof(play_address[0]));
}

static void test_deny(void **state)
{
	(void)state;
	play_start(&play_named);
	play_resolve(play_address, 1);
	play_until_request();
	play_answer_good();
	play_until_request();
	play_answer(0, "DENY", 4);
	assert_true(play_server[0].source.stopped);
	assert_int_equal(play_server[0].source.reach, 0);
	assert_int_equal(play.reports, 2);
	play_until(play.now_ns + 3600 * NS_PER_SECOND);
	assert_int_equal(play.requests, 2);
	/* Its only address stays refused; a day later it is asked once more. */
	play_resolve(play_address, 1);
	play_until(play.now_ns + 82000 * NS_PER_SECOND);
	assert_int_equal(play.requests, 2);
	assert_true(play_server[0].source.stopped);
	play_until(play.now_ns + 1000 * NS_PER_SECOND);
	assert_true(play.requests > 2);
	play_answer_good();
	assert_int_equal(play_server[0].source.reach & 1, 1);
}

static void test_family_of_the_addresses(void **state)
{
	static const struct config_address both[] = {
		{.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4},
		{.octets = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .family = MERIDIAN_FAMILY_IPV6},
	};
	struct config_server wanted = play_named;

	(void)state;
	wanted.family = MERIDIAN_FAMILY_IPV6;
	play_start(&wanted);
	play_resolve(both, 2);
	play_until_request();
	assert_memory_equal(&play.requested_address, &both[1], sizeof(both[1]));
}

static void test_denied_server_has_another_address(void **state)
{
	(void)state;
	play_start(&play_named);
	play_resolve(play_address, 1);
	play_until_request();
	play_answer(0, "RSTR", 4);
	play_until(play.now_ns + 10 * NS_PER_SECOND);
	play_resolve(play_address, 2);
	assert_false(play_server[0].source.stopped);
	play_until_request();
	assert_memory_equal(&play.requested_address, &play_address[1], sizeof(play_address[1]));
}

static struct config_server pool_of(uint8_t sources)
{
	struct config_server pool = play_named;

	pool.pool = true;
	pool.max_sources = sources;
	return pool;
}

static void test_pool_asks_each_address_once(void **state)
{
	struct config_server pool = pool_of(2);

	(void)state;
	play_start(&pool);
	play_resolve(play_address, 4);
	assert_memory_equal(
		&play_server[0].source.address, &play_address[0], sizeof(play_address[0]));
	assert_memory_equal(
		&play_server[1].source.address, &play_address[1], sizeof(play_address[1]));
	assert_int_equal(play.lookups, 1);
	play_answering_until(0xf, 200 * NS_PER_SECOND);
	assert_int_equal(play_server[0].source.reach, 0xff);
	assert_int_equal(play_server[1].source.reach, 0xff);
	assert_int_equal(play.lookups, 1);
}

static void test_pool_with_few_addresses(void **state)
{
	struct config_server pool = pool_of(3);

	(void)state;
	play_start(&pool);
	play_resolve(play_address, 2);
	assert_true(play_server[2].source.absent);
	assert_true(source_settled(&play_server[2].source));
	play_answering_until(0xf, 100 * NS_PER_SECOND);
	assert_int_equal(play.lookups, 2);
	play_resolve(play_address, 3);
	assert_memory_equal(
		&play_server[2].source.address, &play_address[2], sizeof(play_address[2]));
	assert_false(play_server[2].source.absent);
}

static void test_pool_replaces_who_is_silent(void **state)
{
	struct config_server pool = pool_of(2);

	(void)state;
	play_start(&pool);
	play_resolve(play_address, 2);
	play_answering_until(3, 200 * NS_PER_SECOND);
	play_answering_until(1, 400 * NS_PER_SECOND);
	assert_int_equal(play.lookups, 2);
	play_resolve(play_address, 3);
	assert_memory_equal(
		&play_server[0].source.address, &play_address[0], sizeof(play_address[0]));
	assert_memory_equal(
		&play_server[1].source.address, &play_address[2], sizeof(play_address[2]));
	assert_int_equal(play_server[1].source.estimator.sample_count, 0);
	play_answering_until(5, 600 * NS_PER_SECOND);
	assert_int_equal(play_server[1].source.reach, 0xff);
}

static void test_pool_replaces_a_falseticker(void **state)
{
	struct config_server pool = pool_of(1);

	(void)state;
	play_start(&pool);
	play_resolve(play_address, 1);
	play_answering_until(1, 200 * NS_PER_SECOND);
	play_server[0].source.state = SELECT_FALSETICKER;
	play_answering_until(1, 300 * NS_PER_SECOND);
	assert_int_equal(play.lookups, 1);
	play_answering_until(1, 360 * NS_PER_SECOND);
	assert_int_equal(play.lookups, 2);
	play_resolve(play_address, 2);
	assert_memory_equal(
		&play_server[0].source.address, &play_address[1], sizeof(play_address[1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_unknown_first),
		cmocka_unit_test(test_name_silent),
		cmocka_unit_test(test_name_moves),
		cmocka_unit_test(test_name_back),
		cmocka_unit_test(test_deny),
		cmocka_unit_test(test_denied_server_has_another_address),
		cmocka_unit_test(test_pool_asks_each_address_once),
		cmocka_unit_test(test_pool_with_few_addresses),
		cmocka_unit_test(test_pool_replaces_who_is_silent),
		cmocka_unit_test(test_pool_replaces_a_falseticker),
		cmocka_unit_test(test_family_of_the_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
