/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt.h"
#include "seed.h"
#include <interleave.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND   (UINT64_C(1) << 32)
#define NOW      (UINT64_C(3900000000) << 32)
#define ENTRIES  4096
#define CLIENTS  1000
#define STRANGER UINT32_C(0x0a000000) /* 10.0.0.0 and on */
#define FRIEND   UINT32_C(0xc0000200)

static struct interleave *table;

static int setup(void **state)
{
	(void)state;
	return interleave_new(&table, ENTRIES, 1);
}

static int teardown(void **state)
{
	(void)state;
	interleave_free(table);
	return 0;
}

/* The reply to an IPv4 client with this T2, odd, as of one course of the clock. */
static struct interleave_key key(uint32_t address, uint64_t receive)
{
	uint8_t octets[4] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16),
		(uint8_t)(address >> 8), (uint8_t)address};

	return interleave_key(table, octets, false, receive | 1, 0);
}

static void look(uint64_t *ret_held, uint32_t *ret_span_s)
{
	struct interleave_survey survey = {.next = 0};

	while (!interleave_look(table, &survey, 7, ret_held, ret_span_s))
		;
	assert_int_equal(survey.next, 0);
}

static uint64_t held(void)
{
	uint64_t count;
	uint32_t span_s;

	look(&count, &span_s);
	return count;
}

static void gives_each_time_out_once(void **state)
{
	(void)state;
	assert_int_equal(interleave_take(key(FRIEND, NOW)), 0);
	assert_true(interleave_save(table, key(FRIEND, NOW), NOW + 100, false));
	assert_int_equal(held(), 1);
	assert_int_equal(interleave_take(key(FRIEND, NOW)), NOW + 100);
	assert_int_equal(interleave_take(key(FRIEND, NOW)), 0);
	assert_true(interleave_save(table, key(FRIEND, NOW + 2), NOW + 200, true));
	assert_int_equal(interleave_take(key(FRIEND, NOW + 2)), NOW + 200);
	assert_int_equal(held(), 0);
}

/* To nobody but the client, for no other reply, and not after the clock was set. */
static void gives_it_to_nobody_else(void **state)
{
	uint8_t address[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		assert_true(interleave_save(
			table, interleave_key(table, address, ipv6, NOW | 1, 5), NOW + 100, false));
		for (size_t i = 0; i < (ipv6 ? 16 : 4); i++) {
			address[i] ^= 0x10;
			assert_int_equal(
				interleave_take(interleave_key(table, address, ipv6, NOW | 1, 5)),
				0);
			address[i] ^= 0x10;
		}
		for (int bit = 0; bit < 64; bit++)
			assert_int_equal(interleave_take(interleave_key(table, address, ipv6,
						 (NOW | 1) ^ UINT64_C(1) << bit, 5)),
				0);
		assert_int_equal(
			interleave_take(interleave_key(table, address, !ipv6, NOW | 1, 5)), 0);
		assert_int_equal(
			interleave_take(interleave_key(table, address, ipv6, NOW | 1, 6)), 0);
		assert_int_equal(interleave_take(interleave_key(table, address, ipv6, NOW | 1, 5)),
			NOW + 100);
	}
}

static void has_the_room_asked_for(void **state)
{
	static const uint32_t sizes[][2] = {
		{1, 64}, {64, 64}, {65, 128}, {65536, 65536}, {1000000, 1 << 20}};

	(void)state;
	interleave_free(table);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(interleave_new(&table, sizes[i][0], 1), 0);
		assert_int_equal(interleave_room(table), sizes[i][1]);
		assert_int_equal(held(), 0);
		interleave_free(table);
	}
	assert_int_equal(interleave_new(&table, ENTRIES, 1), 0);
}

/* One entry for each of CLIENTS clients, a quarter of what there is room for. */
static unsigned int clients_save(uint64_t time, bool earned)
{
	unsigned int saved = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		saved += interleave_save(table, key(FRIEND + 997 * i, time), time + i * 2, earned);
	return saved;
}

static unsigned int clients_take(uint64_t time)
{
	unsigned int found = 0;

	for (uint32_t i = 0; i < CLIENTS; i++) {
		uint64_t transmit = interleave_take(key(FRIEND + 997 * i, time));

		assert_true(transmit == 0 || transmit == time + i * 2);
		found += transmit != 0;
	}
	return found;
}

static void has_room_for_many_clients(void **state)
{
	(void)state;
	assert_int_equal(clients_save(NOW, false), CLIENTS);
	/* A few crowd more than 8 in a set. */
	assert_true(clients_take(NOW) >= CLIENTS * 99 / 100);
}

/* Requests with forged sources leave clients alone that have shown to get our replies, but not for
 * ever, and have no place for themselves where all is taken. */
static void strangers_displace_no_client(void **state)
{
	unsigned int saved;

	(void)state;
	saved = clients_save(NOW, true);
	for (uint32_t i = 0; i < 100 * ENTRIES; i++)
		interleave_save(
			table, key(STRANGER + i, NOW + SECOND), NOW + SECOND + 2 * i, false);
	assert_int_equal(held(), ENTRIES);
	assert_int_equal(clients_take(NOW), saved);
	/* Whose places they have taken now, and give up again. */
	assert_true(clients_save(NOW + 64 * SECOND, true) >= CLIENTS * 99 / 100);
	for (uint32_t i = 0; i < 100 * ENTRIES; i++)
		interleave_save(table, key(STRANGER + i, NOW + SECOND),
			NOW + (INTERLEAVE_KEPT_S + 65) * SECOND + 2 * i, false);
	assert_true(clients_take(NOW + 64 * SECOND) < CLIENTS / 100);
}

/* However much a client asks with one address, or with all of a /48. */
static void one_client_fills_its_sets_only(void **state)
{
	uint8_t address[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};

	(void)state;
	for (uint32_t i = 0; i < 10000; i++)
		interleave_save(table, key(FRIEND, NOW + 2 * i), NOW + SECOND, true);
	assert_int_equal(held(), INTERLEAVE_SPREAD * INTERLEAVE_WAYS);
	for (uint32_t i = 0; i < 10000; i++) {
		memcpy(address + (i % 2 ? 6 : 12), &i, sizeof(i));
		interleave_save(table, interleave_key(table, address, true, NOW | 1, 0),
			NOW + SECOND, true);
	}
	assert_in_range(held(), INTERLEAVE_SPREAD * INTERLEAVE_WAYS,
		2 * INTERLEAVE_SPREAD * INTERLEAVE_WAYS);
}

static void the_sets_of_a_client_grow_with_the_table(void **state)
{
	(void)state;
	interleave_free(table);
	assert_int_equal(interleave_new(&table, 1 << 20, 1), 0);
	for (uint32_t i = 0; i < 10000; i++)
		interleave_save(table, key(FRIEND, NOW + 2 * i), NOW + SECOND, true);
	assert_int_equal(held(), (1 << 20) / INTERLEAVE_SHARE);
}

/* Of what a client saved in three seconds, that of the last one fills the room. */
static void assert_only_last_held(unsigned int room)
{
	unsigned int found[3] = {0};

	assert_int_equal(held(), room);
	for (uint32_t i = 0; i < 6 * room; i++) {
		for (uint32_t k = 0; k < 3; k++)
			found[k] += interleave_take(key(FRIEND, NOW + k * SECOND + 2 * i)) != 0;
	}
	assert_int_equal(found[0], 0);
	assert_int_equal(found[1], 0);
	assert_int_equal(found[2], room);
}

/* Of what need not be kept, the oldest goes, and before it what seems to be of the future. */
static void the_oldest_goes_first(void **state)
{
	const unsigned int room = INTERLEAVE_SPREAD * INTERLEAVE_WAYS;

	(void)state;
	for (uint32_t i = 0; i < room; i++)
		interleave_save(table, key(FRIEND, NOW + 2 * i), NOW + 900 * SECOND, true);
	for (uint32_t i = 0; i < 3 * room; i++)
		interleave_save(
			table, key(FRIEND, NOW + SECOND + 2 * i), NOW + 600 * SECOND, false);
	for (uint32_t i = 0; i < 6 * room; i++)
		interleave_save(
			table, key(FRIEND, NOW + 2 * SECOND + 2 * i), NOW + 601 * SECOND, false);
	assert_only_last_held(room);
}

/* What is kept goes last, the oldest first, and for what has been earned only. */
static void what_is_earned_goes_for_what_is_earned(void **state)
{
	const unsigned int room = INTERLEAVE_SPREAD * INTERLEAVE_WAYS;

	(void)state;
	for (uint32_t i = 0; i < 3 * room; i++)
		interleave_save(table, key(FRIEND, NOW + 2 * i), NOW + 600 * SECOND, true);
	for (uint32_t i = 0; i < 3 * room; i++)
		assert_false(interleave_save(
			table, key(FRIEND, NOW + SECOND + 2 * i), NOW + 700 * SECOND, false));
	for (uint32_t i = 0; i < 6 * room; i++)
		assert_true(interleave_save(
			table, key(FRIEND, NOW + 2 * SECOND + 2 * i), NOW + 800 * SECOND, true));
	assert_only_last_held(room);
}

/* Even for what is earned, younger entries of strangers go first. */
static void what_is_earned_goes_last(void **state)
{
	(void)state;
	clients_save(NOW, true);
	for (uint32_t i = 0; i < 100 * ENTRIES; i++)
		interleave_save(
			table, key(STRANGER + i, NOW + SECOND), NOW + SECOND + 2 * i, false);
	for (uint32_t i = 0; i < CLIENTS; i++)
		assert_true(interleave_save(
			table, key(STRANGER + 997 * i, NOW + 3), NOW + 2 * SECOND, true));
	assert_true(clients_take(NOW) >= CLIENTS * 95 / 100);
}

/* After the clock was set, forwards or back, nobody finds what was kept, so it keeps no place; what
 * is earned since does. */
static void a_step_of_the_clock_makes_room(void **state)
{
	uint64_t now = NOW;

	(void)state;
	for (uint64_t step = 1; step <= 6; step++) {
		interleave_course(table, step, now);
		for (uint32_t i = 0; i < 10 * ENTRIES; i++)
			interleave_save(table, key(STRANGER + i, now), now + SECOND, true);
		interleave_course(table, step, now + SECOND);
		assert_int_equal(held(), ENTRIES);
		assert_int_equal(clients_save(now + 2 * SECOND, false), 0);
		now = step % 2 ? now + 3 * SECOND : now - 600 * SECOND;
		interleave_course(table, 100 + step, now);
		assert_int_equal(clients_save(now, false), CLIENTS);
		assert_true(clients_take(now) >= CLIENTS * 98 / 100);
		assert_int_equal(clients_save(now + SECOND, true), CLIENTS);
		for (uint32_t i = 0; i < 10 * ENTRIES; i++)
			interleave_save(table, key(STRANGER + i, now), now + 2 * SECOND, false);
		assert_true(clients_take(now + SECOND) >= CLIENTS * 98 / 100);
	}
}

/* An IPv6 /48 that shows, at every rate, to get our replies. */
static void a_site_displaces_few_clients(void **state)
{
	uint8_t address[16] = {0x20, 1, 0x0d, 0xb8};
	unsigned int saved;

	(void)state;
	interleave_free(table);
	assert_int_equal(interleave_new(&table, 64 * ENTRIES, 1), 0);
	saved = clients_save(NOW, true);
	for (uint32_t i = 0; i < 100 * ENTRIES; i++) {
		uint64_t transmit = NOW + SECOND + 2 * i;

		memcpy(address + 6, &i, sizeof(i));
		interleave_save(table, interleave_key(table, address, true, transmit | 1, 0),
			transmit, true);
	}
	assert_true(clients_take(NOW) >= saved - CLIENTS / 100);
}

static void drops_twins(void **state)
{
	(void)state;
	assert_true(interleave_save(table, key(FRIEND, NOW), NOW + 100, false));
	assert_false(interleave_save(table, key(FRIEND, NOW), NOW + 200, true));
	assert_int_equal(interleave_take(key(FRIEND, NOW)), 0);
	assert_int_equal(held(), 0);
}

static void saves_a_burst_of_one_client(void **state)
{
	struct interleave_saving saving[INTERLEAVE_SAVE_MAX];
	uint64_t count, found = 0;

	(void)state;
	for (uint32_t i = 0; i < INTERLEAVE_SAVE_MAX; i++)
		saving[i] = (struct interleave_saving){
			.key = key(FRIEND, NOW + 2 * i), .transmit = NOW + 2 * i, .earned = true};
	interleave_save_all(table, saving, INTERLEAVE_SAVE_MAX);
	count = held();
	assert_in_range(count, INTERLEAVE_SAVE_MAX / 2, INTERLEAVE_SAVE_MAX);
	for (uint32_t i = 0; i < INTERLEAVE_SAVE_MAX; i++) {
		assert_non_null(saving[i].entry);
		found += interleave_take(saving[i].key) == saving[i].transmit;
	}
	assert_int_equal(found, count);
}

static void says_what_it_holds(void **state)
{
	uint64_t count;
	uint32_t span_s;

	(void)state;
	look(&count, &span_s);
	assert_int_equal(count, 0);
	assert_int_equal(span_s, 0);
	interleave_save(table, key(FRIEND, NOW), NOW, false);
	look(&count, &span_s);
	assert_int_equal(count, 1);
	assert_int_equal(span_s, 0);
	/* Across the turn of an era, too. */
	interleave_save(table, key(FRIEND + 1, NOW), NOW + 500000000 * SECOND, false);
	interleave_save(table, key(FRIEND + 2, NOW), NOW + 20 * SECOND, true);
	look(&count, &span_s);
	assert_int_equal(count, 3);
	assert_int_equal(span_s, 500000000);
}

/*
 * Workers that save and take in a table so small that they always meet. Each reply has a number;
 * time and T2 are made from it, so that a time given to the wrong reply shows. Time flies: what is
 * kept would soon be all there is room for.
 */
#define WORKERS 4
#define REPLIES 200000
#define SHARED  32 /* addresses */

static uint8_t taken[WORKERS * REPLIES];
static uint32_t newest[WORKERS];

static uint64_t receive_of(uint32_t reply)
{
	return NOW + (uint64_t)reply * 2654435761 * 2 + 1;
}

static uint64_t transmit_of(uint32_t reply)
{
	return NOW + reply % REPLIES * 100 * SECOND + reply / REPLIES * 2;
}

struct job {
	uint32_t worker;
	uint64_t saved, found, wrong;
	struct seed seed;
};

static void reply_take(struct job *job, uint32_t reply)
{
	uint64_t transmit = interleave_take(key(FRIEND + reply % SHARED, receive_of(reply)));

	if (transmit == 0)
		return;
	job->found++;
	job->wrong += transmit != transmit_of(reply) ||
		__atomic_exchange_n(&taken[reply], 1, __ATOMIC_RELAXED) != 0;
}

static void *work(void *argument)
{
	struct job *job = argument;

	for (uint32_t i = 0; i < REPLIES; i++) {
		uint32_t reply = job->worker * REPLIES + i, other = seed_below(&job->seed, WORKERS);
		uint32_t last = __atomic_load_n(&newest[other], __ATOMIC_RELAXED);

		job->saved +=
			interleave_save(table, key(FRIEND + reply % SHARED, receive_of(reply)),
				transmit_of(reply), seed_below(&job->seed, 8) == 0);
		__atomic_store_n(&newest[job->worker], i, __ATOMIC_RELAXED);
		for (uint32_t k = 0; k < 3; k++)
			reply_take(job, other * REPLIES + (last >= k ? last - k : 0));
	}
	return NULL;
}

static void workers_share_it(void **state)
{
	pthread_t thread[WORKERS];
	struct job job[WORKERS];
	uint64_t saved = 0, found = 0;

	(void)state;
	interleave_free(table);
	assert_int_equal(interleave_new(&table, 1, 1), 0);
	memset(taken, 0, sizeof(taken));
	for (uint32_t i = 0; i < WORKERS; i++) {
		job[i] = (struct job){.worker = i, .seed = seed_init("workers")};
		job[i].seed.state += i;
		assert_int_equal(pthread_create(&thread[i], NULL, work, &job[i]), 0);
	}
	for (uint32_t i = 0; i < WORKERS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(job[i].wrong, 0);
		saved += job[i].saved;
		found += job[i].found;
	}
	print_message(
		"# %llu saved, %llu found\n", (unsigned long long)saved, (unsigned long long)found);
	assert_true(found > REPLIES / 10);
	assert_true(found <= saved);
}

/* Two workers that save replies with the same key at the same time: nobody gets either. */
#define TWINS 20000

static pthread_barrier_t barrier;

static void *twins_save(void *argument)
{
	const bool *earned = argument;

	for (uint64_t i = 0; i < TWINS; i++) {
		pthread_barrier_wait(&barrier);
		interleave_save(
			table, key(FRIEND, NOW + 4 * i), NOW + 4 * i + 2 * *earned, *earned);
	}
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void twins_of_two_workers_are_dropped(void **state)
{
	static bool earned[2] = {false, true};
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&other, NULL, twins_save, &earned[1]), 0);
	twins_save(&earned[0]);
	pthread_join(other, NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(held(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gives_each_time_out_once),
		TEST(gives_it_to_nobody_else),
		TEST(has_the_room_asked_for),
		TEST(has_room_for_many_clients),
		TEST(strangers_displace_no_client),
		TEST(one_client_fills_its_sets_only),
		TEST(the_sets_of_a_client_grow_with_the_table),
		TEST(the_oldest_goes_first),
		TEST(what_is_earned_goes_for_what_is_earned),
		TEST(what_is_earned_goes_last),
		TEST(a_step_of_the_clock_makes_room),
		TEST(a_site_displaces_few_clients),
		TEST(drops_twins),
		TEST(saves_a_burst_of_one_client),
		TEST(says_what_it_holds),
		TEST(workers_share_it),
		TEST(twins_of_two_workers_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
