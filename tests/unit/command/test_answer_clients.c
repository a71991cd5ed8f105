/* SPDX-License-Identifier: BSD-3-Clause */

/* Requests about clients and access: from the octets of the request to those of the reply. */

#include "ask.h"
#include "steer/steer.h"
#include <errno.h>
#include <meridian/clients.h>
#include <meridian/policy.h>
#include <rundir.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Who may order may ask this, too; nothing is ordered here. */
static const struct answer_orders orders;
struct answer_context ask_context = {.orders = &orders};

static const char *rundir = "/nonexistent";

bool steer_allows(const struct report_address *address)
{
	return address->octets[3] == 192;
}

const char *steer_rundir(void)
{
	return rundir;
}

static uint16_t check(uint8_t family, uint8_t last_octet, size_t length)
{
	struct report_address address = {.octets = {192, 0, 2, last_octet}, .family = family};
	struct ask ask;
	struct candm_wire wire = ask_begin(&ask, CANDM_COMMAND_ACCHECK);
	uint32_t id = 0;

	candm_address(&wire, &address, &id);
	ask_send(&ask, length);
	assert_int_equal(ask.length, CANDM_REPLY_SIZE);
	assert_int_equal(ask.reply.reply, CANDM_REPLY_NULL);
	return ask.reply.status;
}

static void access_check(void **state)
{
	(void)state;
	assert_int_equal(check(MERIDIAN_FAMILY_IPV4, 192, 40), CANDM_STATUS_ALLOWED);
	assert_int_equal(check(MERIDIAN_FAMILY_IPV6, 10, 40), CANDM_STATUS_DENIED);
	assert_int_equal(check(MERIDIAN_FAMILY_IPV4, 192, 39), CANDM_STATUS_BAD_LENGTH);
	assert_int_equal(check(0, 0, 40), CANDM_STATUS_BAD_SUBNET);
}

#define CLIENTS_LENGTH (CANDM_REPLY_SIZE + CANDM_CLIENTS_SIZE)

/* As a reply's body begins, and then a list of clients. */
static struct candm_clients_head ask_clients(struct ask *ask, uint32_t first, uint32_t hits_min)
{
	struct candm_clients_ask clients = {.first = first, .count = 100, .hits_min = hits_min};
	struct candm_clients_head head = {.count = 0};
	struct candm_wire wire = ask_begin(ask, CANDM_COMMAND_CLIENTS);

	candm_clients_ask(&wire, &clients);
	ask_send(ask, CLIENTS_LENGTH);
	candm_clients_head(&ask->body, &head);
	return head;
}

static void talker_put(
	struct meridian_clients *page, unsigned int fate, size_t index, uint32_t requests)
{
	struct meridian_clients_table *table =
		&page->table[MERIDIAN_CLIENTS_start][fate][MERIDIAN_CLIENTS_ADDRESS];

	table->talker[index] =
		(struct meridian_clients_talker){.address = {192, 0, 2, (uint8_t)index},
			.family = MERIDIAN_FAMILY_IPV4,
			.requests = (uint64_t)requests << MERIDIAN_CLIENTS_UNIT_LOG2};
}

/* Ten clients in two replies, who asked the most first; with what was rate limited. */
static void clients(void **state)
{
	struct meridian_page page;
	struct meridian_clients *shared;
	struct ask ask;
	struct candm_clients_head head;
	struct report_address address;
	uint32_t requests, drops;

	ask_clients(&ask, 0, 0);
	assert_int_equal(ask.reply.status, CANDM_STATUS_INACTIVE);
	assert_int_equal(ask.length, CANDM_REPLY_SIZE);
	rundir = *state;
	assert_int_equal(meridian_page_create(&page, rundir, &meridian_clients_fallback_kind,
				 sizeof(*shared), 0640, NULL),
		0);
	shared = page.addr;
	shared->started_ns = shared->updated_ns = 1;
	for (uint32_t i = 0; i < 10; i++)
		talker_put(shared, MERIDIAN_CLIENTS_ANSWERED, i, 100 - i);
	talker_put(shared, MERIDIAN_CLIENTS_RATE_LIMITED, 9, 1000);
	head = ask_clients(&ask, 0, 0);
	assert_int_equal(ask.reply.status, CANDM_STATUS_SUCCESS);
	assert_int_equal(ask.length, CLIENTS_LENGTH);
	assert_true(head.all == 10 && head.next == 8 && head.count == 8);
	candm_client(&ask.body, &address, &requests, &drops);
	assert_true(address.octets[3] == 9 && requests == 1091 && drops == 1000);
	candm_client(&ask.body, &address, &requests, &drops);
	assert_true(address.octets[3] == 0 && requests == 100 && drops == 0);
	head = ask_clients(&ask, head.next, 0);
	assert_true(head.all == 10 && head.next == 10 && head.count == 2);
	head = ask_clients(&ask, 0, 95);
	assert_true(head.next == 10 && head.count == 7);
	head = ask_clients(&ask, 10, 0);
	assert_int_equal(head.count, 0);
	meridian_page_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_check),
		cmocka_unit_test_setup_teardown(clients, rundir_setup, rundir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
