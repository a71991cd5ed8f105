/* SPDX-License-Identifier: BSD-3-Clause */

/* Requests of every kind against made-up reports. */

#include "ask.h"
#include "steer/steer.h"
#include <errno.h>
#include <meridian/policy.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define RANDOM_REQUESTS 200000

static bool sources_ordered(const struct order_target *target, const struct order *order)
{
	(void)target, (void)order;
	return false;
}

static void reselect_ordered(void)
{
}

static bool step_ordered(void)
{
	return false;
}

static const struct answer_orders orders = {sources_ordered, reselect_ordered, step_ordered};
struct answer_context ask_context = {.hits = 11, .drops = 2, .orders = &orders};

unsigned int report_source_count(void)
{
	return 3;
}

/* One source with an address, one whose name is not resolved, another at the first address. */
int report_source(unsigned int index, struct report_source *ret_source)
{
	if (index > 2)
		return -ENOENT;
	*ret_source = (struct report_source){.name = "unresolved.example"};
	if (index == 1)
		return 0;
	*ret_source = (struct report_source){
		.address = {.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4},
		.name = index == 0 ? "ntp.example" : "port.example",
		.stratum = 1,
		.samples = 8,
	};
	return 0;
}

int report_select(unsigned int index, struct report_select *ret_select)
{
	if (index > 1)
		return -ENOENT;
	*ret_select = (struct report_select){.state = 'M'};
	if (index == 0)
		*ret_select = (struct report_select){
			.address = {.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4},
			.state = '*',
			.written = REPORT_OPTION_PREFER,
			.options = REPORT_OPTION_PREFER | REPORT_OPTION_TRUST,
			.authenticated = true};
	return 0;
}

int report_ntp(unsigned int index, struct report_ntp *ret_ntp)
{
	if (index != 0 && index != 2)
		return -ENOENT;
	*ret_ntp = (struct report_ntp){
		.remote = {.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4},
		.port = index == 0 ? 123 : 1123,
		.stratum = 1,
		.authenticated = index == 2,
		.hardware_receives = 7};
	if (index == 2) {
		ret_ntp->key_id = 0x01020304;
		ret_ntp->key_type = 13;
		ret_ntp->key_bits = 128;
		ret_ntp->unauthenticated = 5;
	}
	return 0;
}

void report_tracking(struct report_tracking *ret_tracking)
{
	*ret_tracking = (struct report_tracking){.stratum = 3};
}

void report_activity(struct report_activity *ret_activity)
{
	*ret_activity = (struct report_activity){.online = 1, .unresolved = 1};
}

bool steer_allows(const struct report_address *address)
{
	return address->family != 0;
}

const char *steer_rundir(void)
{
	return "/nonexistent";
}

void steer_report_server(struct report_server *ret_server)
{
	*ret_server = (struct report_server){.ntp_hits = 1000};
}

static void ask_index(struct ask *ask, uint16_t command, uint32_t index)
{
	struct candm_wire wire = ask_begin(ask, command);

	candm_index(&wire, &index);
	ask_send(ask, CANDM_REPLY_MAX);
}

static void lengths(void **state)
{
	static const struct {
		uint16_t command, reply;
		size_t length; /* of the shortest request, which is that of the reply */
	} table[] = {
		{CANDM_COMMAND_N_SOURCES, CANDM_REPLY_N_SOURCES, 32},
		{CANDM_COMMAND_SOURCE_DATA, CANDM_REPLY_SOURCE_DATA, 76},
		{CANDM_COMMAND_TRACKING, CANDM_REPLY_TRACKING, 104},
		{CANDM_COMMAND_SOURCESTATS, CANDM_REPLY_SOURCESTATS, 84},
		{CANDM_COMMAND_ACTIVITY, CANDM_REPLY_ACTIVITY, 48},
		{CANDM_COMMAND_SERVER_STATS, CANDM_REPLY_SERVER_STATS3, 72},
		{CANDM_COMMAND_SELECT_DATA, CANDM_REPLY_SELECT_DATA, 76},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ask ask;

		ask_for(&ask, table[i].command, table[i].length);
		assert_int_equal(ask.length, table[i].length);
		assert_int_equal(ask.reply.reply, table[i].reply);
		assert_int_equal(ask.reply.status, CANDM_STATUS_SUCCESS);
		assert_int_equal(ask.reply.command, table[i].command);
		assert_int_equal(ask.reply.sequence, 77);
		ask_for(&ask, table[i].command, table[i].length - 1);
		ask_assert_status(&ask, CANDM_STATUS_BAD_LENGTH);
	}
}

static void server_stats_by_length(void **state)
{
	struct ask ask;
	struct report_server server;

	(void)state;
	ask_for(&ask, CANDM_COMMAND_SERVER_STATS, 195);
	assert_int_equal(ask.reply.reply, CANDM_REPLY_SERVER_STATS3);
	assert_int_equal(ask.length, 72);
	ask_for(&ask, CANDM_COMMAND_SERVER_STATS, 196);
	assert_int_equal(ask.reply.reply, CANDM_REPLY_SERVER_STATS4);
	assert_int_equal(ask.length, 196);
	candm_server_stats4(&ask.body, &server);
	assert_int_equal(server.ntp_hits, 1000);
	assert_int_equal(server.command_hits, ask_context.hits);
	assert_int_equal(server.command_drops, ask_context.drops);
}

static void sources(void **state)
{
	struct report_source source = {.refid = 0};
	struct ask ask;
	uint32_t id;

	(void)state;
	ask_index(&ask, CANDM_COMMAND_SOURCE_DATA, 0);
	candm_source_data(&ask.body, &source, &id);
	assert_int_equal(source.stratum, 1);
	assert_int_equal(id, 0);
	ask_index(&ask, CANDM_COMMAND_SOURCESTATS, 0);
	candm_sourcestats(&ask.body, &source, &id);
	assert_int_equal(source.samples, 8);
	ask_index(&ask, CANDM_COMMAND_SOURCE_DATA, 1);
	candm_source_data(&ask.body, &source, &id);
	assert_int_equal(id, 2);
	for (uint32_t index = 4; index != 0; index <<= 1) {
		ask_index(&ask, CANDM_COMMAND_SOURCE_DATA, index);
		ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
		ask_index(&ask, CANDM_COMMAND_SOURCESTATS, index);
		ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
	}
}

static void ask_name(struct ask *ask, struct report_address address, uint32_t id)
{
	struct candm_wire wire = ask_begin(ask, CANDM_COMMAND_SOURCE_NAME);

	candm_address(&wire, &address, &id);
	ask_send(ask, CANDM_REPLY_MAX);
}

static void ask_number(struct ask *ask, uint16_t command, uint32_t id)
{
	struct report_address none = {.family = 0};
	struct candm_wire wire = ask_begin(ask, command);

	candm_address(&wire, &none, &id);
	ask_send(ask, CANDM_REPLY_MAX);
}

static void ask_address(struct ask *ask, uint16_t command, uint8_t last_octet, size_t length)
{
	struct report_address address = {
		.octets = {192, 0, 2, last_octet}, .family = MERIDIAN_FAMILY_IPV4};
	struct candm_wire wire = ask_begin(ask, command);
	uint32_t id = 0;

	candm_address(&wire, &address, &id);
	ask_send(ask, length);
}

/* chronyc up to 4.5 knows the shorter layout only, and pads its request accordingly. */
static void ntp_data_by_length(void **state)
{
	struct ask ask;
	struct report_ntp ntp = {.port = 1};

	(void)state;
	ask_address(&ask, CANDM_COMMAND_NTP_DATA, 1, 151);
	ask_assert_status(&ask, CANDM_STATUS_BAD_LENGTH);
	ask_address(&ask, CANDM_COMMAND_NTP_DATA, 1, 171);
	assert_int_equal(ask.reply.reply, CANDM_REPLY_NTP_DATA);
	assert_int_equal(ask.length, 152);
	ask_address(&ask, CANDM_COMMAND_NTP_DATA, 1, 172);
	assert_int_equal(ask.reply.reply, CANDM_REPLY_NTP_DATA2);
	assert_int_equal(ask.length, 172);
	candm_ntp_data2(&ask.body, &ntp);
	assert_int_equal(ntp.remote.octets[3], 1);
	assert_int_equal(ntp.stratum, 1);
	assert_int_equal(ntp.hardware_receives, 7);
	ask_address(&ask, CANDM_COMMAND_NTP_DATA, 2, 172);
	ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
}

/* By their address they cannot be told apart. */
static void two_servers_at_one_address(void **state)
{
	struct ask ask;
	struct report_ntp ntp;
	char name[CANDM_NAME_SIZE + 1];

	(void)state;
	ask_number(&ask, CANDM_COMMAND_NTP_DATA, 1);
	candm_ntp_data2(&ask.body, &ntp);
	assert_int_equal(ntp.port, 123);
	ask_number(&ask, CANDM_COMMAND_NTP_DATA, 3);
	candm_ntp_data2(&ask.body, &ntp);
	assert_int_equal(ntp.port, 1123);
	ask_number(&ask, CANDM_COMMAND_NTP_DATA, 2);
	ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
	ask_number(&ask, CANDM_COMMAND_NTP_DATA, 4);
	ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
	ask_number(&ask, CANDM_COMMAND_SOURCE_NAME, 3);
	candm_name(&ask.body, name);
	assert_string_equal(name, "port.example");
}

static void keys_are_told(void **state)
{
	static const uint8_t zeroes[CANDM_AUTH_DATA_SIZE];
	static const uint8_t symmetric[CANDM_AUTH_DATA_SIZE] = {
		0, 1, 0, 13, 1, 2, 3, 4, 0, 128, [21] = 5};
	struct ask ask;

	(void)state;
	ask_address(&ask, CANDM_COMMAND_AUTH_DATA, 1, 52);
	assert_int_equal(ask.reply.reply, CANDM_REPLY_AUTH_DATA);
	assert_int_equal(ask.length, 52);
	assert_memory_equal(ask.octets + CANDM_REPLY_SIZE, zeroes, sizeof(zeroes));
	ask_number(&ask, CANDM_COMMAND_AUTH_DATA, 3);
	assert_memory_equal(ask.octets + CANDM_REPLY_SIZE, symmetric, sizeof(symmetric));
	ask_address(&ask, CANDM_COMMAND_AUTH_DATA, 2, 52);
	ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
}

static void selection(void **state)
{
	struct report_select select;
	struct ask ask;
	uint32_t id;

	(void)state;
	ask_index(&ask, CANDM_COMMAND_SELECT_DATA, 0);
	candm_select_data(&ask.body, &select, &id);
	assert_int_equal(select.state, '*');
	/* At chrony's places. */
	assert_int_equal(ask.octets[CANDM_REPLY_SIZE + 25], 1);
	assert_int_equal(ask.octets[CANDM_REPLY_SIZE + 29], REPORT_OPTION_PREFER);
	assert_int_equal(
		ask.octets[CANDM_REPLY_SIZE + 31], REPORT_OPTION_PREFER | REPORT_OPTION_TRUST);
	assert_int_equal(select.written, REPORT_OPTION_PREFER);
	assert_int_equal(select.options, REPORT_OPTION_PREFER | REPORT_OPTION_TRUST);
	assert_true(select.authenticated);
	assert_int_equal(select.address.octets[0], 192);
	ask_index(&ask, CANDM_COMMAND_SELECT_DATA, 1);
	candm_select_data(&ask.body, &select, &id);
	assert_int_equal(select.state, 'M');
	assert_false(select.authenticated);
	assert_int_equal(id, 2);
	ask_index(&ask, CANDM_COMMAND_SELECT_DATA, 2);
	ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
}

static void names(void **state)
{
	struct report_address known = {.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4};
	struct report_address none = {.family = 0};
	struct ask ask;
	char name[CANDM_NAME_SIZE + 1];

	(void)state;
	ask_name(&ask, known, 0);
	candm_name(&ask.body, name);
	assert_string_equal(name, "ntp.example");
	ask_name(&ask, none, 2);
	candm_name(&ask.body, name);
	assert_string_equal(name, "unresolved.example");
	ask_name(&ask, none, 1);
	candm_name(&ask.body, name);
	assert_string_equal(name, "ntp.example");
	ask_name(&ask, none, 0);
	ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
	known.octets[3] = 2;
	ask_name(&ask, known, 0);
	ask_assert_status(&ask, CANDM_STATUS_NO_SOURCE);
}

static void headers(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		bool answered;
	} table[] = {
		{0, 4, false}, /* version too old to be told */
		{0, 5, true},  /* told about the version */
		{0, 7, true},  /* likewise */
		{1, 2, false}, /* a reply: two servers must not talk to each other */
		{1, 0, false}, /* no type */
		{2, 1, false}, /* reserved */
		{3, 1, false}, /* reserved */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ask ask;

		ask_begin(&ask, CANDM_COMMAND_TRACKING);
		ask.request[table[i].at] = table[i].value;
		ask_send(&ask, 104);
		if (table[i].answered)
			ask_assert_status(&ask, CANDM_STATUS_BAD_VERSION);
		else
			assert_int_equal(ask.length, 0);
	}
}

static void every_length(void **state)
{
	struct ask ask;

	(void)state;
	for (uint16_t command = 0; command < 80; command++) {
		for (size_t length = 0; length <= CANDM_REQUEST_MAX + 1; length++) {
			ask_for(&ask, command, length);
			assert_true(ask.length <= length);
			if (length < CANDM_REPLY_SIZE || length > CANDM_REQUEST_MAX)
				assert_int_equal(ask.length, 0);
			else
				assert_true(ask.length >= CANDM_REPLY_SIZE);
		}
	}
}

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Random octets, half of them behind a header that is taken. */
static void random_requests(void **state)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	struct ask ask;

	(void)state;
	for (int i = 0; i < RANDOM_REQUESTS; i++) {
		size_t length = random_next(&seed) % 400;
		size_t from = 0;

		if (i % 2 == 0) {
			ask_begin(&ask, (uint16_t)(random_next(&seed) % 80));
			from = CANDM_REQUEST_SIZE;
		}
		for (size_t at = from; at < length; at++)
			ask.request[at] = (uint8_t)random_next(&seed);
		ask_send(&ask, length);
		assert_true(ask.length <= length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(server_stats_by_length),
		cmocka_unit_test(sources),
		cmocka_unit_test(names),
		cmocka_unit_test(ntp_data_by_length),
		cmocka_unit_test(two_servers_at_one_address),
		cmocka_unit_test(keys_are_told),
		cmocka_unit_test(selection),
		cmocka_unit_test(headers),
		cmocka_unit_test(every_length),
		cmocka_unit_test(random_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
