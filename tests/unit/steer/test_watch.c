/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch.h"
#include <meridian/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static char rundir[64];
static struct meridian_page page;
static struct meridian_stats *stats;
static uint64_t now_ns;

static void dataplane_start(void)
{
	assert_int_equal(
		meridian_page_create(&page, rundir, &meridian_stats_dataplane_kind, 0, 0644, NULL),
		0);
	stats = page.addr;
	stats->worker[0].state = MERIDIAN_WORKER_STARTING;
}

static void dataplane_end(void)
{
	meridian_page_close(&page);
	stats = NULL;
}

/* A worker's turn, a look at it, and the time between two looks. */
static enum watch_state beat_and_look(bool beat)
{
	now_ns += WATCH_INTERVAL_NS;
	if (beat)
		stats->worker[0].heartbeat++;
	watch_tick(now_ns);
	return watch_worker(0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(rundir, "/tmp/meridian-test-XXXXXX");
	now_ns = 1000 * MS;
	if (!mkdtemp(rundir))
		return -1;
	watch_init(rundir);
	return 0;
}

static int teardown(void **state)
{
	char path[128];

	(void)state;
	watch_fini();
	dataplane_end();
	snprintf(path, sizeof(path), "%s/%s", rundir, MERIDIAN_STATS_DATAPLANE_NAME);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s.lock", rundir, MERIDIAN_STATS_DATAPLANE_NAME);
	unlink(path);
	return rmdir(rundir);
}

static void test_no_dataplane(void **state)
{
	(void)state;
	watch_tick(now_ns);
	assert_int_equal(watch_worker(0), WATCH_SILENT);
	assert_false(watch_dataplane_lives(now_ns));
	assert_int_equal(watch_worker(MERIDIAN_STATS_WORKERS_MAX), WATCH_SILENT);
}

static void test_polls_only_after_start(void **state)
{
	(void)state;
	dataplane_start();
	assert_int_equal(beat_and_look(true), WATCH_SILENT);
	assert_int_equal(beat_and_look(true), WATCH_SILENT);
	stats->worker[0].state = MERIDIAN_WORKER_POLLING;
	assert_int_equal(beat_and_look(true), WATCH_POLLING);
	assert_int_equal(watch_worker(1), WATCH_SILENT);
}

/* Control that has just started cannot tell a live worker from a hung one. */
static void test_unknown_until_the_heart_moves(void **state)
{
	(void)state;
	dataplane_start();
	stats->worker[0].state = MERIDIAN_WORKER_POLLING;
	assert_int_equal(beat_and_look(false), WATCH_UNKNOWN);
	assert_int_equal(beat_and_look(false), WATCH_UNKNOWN);
	assert_int_equal(beat_and_look(true), WATCH_POLLING);
}

static void test_silent_200_ms_after_the_last_beat(void **state)
{
	uint64_t last_beat_ns;

	(void)state;
	dataplane_start();
	stats->worker[0].state = MERIDIAN_WORKER_POLLING;
	beat_and_look(true);
	assert_int_equal(beat_and_look(true), WATCH_POLLING);
	last_beat_ns = now_ns - WATCH_INTERVAL_NS; /* at worst, right after the look before */
	while (beat_and_look(false) == WATCH_POLLING)
		assert_true(now_ns < last_beat_ns + 250 * MS);
	assert_true(now_ns - last_beat_ns <= 200 * MS);
	assert_int_equal(beat_and_look(true), WATCH_POLLING);
}

static void test_silent_at_once_when_stopping(void **state)
{
	(void)state;
	dataplane_start();
	stats->worker[0].state = MERIDIAN_WORKER_POLLING;
	beat_and_look(true);
	assert_int_equal(beat_and_look(true), WATCH_POLLING);
	assert_false(watch_dataplane_stops());
	stats->worker[0].state = MERIDIAN_WORKER_STOPPING;
	assert_int_equal(beat_and_look(true), WATCH_SILENT);
	assert_true(watch_dataplane_stops());
	stats->worker[0].state = MERIDIAN_WORKER_POLLING;
	stats->head.writer_pid = 0;
	assert_int_equal(beat_and_look(true), WATCH_SILENT);
}

/* Another dataplane has to prove itself, whether it adopts the page or makes a new one. */
static void test_next_dataplane_starts_unknown(void **state)
{
	char path[128];

	(void)state;
	dataplane_start();
	stats->worker[0].state = MERIDIAN_WORKER_POLLING;
	beat_and_look(true);
	assert_int_equal(beat_and_look(true), WATCH_POLLING);
	stats->head.writer_id++;
	assert_int_equal(beat_and_look(true), WATCH_UNKNOWN);
	assert_int_equal(beat_and_look(true), WATCH_POLLING);
	dataplane_end();
	snprintf(path, sizeof(path), "%s/%s", rundir, MERIDIAN_STATS_DATAPLANE_NAME);
	assert_int_equal(unlink(path), 0);
	dataplane_start();
	assert_int_equal(beat_and_look(true), WATCH_SILENT);
}

static void test_policy_that_was_taken_over(void **state)
{
	(void)state;
	watch_tick(now_ns);
	assert_int_equal(watch_policy_generation(), 0);
	dataplane_start();
	stats->policy_generation = 7;
	watch_tick(now_ns);
	assert_int_equal(watch_policy_generation(), 7);
	stats->head.writer_pid = 0;
	watch_tick(now_ns);
	assert_int_equal(watch_policy_generation(), 0);
}

static void test_dataplane_lives_while_its_main_thread_does(void **state)
{
	(void)state;
	dataplane_start();
	assert_true(watch_dataplane_lives(now_ns));
	stats->main_heartbeat++;
	assert_true(watch_dataplane_lives(now_ns + 400 * MS));
	assert_true(watch_dataplane_lives(now_ns + 800 * MS));
	assert_false(watch_dataplane_lives(now_ns + 1000 * MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_dataplane, setup, teardown),
		cmocka_unit_test_setup_teardown(test_polls_only_after_start, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_unknown_until_the_heart_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_silent_200_ms_after_the_last_beat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent_at_once_when_stopping, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_next_dataplane_starts_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy_that_was_taken_over, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_dataplane_lives_while_its_main_thread_does, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
