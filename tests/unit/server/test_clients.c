/* SPDX-License-Identifier: BSD-3-Clause */
#include "rundir.h"
#include "seed.h"
#include <clients.h>
#include <errno.h>
#include <fixture.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talkers.h>
#include <unistd.h>
#include <units.h>

#include <cmocka.h>

#define UNIT      (UINT64_C(1) << MERIDIAN_CLIENTS_UNIT_LOG2)
#define NOW_NS    (UINT64_C(100000) * NS_PER_SECOND)
#define SETS_LOG2 16 /* a client and its site seldom share one */

static struct meridian_clients page;
static struct collector collector;

static const uint64_t key[2] = {0x123456789, 0x9876543210};

static struct book book_new(void)
{
	struct book book;

	memset(&page, 0xa5, sizeof(page));
	memset(&collector, 0, sizeof(collector));
	collector.stride = 1;
	book_open(&book, &page, key, NOW_NS);
	book_turn(&book, NOW_NS);
	return book;
}

static void collect(uint32_t address, uint8_t fate)
{
	struct collector_sample *sample = &collector.sample[collector.count++];

	assert_true(collector.count <= COLLECTOR_SAMPLES);
	*sample = (struct collector_sample){.family = MERIDIAN_FAMILY_IPV4, .fate = fate};
	put_u32(sample->address, address);
}

static const struct meridian_clients_talker *find(
	const struct meridian_clients_table *table, uint32_t address)
{
	uint8_t octets[16] = {0};

	put_u32(octets, address);
	for (size_t i = 0; i < MERIDIAN_CLIENTS_TALKERS; i++) {
		if (table->talker[i].family == MERIDIAN_FAMILY_IPV4 &&
			memcmp(table->talker[i].address, octets, sizeof(octets)) == 0)
			return &table->talker[i];
	}
	return NULL;
}

/* A few clients without sampling: exact, each window, address and prefix, under its fate. */
static void few_clients_are_counted_exactly(void **state)
{
	struct book book = book_new();

	(void)state;
	for (uint32_t i = 0; i < 30; i++)
		collect(0xc0000200 + i % 3, MERIDIAN_CLIENTS_ANSWERED);
	for (uint32_t i = 0; i < 7; i++)
		collect(0xc6336401, MERIDIAN_CLIENTS_RATE_LIMITED);
	collect(0xc6336402, MERIDIAN_CLIENTS_DENIED);
	book_add(&book, &collector);
	assert_int_equal(collector.count, 0);
	for (unsigned int window = 0; window < MERIDIAN_CLIENTS_WINDOW_COUNT; window++) {
		const struct meridian_clients_table *table = page.table[window][0];
		const struct meridian_clients_talker *one = find(&table[0], 0xc0000201);

		assert_non_null(one);
		assert_int_equal(one->requests, 10 * UNIT);
		assert_int_equal(one->others, 0);
		assert_int_equal(table[0].requests, 30 * UNIT);
		assert_int_equal(find(&table[1], 0xc0000200)->requests, 30 * UNIT);
		table = page.table[window][MERIDIAN_CLIENTS_RATE_LIMITED];
		assert_int_equal(find(&table[0], 0xc6336401)->requests, 7 * UNIT);
		assert_null(find(&table[0], 0xc0000201));
		table = page.table[window][MERIDIAN_CLIENTS_DENIED];
		assert_int_equal(find(&table[0], 0xc6336402)->requests, UNIT);
	}
}

/* For every address there is, whatever came between: asked <= requests, and at least requests -
 * others. Some ask a lot, and a flood of a million addresses that ask once does not push them out.
 */
static void promises_hold_in_a_flood(void **state)
{
	static uint32_t asked[16];
	struct seed seed = seed_init("clients");
	struct book book = book_new();
	const struct meridian_clients_table *table = page.table[MERIDIAN_CLIENTS_start][0];

	(void)state;
	memset(asked, 0, sizeof(asked));
	for (uint32_t i = 0; i < 1000000; i++) {
		uint32_t loud = seed_below(&seed, 160); /* each of 16: one in 160 */

		if (collector.count == COLLECTOR_SAMPLES)
			book_add(&book, &collector);
		if (loud < 16)
			asked[loud]++;
		collect(loud < 16 ? 0x0a000000 + loud : (uint32_t)seed_next(&seed) | 0x80000000,
			MERIDIAN_CLIENTS_ANSWERED);
	}
	book_add(&book, &collector);
	assert_int_equal(table->requests, 1000000 * UNIT);
	for (uint32_t i = 0; i < 16; i++) {
		const struct meridian_clients_talker *one = find(table, 0x0a000000 + i);

		assert_non_null(one);
		assert_true(one->requests >= asked[i] * UNIT);
		assert_true(one->requests - one->others <= asked[i] * UNIT);
		assert_true(one->others < UNIT * 1000000 / 300);
	}
}

/* A sample of one in `stride` stands for stride requests; those for which there was no room are
 * made up for. */
static void samples_stand_for_requests(void **state)
{
	struct book book = book_new();

	(void)state;
	collector.stride = 100;
	for (int i = 0; i < 10; i++)
		collect(0xc0000201, MERIDIAN_CLIENTS_ANSWERED);
	collector.lost = 10;
	book_add(&book, &collector);
	assert_int_equal(
		find(page.table[MERIDIAN_CLIENTS_start][0], 0xc0000201)->requests, 2000 * UNIT);
	assert_int_equal(page.table[MERIDIAN_CLIENTS_start][0]->samples, 10 * UNIT);
	assert_int_equal(collector.stride, 100);
}

static void counts_decay(void **state)
{
	struct book book = book_new();
	const struct meridian_clients_talker *one;

	(void)state;
	for (int i = 0; i < 1000; i++)
		collect(0xc0000201, MERIDIAN_CLIENTS_ANSWERED);
	book_add(&book, &collector);
	for (uint64_t tenths = 1; tenths <= 600; tenths++)
		book_turn(&book, NOW_NS + tenths * NS_PER_SECOND / 10);
	one = find(page.table[MERIDIAN_CLIENTS_minute][0], 0xc0000201);
	assert_true(fabs((double)one->requests / UNIT - 1000 * exp(-1)) < 5);
	one = find(page.table[MERIDIAN_CLIENTS_hour][0], 0xc0000201);
	assert_true(fabs((double)one->requests / UNIT - 1000 * exp(-1.0 / 60)) < 5);
	one = find(page.table[MERIDIAN_CLIENTS_start][0], 0xc0000201);
	assert_int_equal(one->requests, 1000 * UNIT);
	/* Long after, its place is free again. */
	for (uint64_t s = 61; s <= 3000; s++)
		book_turn(&book, NOW_NS + s * NS_PER_SECOND);
	assert_null(find(page.table[MERIDIAN_CLIENTS_minute][0], 0xc0000201));
}

static bool sketch_is_empty(const struct meridian_clients_sketch *sketch)
{
	static const struct meridian_clients_sketch empty;

	return memcmp(sketch, &empty, sizeof(empty)) == 0;
}

static unsigned int slots_with(unsigned int level, uint32_t index)
{
	unsigned int count = 0;

	for (size_t i = 0; i < MERIDIAN_CLIENTS_SLOTS; i++)
		count += page.slot[level][i].ipv4.rank[index] != 0;
	return count;
}

/* A client is in the part of time in which it asked, until that is so long ago that its slot is
 * another's. */
static void sketches_end_with_their_time(void **state)
{
	struct book book = book_new();

	(void)state;
	sketch_add(&collector.ipv4, UINT64_C(0x123) << 52);
	book_add(&book, &collector);
	assert_true(sketch_is_empty(&collector.ipv4));
	for (unsigned int level = 0; level < MERIDIAN_CLIENTS_LEVELS; level++)
		assert_int_equal(slots_with(level, 0x123), 1);
	book_turn(&book, NOW_NS + 49 * NS_PER_SECOND);
	assert_int_equal(slots_with(MERIDIAN_CLIENTS_minute, 0x123), 1);
	book_turn(&book, NOW_NS + 61 * NS_PER_SECOND);
	assert_int_equal(slots_with(MERIDIAN_CLIENTS_minute, 0x123), 0);
	assert_int_equal(slots_with(MERIDIAN_CLIENTS_hour, 0x123), 1);
	assert_int_equal(page.ever.ipv4.rank[0x123], MERIDIAN_CLIENTS_RANK_MAX);
	assert_true(sketch_is_empty(&page.ever.ipv6));
}

/* Nothing can be read from a closed book. */
static void closing_forgets(void **state)
{
	struct book book = book_new();

	(void)state;
	collect(0xc0000201, MERIDIAN_CLIENTS_ANSWERED);
	book_add(&book, &collector);
	book_close(&book);
	assert_int_equal(page.started_ns, 0);
	for (const uint8_t *octet = (const uint8_t *)&page.started_ns;
		octet < (const uint8_t *)(&page + 1); octet++)
		assert_int_equal(*octet, 0);
}

/* A server with a policy, and the clients of its process. */
struct world {
	struct server server;
	struct meridian_stats_worker slot;
	struct meridian_timemodel model;
	struct responder_policy *policy;
	struct server_view view;
	struct clients clients;
	uint64_t heartbeat;
	const char *rundir;
};

static struct world world;

static int world_setup(void **state)
{
	struct meridian_timemodel_data model = fixture_model();

	memset(&world, 0, sizeof(world));
	model.valid_until_counter = 0; /* whatever this machine's counter shows */
	if (rundir_setup(state) != 0)
		return -1;
	world.rundir = *state;
	meridian_timemodel_write(&world.model, &model);
	world.policy = fixture_policy();
	world.view = (struct server_view){.policy = world.policy, .model = &world.model};
	if (server_init(&world.server, &world.slot, SETS_LOG2) < 0 ||
		clients_init(&world.clients, world.rundir, &meridian_clients_dataplane_kind) < 0)
		return -1;
	return clients_add(&world.clients, &world.server, &world.heartbeat);
}

static int world_teardown(void **state)
{
	clients_fini(&world.clients);
	server_fini(&world.server);
	responder_policy_free(world.policy);
	return rundir_teardown(state);
}

static void turn(void)
{
	world.heartbeat++;
	clients_turn(&world.clients, true);
}

static const struct meridian_clients *shared(void)
{
	return world.clients.page.addr;
}

/* A burst of one request. */
static enum meridian_verdict ask(struct pkt_spec spec)
{
	static struct server_burst burst;
	uint8_t payload[PKT_NTP_SIZE];
	struct fixture_frame f;
	struct pkt pkt;
	enum meridian_verdict verdict;

	pkt_ntp(payload, 0x23, 1);
	pkt_build(&pkt, spec, payload, sizeof(payload));
	fixture_frame_init(&f, pkt.data, pkt.length);
	server_look(&world.server, &world.view, SERVER_NO_CLOCK);
	server_begin(&world.server, &burst, &world.view, 0);
	burst.frame[0] = f.frame;
	assert_true(server_add(&world.server, &burst, MERIDIAN_STAMP_counter, 0));
	server_classify(&world.server, &burst);
	verdict = burst.verdict[0];
	fixture_frame_fini(&f);
	return verdict;
}

static uint64_t asked(unsigned int fate, bool ipv6)
{
	const struct meridian_clients_table *table =
		&shared()->table[MERIDIAN_CLIENTS_start][fate][MERIDIAN_CLIENTS_ADDRESS];
	uint8_t address[16] = {0};

	memcpy(address, ipv6 ? pkt_client_ipv6 : pkt_client_ipv4, ipv6 ? 16 : 4);
	for (size_t i = 0; i < MERIDIAN_CLIENTS_TALKERS; i++) {
		const struct meridian_clients_talker *talker = &table->talker[i];

		if (talker->family == (ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4) &&
			memcmp(talker->address, address, 16) == 0)
			return talker->requests / UNIT;
	}
	return 0;
}

/* Each way a frame can take: the common shapes, the general path, both families. */
static void the_client_is_written_down(void **state)
{
	(void)state;
	turn();
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		for (int tags = 0; tags < 2; tags++)
			assert_int_equal(
				ask((struct pkt_spec){.ipv6 = ipv6 == 1, .vlan_tags = tags}),
				MERIDIAN_VERDICT_answered_unsynchronised);
	}
	access_fini(&world.policy->access);
	assert_int_equal(access_init(&world.policy->access, NULL, 0), 0);
	world.policy->open_ipv4 = world.policy->open_ipv6 = false;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		for (int tags = 0; tags < 3; tags += 2)
			assert_int_equal(
				ask((struct pkt_spec){.ipv6 = ipv6 == 1, .vlan_tags = tags}),
				MERIDIAN_VERDICT_denied);
	}
	turn();
	turn();
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		assert_int_equal(asked(MERIDIAN_CLIENTS_ANSWERED, ipv6 == 1), 2);
		assert_int_equal(asked(MERIDIAN_CLIENTS_DENIED, ipv6 == 1), 2);
		assert_int_equal(asked(MERIDIAN_CLIENTS_RATE_LIMITED, ipv6 == 1), 0);
	}
	assert_false(sketch_is_empty(&shared()->ever.ipv4));
	assert_false(sketch_is_empty(&shared()->ever.ipv6));
}

static void the_limited_are_written_down(void **state)
{
	(void)state;
	world.policy->rate = (struct limit_rate){.interval_log2 = 12, .burst = 1};
	turn();
	for (int i = 0; i < 5; i++)
		ask((struct pkt_spec){0});
	turn();
	turn();
	assert_int_equal(asked(MERIDIAN_CLIENTS_ANSWERED, false), 1);
	assert_int_equal(asked(MERIDIAN_CLIENTS_RATE_LIMITED, false), 4);
}

/* Without a time in it a kiss is no answer, and whoever it goes to is who asked. */
static void a_kiss_is_no_answer(void **state)
{
	unsigned int kisses = 0;

	(void)state;
	world.policy->rate = (struct limit_rate){.interval_log2 = 12, .burst = 1, .kod_log2 = 1};
	turn();
	for (int i = 0; i < 40; i++) {
		kisses += ask((struct pkt_spec){0}) == MERIDIAN_VERDICT_kod;
		kisses += ask((struct pkt_spec){.ipv6 = true}) == MERIDIAN_VERDICT_kod;
	}
	assert_int_equal(kisses, 2);
	turn();
	turn();
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		assert_int_equal(asked(MERIDIAN_CLIENTS_ANSWERED, ipv6 == 1), 1);
		assert_int_equal(asked(MERIDIAN_CLIENTS_RATE_LIMITED, ipv6 == 1), 39);
	}
}

/* While a server has not ended a turn since it was shown a collector, nobody touches the other. */
static void waits_for_the_server(void **state)
{
	const struct collector *first;

	(void)state;
	turn();
	first = world.server.collector;
	assert_non_null(first);
	clients_turn(&world.clients, true);
	assert_ptr_equal(world.server.collector, first);
	turn();
	assert_ptr_not_equal(world.server.collector, first);
	turn();
	assert_ptr_equal(world.server.collector, first);
}

static void writes_nothing_when_told_so(void **state)
{
	(void)state;
	turn();
	ask((struct pkt_spec){0});
	turn();
	turn();
	assert_int_equal(asked(MERIDIAN_CLIENTS_ANSWERED, false), 1);
	world.heartbeat++;
	clients_turn(&world.clients, false);
	assert_null(world.server.collector);
	assert_int_equal(shared()->started_ns, 0);
	assert_int_equal(asked(MERIDIAN_CLIENTS_ANSWERED, false), 0);
	ask((struct pkt_spec){0});
	turn(); /* wanted again: what came meanwhile stays unknown */
	turn();
	turn();
	assert_true(shared()->started_ns > 0);
	assert_int_equal(asked(MERIDIAN_CLIENTS_ANSWERED, false), 0);
}

/* More requests than may be written down: one in `stride` is, and the count is right all the same.
 */
static void samples_what_is_too_much(void **state)
{
	const uint64_t requests = 100000;
	uint64_t before, counted;

	(void)state;
	for (int round = 0; round < 5; round++) {
		before = shared()->table[MERIDIAN_CLIENTS_start][0][0].requests;
		for (uint64_t i = 0; i < requests; i++)
			ask((struct pkt_spec){0});
		turn();
	}
	turn();
	assert_true(world.clients.server[0].stride > 10);
	counted = (shared()->table[MERIDIAN_CLIENTS_start][0][0].requests - before) / UNIT;
	assert_true(counted > 2 * requests * 8 / 10 && counted < 2 * requests * 12 / 10);
}

static void page_is_not_for_everybody(void **state)
{
	char path[256];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/%s", world.rundir, MERIDIAN_CLIENTS_DATAPLANE_NAME);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_clients_are_counted_exactly),
		cmocka_unit_test(promises_hold_in_a_flood),
		cmocka_unit_test(samples_stand_for_requests),
		cmocka_unit_test(counts_decay),
		cmocka_unit_test(sketches_end_with_their_time),
		cmocka_unit_test(closing_forgets),
		cmocka_unit_test_setup_teardown(
			the_client_is_written_down, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			the_limited_are_written_down, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_kiss_is_no_answer, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(waits_for_the_server, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			writes_nothing_when_told_so, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			samples_what_is_too_much, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			page_is_not_for_everybody, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
