/* SPDX-License-Identifier: BSD-3-Clause */

/* What `status` makes of a stats page: stopped, hung, never started, and percentiles. */

#include "ctl_look.h"
#include "rundir.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct meridian_page_kind *const kinds[] = {
	&meridian_stats_dataplane_kind, &meridian_stats_fallback_kind};
static const char *directory;
static struct meridian_page page;
static struct meridian_stats *stats;

static int page_make(void **state)
{
	if (rundir_setup(state) != 0)
		return -1;
	directory = *state;
	if (meridian_page_create(&page, directory, kinds[0], sizeof(*stats), 0644, NULL) < 0)
		return -1;
	stats = page.addr;
	return 0;
}

static int page_remove(void **state)
{
	meridian_page_close(&page);
	return rundir_teardown(state);
}

static void hung_and_never_started(void **state)
{
	struct look looks[2];

	(void)state;
	stats->worker_count = 2;
	stats->worker[0].state = MERIDIAN_WORKER_POLLING;
	stats->worker[1].state = MERIDIAN_WORKER_STARTING;
	look_all(looks, kinds, 2, directory);
	assert_int_equal(looks[0].error, 0);
	assert_false(looks[0].alive);
	assert_string_equal(look_worker_state(&looks[0], 0), "hung");
	assert_string_equal(look_worker_state(&looks[0], 1), "starting");
	looks[0].moved[0] = true;
	assert_string_equal(look_worker_state(&looks[0], 0), "polling");
	assert_int_equal(looks[1].error, -ENOENT);
	assert_int_equal(looks[1].worker_count, 0);
	look_close(&looks[0]);
	look_close(&looks[1]);
}

/* What the process does follows from its page, whether its main thread moved, and its age. */
static void state_of_process(void **state)
{
	struct look look;

	(void)state;
	look_all(&look, kinds, 1, directory);
	look.worker_count = 2;
	stats->started_s = (uint64_t)time(NULL);
	stats->worker[0].state = MERIDIAN_WORKER_STARTING;
	stats->worker[1].state = MERIDIAN_WORKER_ABSENT;
	assert_int_equal(look_state(&look), LOOK_STARTING);
	stats->started_s -= LOOK_START_S + 1;
	assert_int_equal(look_state(&look), LOOK_STUCK);
	look.alive = true;
	assert_int_equal(look_state(&look), LOOK_STARTING);
	stats->worker[0].state = MERIDIAN_WORKER_POLLING;
	assert_int_equal(look_state(&look), LOOK_RUNNING);
	look.alive = false;
	assert_int_equal(look_state(&look), LOOK_STUCK);
	look.error = -EPROTO;
	assert_int_equal(look_state(&look), LOOK_UNREADABLE);
	look.error = -ENOENT;
	assert_int_equal(look_state(&look), LOOK_NEVER_STARTED);
	look_close(&look);
}

static void counts_are_limited(void **state)
{
	struct look look;

	(void)state;
	stats->worker_count = UINT32_MAX;
	stats->port_count = UINT32_MAX;
	look_all(&look, kinds, 1, directory);
	assert_int_equal(look.worker_count, MERIDIAN_STATS_WORKERS_MAX);
	assert_int_equal(look.port_count, MERIDIAN_STATS_PORTS_MAX);
	look_close(&look);
}

static void residence(void **state)
{
	struct meridian_stats_worker worker = {.heartbeat = 0};

	(void)state;
	assert_true(isnan(look_residence_s(&worker, 0.5)));
	worker.residence[meridian_residence_bucket(1000)] = 99;
	worker.residence[meridian_residence_bucket(1000000)] = 1;
	assert_in_range(look_residence_s(&worker, 0.5) * 1e9, 1000, 1125);
	assert_in_range(look_residence_s(&worker, 0.99) * 1e9, 1000, 1125);
	assert_in_range(look_residence_s(&worker, 0.999) * 1e9, 1000000, 1125000);
	worker.residence[MERIDIAN_RESIDENCE_BUCKETS - 1] = 100000;
	assert_true(look_residence_s(&worker, 0.999) >= 0.067);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hung_and_never_started),
		cmocka_unit_test(state_of_process),
		cmocka_unit_test(counts_are_limited),
		cmocka_unit_test(residence),
	};

	return cmocka_run_group_tests(tests, page_make, page_remove);
}
