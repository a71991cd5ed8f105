/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serverstats.h"
#include <meridian/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char rundir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(rundir, "/tmp/meridian-test-XXXXXX");
	return mkdtemp(rundir) ? 0 : -1;
}

static int teardown(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/%s", rundir, MERIDIAN_STATS_DATAPLANE_NAME);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s.lock", rundir, MERIDIAN_STATS_DATAPLANE_NAME);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", rundir, MERIDIAN_STATS_FALLBACK_NAME);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s.lock", rundir, MERIDIAN_STATS_FALLBACK_NAME);
	unlink(path);
	return rmdir(rundir);
}

/* A page whose worker `index` has counted each of these once, times `factor`. */
static void page_make(const struct meridian_page_kind *kind, size_t index, uint64_t factor)
{
	struct meridian_stats_worker *worker;
	struct meridian_page page;

	assert_int_equal(meridian_page_create(&page, rundir, kind, 0, 0644, NULL), 0);
	worker = &((struct meridian_stats *)page.addr)->worker[index];
	worker->verdict[MERIDIAN_VERDICT_answered] = 100 * factor;
	worker->verdict[MERIDIAN_VERDICT_answered_unsynchronised] = 10 * factor;
	worker->verdict[MERIDIAN_VERDICT_denied] = 7 * factor;
	worker->verdict[MERIDIAN_VERDICT_punt] = 5 * factor;
	worker->stamp[MERIDIAN_STAMP_counter] = 1 * factor;
	worker->stamp[MERIDIAN_STAMP_kernel] = 2 * factor;
	worker->stamp[MERIDIAN_STAMP_xdp] = 3 * factor;
	worker->stamp[MERIDIAN_STAMP_nic] = 4 * factor;
	worker->interleaved = 6 * factor;
	worker->authenticated = 11 * factor;
	((struct meridian_stats *)page.addr)->interleave_held = 8 * factor;
	((struct meridian_stats *)page.addr)->interleave_span_s = (uint32_t)(9 * factor);
	meridian_page_close(&page);
}

static void test_nobody_answers(void **state)
{
	const struct report_server none = {0};
	struct report_server server;

	(void)state;
	memset(&server, 0xff, sizeof(server));
	serverstats_sum(rundir, &server);
	assert_memory_equal(&server, &none, sizeof(none));
}

static void test_both_processes_and_all_workers_count(void **state)
{
	struct report_server server;

	(void)state;
	page_make(&meridian_stats_dataplane_kind, MERIDIAN_STATS_WORKERS_MAX - 1, 1);
	page_make(&meridian_stats_fallback_kind, 0, 1000);
	serverstats_sum(rundir, &server);
	assert_int_equal(server.ntp_hits, 117117);
	assert_int_equal(server.ntp_drops, 7007);
	assert_int_equal(server.daemon_rx, 1001);
	assert_int_equal(server.kernel_rx, 5005);
	assert_int_equal(server.hardware_rx, 4004);
	assert_int_equal(server.daemon_tx, 110110);
	assert_int_equal(server.kernel_tx + server.hardware_tx, 0);
	assert_int_equal(server.interleaved, 6006);
	assert_int_equal(server.authenticated, 11011);
	assert_int_equal(server.interleave_held, 8008);
	assert_int_equal(server.interleave_span_s, 9000); /* of the longer */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nobody_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_both_processes_and_all_workers_count, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
