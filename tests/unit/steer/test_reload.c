/* SPDX-License-Identifier: BSD-3-Clause */

/* Steering on a host without a `nic`, through reloads that free the config before. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access_rules.h"
#include "event.h"
#include "steer.h"
#include <endian.h>
#include <meridian/keys.h>
#include <meridian/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWERED 42

static char rundir[64];
static struct config configs[2]; /* used in turn, as control does */
static struct config_rule rule;

/* Removes a page and its lock. */
static void remove_page(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", rundir, name);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/%s.lock", rundir, name);
	assert_int_equal(unlink(path), 0);
}

/* A statistics page of a process that has answered. */
static void stats_make(void)
{
	struct meridian_page page;

	assert_int_equal(
		meridian_page_create(&page, rundir, &meridian_stats_fallback_kind, 0, 0644, NULL),
		0);
	((struct meridian_stats *)page.addr)->worker[0].verdict[MERIDIAN_VERDICT_answered] =
		ANSWERED;
	meridian_page_close(&page);
}

/* A config with `rules` access rules; the one of before is wiped, as config_free() does. */
static struct config *config_next(size_t rules)
{
	static unsigned int turn;
	struct config *config = &configs[turn++ % 2];

	*config = (struct config){.rule = &rule,
		.rule_count = rules,
		.counter_id = 1,
		.ratelimit_interval_log2 = -7,
		.ratelimit_burst = (uint8_t)turn,
		.interleave_entries = turn};
	snprintf(config->rundir, sizeof(config->rundir), "%s", rundir);
	return config;
}

static void config_wipe_other(const struct config *config)
{
	memset(config == &configs[0] ? &configs[1] : &configs[0], 0, sizeof(configs[0]));
}

static int setup(void **state)
{
	(void)state;
	strcpy(rundir, "/tmp/meridian-test-XXXXXX");
	if (!mkdtemp(rundir))
		return -1;
	rule.access = (struct meridian_policy_access){.family = MERIDIAN_FAMILY_IPV4, .allow = 1};
	stats_make();
	return steer_init(config_next(0), 1);
}

static int teardown(void **state)
{
	(void)state;
	steer_fini();
	remove_page(MERIDIAN_STATS_FALLBACK_NAME);
	remove_page(MERIDIAN_POLICY_NAME);
	remove_page(MERIDIAN_KEYS_NAME);
	return rmdir(rundir);
}

static struct meridian_policy_blob published(void)
{
	struct meridian_policy_blob *blob, head;
	struct meridian_page page;

	assert_int_equal(meridian_page_open(&page, rundir, &meridian_policy_kind), 0);
	assert_int_equal(meridian_policy_read(&page, &blob), 0);
	head = *blob;
	free(blob);
	meridian_page_close(&page);
	return head;
}

static void take_over(const struct config *config)
{
	struct meridian_policy_access *table;
	size_t count;

	assert_int_equal(access_rules_resolve(config->rule, config->rule_count, &table, &count), 0);
	steer_reload(config, table, count);
	config_wipe_other(config);
}

static void reload(size_t rules)
{
	take_over(config_next(rules));
}

static void test_reloads_take_over_the_rules(void **state)
{
	(void)state;
	assert_int_equal(published().access.count, 0);
	reload(1);
	assert_int_equal(published().access.count, 1);
	reload(0);
	assert_int_equal(published().access.count, 0);
}

/* Each config of this test has another burst and another table of transmit times. */
static void test_reloads_take_over_limits(void **state)
{
	uint8_t burst = published().ratelimit_burst;
	uint32_t entries = published().interleave_entries;

	(void)state;
	assert_int_equal(published().ratelimit_interval_log2, -7);
	reload(0);
	assert_int_equal(published().ratelimit_burst, burst + 1);
	assert_int_equal(published().interleave_entries, entries + 1);
	reload(0);
	assert_int_equal(published().ratelimit_burst, burst + 2);
}

#define MANY_RULES 100000

static struct config_rule many_rules[MANY_RULES];

/* IPv4 addresses from `first` on. */
static void reload_many(uint32_t first)
{
	struct config *config = config_next(MANY_RULES);

	for (uint32_t i = 0; i < MANY_RULES; i++) {
		uint32_t octets = htobe32(first + i);

		many_rules[i].access = (struct meridian_policy_access){
			.family = MERIDIAN_FAMILY_IPV4, .prefix_len = 32, .allow = 1};
		memcpy(many_rules[i].access.octets, &octets, sizeof(octets));
	}
	config->rule = many_rules;
	take_over(config);
}

static void quit(void *arg)
{
	(void)arg;
	event_quit();
}

/* One turn of the loop: what is due, once. */
static void turn(void)
{
	event_add_timer(0, quit, NULL);
	assert_int_equal(event_loop(), 0);
}

/* They reach the page in several turns of the loop, together; a reload in between begins anew. */
static void test_many_rules_leave_the_loop_its_turns(void **state)
{
	uint64_t generation = published().generation;
	struct report_address first = {.family = MERIDIAN_FAMILY_IPV4, .octets = {1}};
	struct report_address second = {.family = MERIDIAN_FAMILY_IPV4, .octets = {2}};
	int turns = 0;

	(void)state;
	reload_many(1 << 24);
	assert_int_equal(published().generation, generation);
	turn();
	reload_many(2 << 24);
	assert_false(steer_allows(&first));
	for (; published().generation == generation && turns < 100; turns++) {
		assert_int_equal(published().access.count, 0);
		turn();
	}
	assert_in_range(turns, 4, 8); /* some 2.4 MB, and as much to grow */
	assert_int_equal(published().generation, generation + 1);
	assert_int_equal(published().access.count, MANY_RULES);
	assert_true(steer_allows(&second));
}

static void test_statistics_are_found_after_reloads(void **state)
{
	struct report_server server;

	(void)state;
	for (int i = 0; i < 3; i++) {
		steer_report_server(&server);
		assert_int_equal(server.ntp_hits, ANSWERED);
		reload(1);
	}
}

/* What is on the page now; NULL: nothing. For free(). */
static struct meridian_keys_blob *published_keys(void)
{
	struct meridian_keys_blob *keys;
	struct meridian_page page;

	assert_int_equal(meridian_page_open(&page, rundir, &meridian_keys_kind), 0);
	assert_int_equal(meridian_keys_read(&page, &keys), 0);
	meridian_page_close(&page);
	return keys;
}

/* How often `text` is in the file of keys. */
static int occurrences(const char *text)
{
	struct meridian_page page;
	int count = 0;

	assert_int_equal(meridian_page_open(&page, rundir, &meridian_keys_kind), 0);
	for (size_t i = 0; i + strlen(text) <= page.size; i++)
		count += memcmp((const char *)page.addr + i, text, strlen(text)) == 0;
	meridian_page_close(&page);
	return count;
}

#define SECRET "sixteen octets !"

/* Published as a whole, read by the group only, and gone without a trace. */
static void test_reloads_take_over_the_keys(void **state)
{
	struct {
		struct meridian_keys_blob blob;
		struct meridian_key key;
		char octets[16];
	} keys = {.blob = {.size = sizeof(keys), .count = 1},
		.key = {7, offsetof(__typeof__(keys), octets), 16, MERIDIAN_KEY_AES128, {0}}};
	struct meridian_keys_blob *found = published_keys();
	uint64_t generation = found->generation;
	struct stat status;
	char path[128];

	(void)state;
	assert_int_equal(found->count, 0);
	free(found);
	memcpy(keys.octets, SECRET, 16);
	for (int round = 0; round < 3; round++) {
		struct config *config = config_next(0);

		config->keys = round < 2 ? &keys.blob : NULL;
		take_over(config);
		found = published_keys();
		assert_int_equal(found->count, round < 2);
		/* What is the same is not published again. */
		assert_int_equal(found->generation, generation + (round < 2 ? 1 : 2));
		assert_int_equal(occurrences(SECRET), round < 2);
		free(found);
	}
	snprintf(path, sizeof(path), "%s/" MERIDIAN_KEYS_NAME, rundir);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reloads_take_over_the_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reloads_take_over_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reloads_take_over_the_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_many_rules_leave_the_loop_its_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_statistics_are_found_after_reloads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
