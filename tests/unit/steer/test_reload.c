/* SPDX-License-Identifier: BSD-3-Clause */

/* Steering on a host without a `nic`, through reloads that free the config before. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steer.h"
#include <meridian/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
static const struct config *config_next(size_t rules)
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

static void reload(size_t rules)
{
	const struct config *config = config_next(rules);

	steer_reload(config);
	config_wipe_other(config);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reloads_take_over_the_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reloads_take_over_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_statistics_are_found_after_reloads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
