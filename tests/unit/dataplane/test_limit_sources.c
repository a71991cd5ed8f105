/* SPDX-License-Identifier: BSD-3-Clause */

/* Who passes the rate limiter and who does not: subnets, clients as they are, floods. */

#include "seed.h"
#include <limit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HZ    (UINT64_C(1) << 31)
#define START (UINT64_C(1) << 50)
#define SITE  UINT64_C(0x20010db812340000) /* 2001:db8:1234::/48 */

/* What `ratelimit` is where no line sets it. */
static const struct limit_rate usual = {.interval_log2 = -5, .burst = 128, .rollup_log2 = 3};

struct world {
	struct seed seed;
	struct limit *limit;
	struct limit_rate rate;
	uint64_t counter;
};

static int world_setup(void **state)
{
	static struct world world;

	world = (struct world){.seed = seed_init("sources"), .rate = usual, .counter = START};
	assert_int_equal(limit_new(&world.limit, LIMIT_SETS_LOG2, seed_next(&world.seed)), 0);
	limit_begin(world.limit, &world.rate, START, HZ);
	*state = &world;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *world = *state;

	limit_free(world->limit);
	return 0;
}

static void wait_ticks(struct world *world, uint64_t ticks)
{
	world->counter += ticks;
	limit_begin(world->limit, &world->rate, world->counter, HZ);
}

static void wait_s(struct world *world, double s)
{
	wait_ticks(world, (uint64_t)(s * (double)HZ));
}

static bool ask_ipv4(struct world *world, uint32_t address)
{
	struct limit_source source;

	limit_source_ipv4(world->limit, address, &source);
	return limit_allow(world->limit, &source, false);
}

static bool ask_ipv6(struct world *world, uint64_t high)
{
	struct limit_source source;

	limit_source_ipv6(world->limit, high, &source);
	return limit_allow(world->limit, &source, true);
}

/* How many of `count` requests at once are answered, from `step` to `step` in a site. */
static unsigned int at_once(struct world *world, uint64_t first, uint64_t step, unsigned int count)
{
	unsigned int answered = 0;

	for (unsigned int i = 0; i < count; i++)
		answered += ask_ipv6(world, first + i % 0x10000 * step);
	return answered;
}

/* Each of them in a site of its own, all at once: of one /64, of the 256 of a /56, and of a /48. */
static void wider_subnets_have_larger_buckets(void **state)
{
	struct world *world = *state;

	for (uint8_t rollup = 0; rollup <= MERIDIAN_RATELIMIT_ROLLUP_MAX; rollup++) {
		uint64_t site = SITE + ((uint64_t)rollup << 20);
		unsigned int answered;

		world->rate =
			(struct limit_rate){.interval_log2 = -3, .burst = 7, .rollup_log2 = rollup};
		wait_s(world, 0);
		assert_int_equal(at_once(world, site, 0, 1000), 7);
		answered = at_once(world, site + 0x10000, 1, 256);
		assert_in_range(answered, 7 << rollup, (7 << rollup) + 1);
		assert_int_equal(at_once(world, site + 0x20000, 1, 65536), 7 << 2 * rollup);
		assert_int_equal(at_once(world, site + 0x30000, 1, 10), 7 + (rollup > 0) * 3);
		wait_s(world, 4.0 / 8);
		assert_int_equal(at_once(world, site + 0x10000, 1, 256), 4 << rollup);
	}
}

/* Somebody with a /48 asks 100000 times a second, each time from another /64. */
static void a_site_is_held_to_64_sources(void **state)
{
	struct world *world = *state;
	const unsigned int rate = 32 * 64, burst = 128 * 64, seconds = 20;
	unsigned int answered = 0;

	for (unsigned int i = 0; i < seconds * 100000; i++) {
		wait_ticks(world, HZ / 100000 + 1);
		answered += ask_ipv6(world, SITE | (seed_next(&world->seed) & 0xffff));
	}
	assert_in_range(
		answered, burst + rate * seconds - rate / 8, burst + rate * seconds + rate / 8);
}

/* 20000 hosts in 200 subnets, each asking every 64 s at an instant of its own, for ten minutes. */
static void an_ordinary_site_passes(void **state)
{
	struct world *world = *state;
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 20000 / 64 * 600; i++) {
		wait_ticks(world, seed_next(&world->seed) % (2 * HZ * 64 / 20000));
		refused += !ask_ipv6(world, SITE | (seed_next(&world->seed) % 200 * 7));
	}
	assert_int_equal(refused, 0);
}

/* One host in flood takes nothing from the others of its site. */
static void a_greedy_neighbour_costs_nothing(void **state)
{
	struct world *world = *state;
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 200000; i++) {
		wait_ticks(world, HZ / 100000);
		ask_ipv6(world, SITE | 1);
		if (i % 10000 == 0)
			refused += !ask_ipv6(world, SITE | 2);
	}
	assert_int_equal(refused, 0);
}

/* How often a client is answered that asks once a second, 20 times, while 2^bits /64 from `first`
 * on ask 20000 times a second. */
static unsigned int beside_flood(
	struct world *world, uint64_t first, unsigned int bits, uint64_t client)
{
	unsigned int answered = 0;

	for (unsigned int i = 0; i < 20 * 20000; i++) {
		wait_ticks(world, HZ / 20000);
		ask_ipv6(world, first | (seed_next(&world->seed) >> (64 - bits)));
		if (i % 20000 == 19999)
			answered += ask_ipv6(world, client);
	}
	wait_s(world, 4);
	return answered;
}

/* Who shares a /48 or /56 that is full is held back, who has another one is not. */
static void a_full_subnet_costs_its_neighbours_only(void **state)
{
	struct world *world = *state;
	const uint64_t half = SITE | 0x8000; /* the flood is in the other one */

	assert_int_equal(beside_flood(world, SITE, 15, half), 0);
	assert_int_equal(beside_flood(world, SITE, 7, SITE | 0x80), 0);
	assert_int_equal(beside_flood(world, SITE, 15, SITE + 0x10000), 20);
	assert_int_equal(beside_flood(world, SITE, 8, SITE | 0x100), 20);
}

/* A client's requests: `count`, `interval_s` apart, again every `period_s`. */
static const struct {
	const char *text;
	unsigned int count;
	double interval_s, period_s;
} clients[] = {
	{"monitor of the NTP pool", 3, 2, 60},
	{"three at once, as RIPE Atlas", 3, 0, 240},
	{"ntpd with burst", 8, 2, 64},
	{"chronyd with iburst", 4, 2, 64},
	{"ntpdate", 8, 0, 10},
	{"chronyd, minpoll -4", 64, 1.0 / 16, 4},
	{"a hundred hosts behind one address, turned on together", 100, 0, 1024},
};

static void clients_pass(void **state)
{
	struct world *world = *state;

	for (uint32_t client = 0; client < sizeof(clients) / sizeof(clients[0]); client++) {
		unsigned int refused = 0;

		for (unsigned int round = 0; round < 20; round++) {
			for (unsigned int i = 0; i < clients[client].count; i++) {
				refused += !ask_ipv4(world, client);
				refused += !ask_ipv6(world, SITE + (client << 16));
				wait_s(world, clients[client].interval_s);
			}
			wait_s(world,
				clients[client].period_s -
					clients[client].interval_s * clients[client].count);
		}
		if (refused != 0)
			fail_msg("%s: %u refused", clients[client].text, refused);
	}
}

/* 1500 subscribers behind one address, each asking every 64 s, for an hour. */
static void a_carriers_nat_passes(void **state)
{
	struct world *world = *state;
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 1500 * 3600 / 64; i++) {
		wait_ticks(world, seed_next(&world->seed) % (2 * HZ * 64 / 1500));
		refused += !ask_ipv4(world, 0x64400001);
	}
	assert_int_equal(refused, 0);
}

/* With `kod` 4, one in 16 of what is refused, where nothing else keeps it from being told. */
static void tells_one_in_so_many(void **state)
{
	enum {
		KISSES = 1000
	};
	struct world *world = *state;
	unsigned int refused = 0;
	struct limit_source source;

	world->rate = (struct limit_rate){
		.interval_log2 = 10, .burst = 1, .kod_log2 = 4, .kod_after_s = 1};
	limit_source_ipv4(world->limit, 0x0a000001, &source);
	for (unsigned int half = 0; half < 2 * KISSES; half++) {
		wait_s(world, ABUSERS_REPEAT_S / 2 + 1);
		(void)limit_allow(world->limit, &source, false); /* owes something in any case */
		if (half % 2 == 0) {
			assert_int_equal(limit_refuse(world->limit, &source), LIMIT_DROP);
			continue;
		}
		do
			refused++;
		while (refused < 100 * KISSES && limit_refuse(world->limit, &source) != LIMIT_TELL);
	}
	assert_in_range(refused, 13 * KISSES, 19 * KISSES);
}

static bool ask_at_random(struct world *world)
{
	uint64_t random = seed_next(&world->seed);

	return random & 1 ? ask_ipv4(world, (uint32_t)(random >> 32))
			  : ask_ipv6(world, UINT64_C(0x2000000000000000) | random >> 3);
}

/* 10^7 sources at 5 million requests a second, and a few clients among them. */
static void clients_pass_in_a_flood(void **state)
{
	enum {
		FLOOD = 10000000,
		RATE = 5000000
	};
	struct world *world = *state;
	const struct limit_set *before = world->limit->set;
	unsigned int refused = 0, asked = 0;

	for (unsigned int i = 0; i < FLOOD; i++) {
		if (i % 32 == 0)
			wait_ticks(world, 32 * HZ / RATE);
		refused += !ask_at_random(world);
		if (i % RATE == 0 || (i < RATE && i % (RATE / 8) == 0)) { /* 8, then one a second */
			refused += !ask_ipv4(world, 0xc0000201);
			refused += !ask_ipv6(world, SITE);
			asked += 2;
		}
	}
	assert_int_equal(asked, 2 * 9);
	assert_int_equal(refused, 0);
	assert_ptr_equal(world->limit->set, before); /* nothing grew */
}

static void leaks_at_its_rate(void **state)
{
	struct world *world = *state;
	struct limit_source source;

	limit_source_ipv4(world->limit, 1, &source);
	for (uint8_t leak = 0; leak <= MERIDIAN_RATELIMIT_LEAK_MAX; leak++) {
		unsigned int leaked = 0;

		world->rate.leak_log2 = leak;
		wait_s(world, 0);
		for (unsigned int i = 0; i < 160000; i++)
			leaked += limit_refuse(world->limit, &source) == LIMIT_ANSWER;
		if (leak == 0)
			assert_int_equal(leaked, 0);
		else
			assert_in_range(
				leaked, (160000 >> leak) * 9 / 10, (160000 >> leak) * 11 / 10);
	}
}

/* Debts are kept while only what is said to those above the limit changes. */
static void remembers_at_another_leak(void **state)
{
	struct world *world = *state;

	assert_int_equal(at_once(world, SITE, 0, 1000), 128);
	world->rate.leak_log2 = 4;
	wait_s(world, 0);
	assert_int_equal(at_once(world, SITE, 0, 1000), 0);
}

/* How many kisses get `count` requests refused, `interval_s` apart, of `source`. */
static unsigned int told(struct world *world, const struct limit_source *source, unsigned int count,
	double interval_s)
{
	unsigned int kisses = 0;

	for (unsigned int i = 0; i < count; i++) {
		wait_s(world, interval_s);
		while (limit_allow(world->limit, source, true))
			;
		kisses += limit_refuse(world->limit, source) == LIMIT_TELL;
	}
	return kisses;
}

static void tells_after_minutes_only(void **state)
{
	struct world *world = *state;
	struct limit_source source;

	limit_source_ipv6(world->limit, SITE, &source);
	assert_int_equal(told(world, &source, 10000, 0.1), 0); /* not without kod */
	world->rate.kod_log2 = 1;
	world->rate.kod_after_s = 240;
	wait_s(world, 20);
	assert_int_equal(told(world, &source, 2390, 0.1), 0);
	assert_in_range(told(world, &source, 100, 0.1), 1, 1);     /* at 240 s */
	assert_in_range(told(world, &source, 16000, 0.01), 8, 10); /* in 160 s */
	wait_s(world, 17);                                         /* a pause */
	assert_int_equal(told(world, &source, 2390, 0.1), 0);
	assert_int_equal(told(world, &source, 100, 0.1), 1);
}

/* The rest of a site that asks too often did so, too, but each by itself did not. */
static void tells_nobody_for_his_neighbours(void **state)
{
	struct world *world = *state;
	struct limit_source source;
	unsigned int refused = 0;

	world->rate.kod_log2 = 1;
	world->rate.kod_after_s = 1;
	for (unsigned int i = 0; i < 200000; i++) {
		wait_s(world, 1e-4);
		limit_source_ipv6(world->limit, SITE | (seed_next(&world->seed) & 0xffff), &source);
		if (limit_allow(world->limit, &source, true))
			continue;
		refused++;
		assert_int_not_equal(limit_refuse(world->limit, &source), LIMIT_TELL);
	}
	assert_true(refused > 100000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wider_subnets_have_larger_buckets),
		TEST(a_site_is_held_to_64_sources),
		TEST(an_ordinary_site_passes),
		TEST(a_greedy_neighbour_costs_nothing),
		TEST(a_full_subnet_costs_its_neighbours_only),
		TEST(clients_pass),
		TEST(a_carriers_nat_passes),
		TEST(tells_one_in_so_many),
		TEST(clients_pass_in_a_flood),
		TEST(leaks_at_its_rate),
		TEST(remembers_at_another_leak),
		TEST(tells_after_minutes_only),
		TEST(tells_nobody_for_his_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
