/* SPDX-License-Identifier: BSD-3-Clause */

/* Requests that order something. */

#include "ask.h"
#include "steer/steer.h"
#include <errno.h>
#include <meridian/policy.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What was ordered, and whether it can be. */
static struct {
	unsigned int count;
	struct order_target target;
	struct order order;
	bool possible;
} ordered;

static bool take_order(const struct order_target *target, const struct order *order)
{
	ordered.count++;
	ordered.target = *target;
	ordered.order = *order;
	return ordered.possible;
}

static void take_reselect(void)
{
	ordered.count++;
}

static bool take_step(void)
{
	ordered.count++;
	return ordered.possible;
}

static const struct answer_orders orders = {take_order, take_reselect, take_step};
struct answer_context ask_context;

bool steer_allows(const struct report_address *address)
{
	(void)address;
	return false;
}

const char *steer_rundir(void)
{
	return "";
}

static int setup(void **state)
{
	(void)state;
	memset(&ordered, 0, sizeof(ordered));
	ordered.possible = true;
	ask_context.orders = &orders;
	return 0;
}

static void ask_which(struct ask *ask, uint16_t command, struct report_address address, uint32_t id)
{
	struct report_address mask = {.family = address.family};
	struct order burst = {.burst_requests = 8, .burst_samples = 4};
	struct candm_wire wire = ask_begin(ask, command);

	memset(mask.octets, 0xff, sizeof(mask.octets));
	candm_address(&wire, &mask, &(uint32_t){0});
	candm_address(&wire, &address, &id);
	candm_burst(&wire, &burst);
	ask_send(ask, wire.at);
}

static void orders_of_sources(void **state)
{
	static const struct {
		uint16_t command;
		enum order_kind kind;
	} cases[] = {{CANDM_COMMAND_ONLINE, ORDER_ONLINE}, {CANDM_COMMAND_OFFLINE, ORDER_OFFLINE},
		{CANDM_COMMAND_BURST, ORDER_BURST}};
	const struct report_address server = {
		.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4};
	const struct report_address none = {.family = 0};
	struct ask ask;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask_which(&ask, cases[i].command, server, 0);
		ask_assert_status(&ask, CANDM_STATUS_SUCCESS);
		assert_int_equal(ask.reply.reply, CANDM_REPLY_NULL);
		assert_int_equal(ordered.order.kind, cases[i].kind);
		assert_memory_equal(&ordered.target.address, &server, sizeof(server));
		assert_int_equal(ordered.target.mask.octets[3], 0xff);
		assert_int_equal(ordered.target.id, 0);
		ask_which(&ask, cases[i].command, none, 0);
		assert_int_equal(ordered.target.address.family, 0);
		/* By its number: it need not have an address. */
		ask_which(&ask, cases[i].command, none, 2);
		ask_assert_status(&ask, CANDM_STATUS_SUCCESS);
		assert_int_equal(ordered.target.id, 2);
		assert_int_equal(ordered.count, 3 * i + 3);
	}
	assert_int_equal(ordered.order.burst_requests, 8);
	assert_int_equal(ordered.order.burst_samples, 4);
	ask_for(&ask, CANDM_COMMAND_OFFLINE, CANDM_REQUEST_SIZE + CANDM_TARGET_SIZE - 1);
	ask_assert_status(&ask, CANDM_STATUS_BAD_LENGTH);
	ask_for(&ask, CANDM_COMMAND_BURST, CANDM_REQUEST_SIZE + CANDM_BURST_SIZE);
	ask_assert_status(&ask, CANDM_STATUS_INVALID); /* of no request */
	assert_int_equal(ordered.count, 9);
	ordered.possible = false;
	ask_which(&ask, CANDM_COMMAND_ONLINE, server, 0);
	ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
}

static void other_orders(void **state)
{
	/* settime, local, allow, add server, shutdown, local of chrony 4.6 */
	static const uint16_t absent[] = {11, 12, 17, 60, 62, 64, 74};
	struct ask ask;

	(void)state;
	ask_for(&ask, CANDM_COMMAND_REFRESH, CANDM_REPLY_SIZE);
	ask_assert_status(&ask, CANDM_STATUS_SUCCESS);
	assert_int_equal(ordered.order.kind, ORDER_REFRESH);
	assert_int_equal(ordered.target.address.family, 0);
	ask_for(&ask, CANDM_COMMAND_RESELECT, CANDM_REPLY_SIZE);
	ask_assert_status(&ask, CANDM_STATUS_SUCCESS);
	ask_for(&ask, CANDM_COMMAND_MAKESTEP, CANDM_REPLY_SIZE);
	ask_assert_status(&ask, CANDM_STATUS_SUCCESS);
	assert_int_equal(ordered.count, 3);
	ordered.possible = false;
	ask_for(&ask, CANDM_COMMAND_MAKESTEP, CANDM_REPLY_SIZE);
	ask_assert_status(&ask, CANDM_STATUS_FAILED);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		ask_for(&ask, absent[i], CANDM_REPLY_SIZE);
		ask_assert_status(&ask, CANDM_STATUS_INVALID);
	}
}

static void refusals(void **state)
{
	/* online, offline, burst, settime, local, allow, add server, makestep, reselect,
	 * refresh, shutdown, add source, local of chrony 4.6 */
	static const uint16_t writes[] = {1, 2, 3, 11, 12, 17, 60, 43, 48, 53, 62, 64, 74};
	static const uint16_t unknown[] = {0, 26, 38, 75, 1000, UINT16_MAX};
	struct ask ask;

	(void)state;
	ask_context.orders = NULL;
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		ask_for(&ask, writes[i], CANDM_REPLY_SIZE);
		ask_assert_status(&ask, CANDM_STATUS_UNAUTH);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		ask_for(&ask, unknown[i], CANDM_REPLY_SIZE);
		ask_assert_status(&ask, CANDM_STATUS_INVALID);
	}
}

/* As chronyd over UDP, whatever the length. */
static void anybody_is_told_little(void **state)
{
	static const uint16_t told[] = {CANDM_COMMAND_N_SOURCES, CANDM_COMMAND_SOURCE_DATA,
		CANDM_COMMAND_SOURCE_NAME, CANDM_COMMAND_SOURCESTATS, CANDM_COMMAND_TRACKING,
		CANDM_COMMAND_ACTIVITY};
	static const uint16_t secret[] = {CANDM_COMMAND_CLIENTS, CANDM_COMMAND_ACCHECK,
		CANDM_COMMAND_SERVER_STATS, CANDM_COMMAND_NTP_DATA, CANDM_COMMAND_AUTH_DATA,
		CANDM_COMMAND_SELECT_DATA};
	struct ask ask;

	(void)state;
	ask_context.orders = NULL;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		ask_for(&ask, told[i], CANDM_REPLY_MAX);
		assert_int_not_equal(ask.reply.status, CANDM_STATUS_UNAUTH);
		assert_int_not_equal(ask.reply.status, CANDM_STATUS_INVALID);
	}
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
		ask_for(&ask, secret[i], CANDM_REPLY_MAX);
		ask_assert_status(&ask, CANDM_STATUS_UNAUTH);
		ask_for(&ask, secret[i], CANDM_REPLY_SIZE);
		ask_assert_status(&ask, CANDM_STATUS_UNAUTH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(orders_of_sources, setup),
		cmocka_unit_test_setup(other_orders, setup),
		cmocka_unit_test_setup(refusals, setup),
		cmocka_unit_test_setup(anybody_is_told_little, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
