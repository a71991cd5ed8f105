/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_server.h"
#include "source/ntp_poll.h"
#include "source/pool.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <units.h>

#include <cmocka.h>

#define START_NS  (1000 * NS_PER_SECOND)
#define SOURCES   6
#define ROUND_S   0.02 /* of the first source; each is a little farther than the one before */
#define FARTHER_S 0.001

#define MAX_DISTANCE_S 3

/* The test is the servers: what they would have said, without asking them. */
static struct pool pool;
static struct source source[SOURCES];
static struct config_source line[SOURCES];
static uint64_t now_ns;

static struct config config = {.max_jitter_s = 1, .min_sources = 1};
static const struct timescale timescale = {
	.counter = START_NS, .hz = NS_PER_SECOND, .utc = {.s = 1800000000}, .wander = 1e-6};
static const struct counter counter = {.id = MERIDIAN_COUNTER_MONOTONIC_RAW, .hz = NS_PER_SECOND};
static struct source_context context = {
	.config = &config, .counter = &counter, .timescale = &timescale};

void ntp_name_init(struct ntp_name *name, const struct config_server *server,
	const struct ntp_servers *servers)
{
	(void)name, (void)server, (void)servers;
}

void ntp_name_start(struct ntp_name *name)
{
	(void)name;
}

void ntp_server_start(struct ntp_server *server, const struct source_context *its_context,
	struct ntp_name *name, size_t index)
{
	(void)server, (void)its_context, (void)name, (void)index;
}

static unsigned int asked_again;

void ntp_poll_ask_again(struct ntp_server *server, size_t turn)
{
	(void)server, (void)turn;
	asked_again++;
}

void refclock_start(struct refclock *refclock, const struct source_context *its_context,
	const struct config_refclock *clock, const struct refclock *lock)
{
	(void)refclock, (void)its_context, (void)clock, (void)lock;
}

/* `count` servers, of which none was heard yet. */
static void start(size_t count)
{
	now_ns = START_NS;
	config.max_distance_s = MAX_DISTANCE_S;
	pool_start(&pool, &context);
	pool.start_counter = START_NS;
	for (size_t i = 0; i < count; i++) {
		line[i] = (struct config_source){.offset_s = 0};
		source_init(&source[i], NULL, &context, &line[i]);
		source[i].address.family = MERIDIAN_FAMILY_IPV4;
		source[i].stratum = 1;
		pool.source[pool.count++] = &source[i];
	}
}

static void answer(size_t index, double offset_s)
{
	struct sample sample = {.counter = now_ns,
		.offset_s = offset_s,
		.delay_s = ROUND_S + (double)index * FARTHER_S};

	source[index].reach = 1;
	source[index].heard = now_ns;
	source_add(&source[index], &sample, now_ns);
}

/* It was asked so often that it had its chance. */
static void stay_silent(size_t index)
{
	source[index].polls = 8;
}

static bool settles_at(double seconds)
{
	now_ns = START_NS + (uint64_t)(seconds * (double)NS_PER_SECOND);
	return pool_is_settled(&pool, now_ns);
}

static bool settle_at(double seconds)
{
	now_ns = START_NS + (uint64_t)(seconds * (double)NS_PER_SECOND);
	return pool_settle(&pool, now_ns);
}

static void everybody_is_waited_for(void **state)
{
	(void)state;
	start(3);
	assert_false(settles_at(0.1));
	answer(0, 0);
	answer(1, 0);
	assert_false(settles_at(1));
	answer(2, 0);
	assert_true(settles_at(1));
}

static void one_dead_server_costs_no_time(void **state)
{
	(void)state;
	start(3);
	answer(0, 0);
	answer(1, 0);
	stay_silent(2);
	assert_true(settles_at(5));
	start(2);
	answer(0, 0);
	stay_silent(1);
	assert_true(settles_at(5));
}

/* One of three, three of five. */
static void who_may_lie_does_not_lead_alone(void **state)
{
	(void)state;
	start(3);
	answer(0, 0);
	stay_silent(1);
	stay_silent(2);
	assert_false(settles_at(15));
	assert_true(settles_at(21));
	start(5);
	for (size_t i = 0; i < 3; i++)
		answer(i, 0);
	stay_silent(3);
	stay_silent(4);
	assert_false(settles_at(15));
	answer(3, 0);
	assert_true(settles_at(15));
}

static void who_is_vouched_for_leads_alone(void **state)
{
	(void)state;
	start(3);
	line[0].select.trust = true;
	answer(0, 0);
	stay_silent(1);
	stay_silent(2);
	assert_true(settles_at(5));
}

/* Of three the two honest ones are too far to have a vote. */
static void who_has_no_vote_is_not_enough(void **state)
{
	(void)state;
	start(3);
	answer(0, 0);
	config.max_distance_s = (ROUND_S + FARTHER_S / 2) / 2;
	answer(1, 0);
	answer(2, 0);
	assert_false(settles_at(0.1));
	assert_true(settles_at(21));
	start(3);
	answer(2, 0);
	config.max_distance_s = (ROUND_S + FARTHER_S / 2) / 2;
	stay_silent(0);
	stay_silent(1);
	assert_false(settles_at(11));
	line[2].select.trust = true;
	assert_false(settles_at(9));
	config.max_distance_s = MAX_DISTANCE_S;
	assert_true(settles_at(9));
}

/* They have no say, heard or not. */
static void who_has_no_say_is_not_counted(void **state)
{
	(void)state;
	start(3);
	line[2].select.noselect = true;
	answer(0, 0);
	stay_silent(1);
	assert_true(settles_at(5));
	line[2].select.noselect = false;
	source[2].absent = true;
	assert_true(settles_at(5));
	source[2].absent = false;
	source[2].follower = true;
	assert_true(settles_at(5));
}

/* With nobody at all `local` need not wait longer. */
static void nobody_is_no_liar(void **state)
{
	(void)state;
	start(3);
	for (size_t i = 0; i < 3; i++)
		stay_silent(i);
	assert_true(settles_at(5));
}

/* `count` servers on a network that comes so late that all had their chance, or their time. */
static void start_late(size_t count, bool asked)
{
	start(count);
	for (size_t i = 0; i < count && asked; i++)
		stay_silent(i);
	assert_false(settle_at(asked ? 5 : 30));
	now_ns = START_NS + 40 * NS_PER_SECOND;
}

/* Who is the first then is no better than who is the first at once. */
static void nobody_leads_alone_when_the_network_is_late(void **state)
{
	(void)state;
	for (int asked = 0; asked < 2; asked++) {
		start_late(3, asked != 0);
		answer(0, 0);
		assert_false(settle_at(40));
		assert_false(settle_at(59));
		assert_true(settle_at(61));
		start_late(3, asked != 0);
		answer(0, 0);
		assert_false(settle_at(40));
		answer(1, 0);
		assert_false(settle_at(41));
		answer(2, 0);
		assert_true(settle_at(41));
	}
}

/* A second wait is no longer than it must be. */
static void late_network_costs_little_time(void **state)
{
	(void)state;
	start_late(1, true);
	answer(0, 0);
	assert_true(settle_at(40));
	start_late(2, true);
	answer(0, 0);
	assert_false(settle_at(40));
	assert_true(settle_at(51));
	start_late(2, true);
	source[1].follower = true;
	answer(0, 0);
	assert_true(settle_at(40));
	start_late(2, true);
	source[1].stopped = true;
	answer(0, 0);
	assert_true(settle_at(40));
}

/* All gave up, and may come back. */
static void who_gave_up_is_waited_for_when_back(void **state)
{
	(void)state;
	start(3);
	for (size_t i = 0; i < 3; i++)
		source[i].stopped = true;
	assert_false(settle_at(1));
	for (size_t i = 0; i < 3; i++)
		source[i].stopped = false;
	now_ns = START_NS + 40 * NS_PER_SECOND;
	answer(0, 0);
	assert_false(settle_at(40));
	answer(1, 0);
	answer(2, 0);
	assert_true(settle_at(41));
}

/* Answers without a sample are no reason to believe the first sample. */
static void who_answers_uselessly_is_not_heard(void **state)
{
	(void)state;
	start(3);
	source[1].reach = source[2].reach = 1;
	assert_false(settle_at(30));
	now_ns = START_NS + 40 * NS_PER_SECOND;
	answer(0, 0);
	assert_false(settle_at(40));
	assert_true(settle_at(61));
}

static void outage_begins_the_wait_again(void **state)
{
	(void)state;
	start(3);
	for (size_t i = 0; i < 3; i++)
		answer(i, 0);
	assert_true(settle_at(1));
	for (size_t i = 0; i < 3; i++)
		source[i].reach = 0;
	assert_false(settle_at(1000));
	now_ns = START_NS + 2000 * NS_PER_SECOND;
	answer(0, 0);
	assert_false(settle_at(2000));
	answer(1, 0);
	assert_false(settle_at(2009));
	assert_true(settle_at(2011));
}

/* The round trip of the source whose bound is that of the clock. */
static double bound_delay_s(void)
{
	struct estimate combined;
	struct clock_line clock = {.counter = now_ns};
	const struct source *best = pool_select(&pool, NULL, now_ns, &combined);

	assert_non_null(best);
	return pool_bound(&pool, best, &clock).distance.delay_s;
}

static void assert_bound_of(size_t index)
{
	assert_true(fabs(bound_delay_s() - (ROUND_S + (double)index * FARTHER_S)) < 1e-9);
}

static void bound_is_not_of_a_liar(void **state)
{
	(void)state;
	start(2);
	answer(0, 0);
	answer(1, 0);
	assert_bound_of(0);
	start(3);
	for (size_t i = 0; i < 3; i++)
		answer(i, 0);
	assert_bound_of(1);
	line[0].select.trust = true;
	assert_bound_of(0);
}

/* Of those that were selected, as long as no others are. */
static void tells_whence_its_time_comes(void **state)
{
	struct reference_ids own = {.filter = {0}}, expected;
	struct estimate combined;

	(void)state;
	start(3);
	reference_ids_add(&own, pool.reference_id);
	assert_memory_equal(pool_reference_ids(&pool), &own, sizeof(own));
	context.goes_on = true; /* those of the run before hold until some are selected */
	assert_null(pool_reference_ids(&pool));
	for (uint8_t i = 0; i < 3; i++)
		source[i].address.octets[0] = i;
	for (size_t i = 0; i < 3; i++)
		answer(i, i == 2 ? MAX_DISTANCE_S : 0);
	assert_non_null(pool_select(&pool, NULL, now_ns, &combined));
	expected = own;
	for (size_t i = 0; i < 2; i++)
		reference_ids_add_server(&expected, source[i].address.octets, MERIDIAN_FAMILY_IPV4);
	assert_int_equal(source[2].state, SELECT_FALSETICKER);
	assert_memory_equal(pool_reference_ids(&pool), &expected, sizeof(expected));
	config.max_distance_s = 0; /* nobody can be used */
	assert_null(pool_select(&pool, NULL, now_ns, &combined));
	assert_memory_equal(pool_reference_ids(&pool), &expected, sizeof(expected));
	config.max_distance_s = MAX_DISTANCE_S;
	source[0].address.family = 0;
	source[0].refid = 0x47505300;
	for (size_t i = 0; i < 2; i++)
		answer(i, 0);
	assert_non_null(pool_select(&pool, NULL, now_ns, &combined));
	expected = own;
	reference_ids_add_clock(&expected, source[0].refid);
	reference_ids_add_server(&expected, source[1].address.octets, MERIDIAN_FAMILY_IPV4);
	assert_memory_equal(pool_reference_ids(&pool), &expected, sizeof(expected));
}

/* Who is silent makes no liar less: of three, one that is heard may be it. */
static void bound_counts_who_is_silent(void **state)
{
	(void)state;
	start(3);
	answer(0, 0);
	answer(1, 0);
	assert_bound_of(1);
	start(5);
	for (size_t i = 0; i < 4; i++)
		answer(i, 0);
	assert_bound_of(2);
	start(5);
	for (size_t i = 0; i < 3; i++)
		answer(i, 0);
	assert_bound_of(1);
	start(5);
	answer(0, 0);
	assert_bound_of(0);
}

/* When it is the network, all know as much as before, whoever is given up first. */
static void who_falls_silent_with_all_keeps_his_vote(void **state)
{
	(void)state;
	start(3);
	for (size_t i = 0; i < 3; i++) {
		answer(i, 0);
		source[i].poll_log2 = 6;
	}
	source[1].reach = source[2].reach = 0;
	assert_bound_of(1);
	assert_int_equal(source[2].state, SELECT_COMBINED);
	source[0].reach = 0;
	assert_false(settle_at(1));
	/* They are silent alone. */
	now_ns += 200 * NS_PER_SECOND;
	answer(0, 0);
	assert_bound_of(0);
	assert_int_equal(source[2].state, SELECT_UNUSABLE);
}

/* A liar that is found out is none any more, but only a majority of all can tell. */
/* Who is heard first when the network is back does not decide alone. */
static void who_is_outlived_is_asked_again(void **state)
{
	struct bound bound[POOL_SOURCES_MAX];
	struct clock_line line_now = {.counter = START_NS};
	struct source *silent = &pool.server[0].source;

	(void)state;
	start(2);
	answer(0, 0);
	answer(1, 0);
	*silent = source[1];
	silent->reach = 0;
	pool.source[1] = silent;
	pool.servers.server[pool.servers.count++] = &pool.server[0];
	asked_again = 0;
	settle_at(100);
	assert_int_equal(asked_again, 0);
	answer(0, 0);
	settle_at(100);
	settle_at(109);
	assert_int_equal(asked_again, 1);
	assert_int_equal(pool_bounds(&pool, &line_now, bound), 2);
	settle_at(111);
	assert_int_equal(pool_bounds(&pool, &line_now, bound), 1);
	/* It is asked once for each silence. */
	settle_at(200);
	assert_int_equal(asked_again, 1);
}

static void bound_forgets_who_is_refuted(void **state)
{
	(void)state;
	start(3);
	answer(0, 0);
	answer(1, 0);
	answer(2, 1);
	assert_bound_of(0);
	assert_int_equal(source[2].state, SELECT_FALSETICKER);
	start(5);
	for (size_t i = 0; i < 5; i++)
		answer(i, i == 4);
	assert_bound_of(1);
	start(6);
	for (size_t i = 0; i < 4; i++)
		answer(i, i == 3);
	assert_bound_of(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_is_waited_for),
		cmocka_unit_test(tells_whence_its_time_comes),
		cmocka_unit_test(one_dead_server_costs_no_time),
		cmocka_unit_test(who_may_lie_does_not_lead_alone),
		cmocka_unit_test(who_is_vouched_for_leads_alone),
		cmocka_unit_test(who_has_no_vote_is_not_enough),
		cmocka_unit_test(who_has_no_say_is_not_counted),
		cmocka_unit_test(nobody_is_no_liar),
		cmocka_unit_test(nobody_leads_alone_when_the_network_is_late),
		cmocka_unit_test(late_network_costs_little_time),
		cmocka_unit_test(who_gave_up_is_waited_for_when_back),
		cmocka_unit_test(who_answers_uselessly_is_not_heard),
		cmocka_unit_test(outage_begins_the_wait_again),
		cmocka_unit_test(who_falls_silent_with_all_keeps_his_vote),
		cmocka_unit_test(bound_is_not_of_a_liar),
		cmocka_unit_test(bound_counts_who_is_silent),
		cmocka_unit_test(who_is_outlived_is_asked_again),
		cmocka_unit_test(bound_forgets_who_is_refuted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
