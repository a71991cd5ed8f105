/* SPDX-License-Identifier: BSD-3-Clause */
#include "serverstats.h"
#include <meridian/stats.h>
#include <string.h>

static void worker_add(const struct meridian_stats_worker *worker, struct report_server *server)
{
	uint64_t answered = 0, dropped = 0;

	for (unsigned int i = 0; i < MERIDIAN_VERDICT_COUNT; i++) {
		uint64_t packets = meridian_stats_get(&worker->verdict[i]);

		if (meridian_verdict_outcome(i) == MERIDIAN_OUTCOME_ANSWER)
			answered += packets;
		else if (meridian_verdict_outcome(i) == MERIDIAN_OUTCOME_DROP)
			dropped += packets;
	}
	server->ntp_hits += answered + dropped;
	server->ntp_drops += dropped;
	server->daemon_tx += answered;
	server->interleaved += meridian_stats_get(&worker->interleaved);
	server->authenticated += meridian_stats_get(&worker->authenticated);
	server->daemon_rx += meridian_stats_get(&worker->stamp[MERIDIAN_STAMP_counter]);
	server->kernel_rx += meridian_stats_get(&worker->stamp[MERIDIAN_STAMP_kernel]) +
		meridian_stats_get(&worker->stamp[MERIDIAN_STAMP_xdp]);
	server->hardware_rx += meridian_stats_get(&worker->stamp[MERIDIAN_STAMP_nic]);
}

static void page_add(
	const char *rundir, const struct meridian_page_kind *kind, struct report_server *server)
{
	const struct meridian_stats *stats;
	struct meridian_page page;
	uint32_t span_s;

	if (meridian_page_open(&page, rundir, kind) < 0)
		return;
	stats = page.addr;
	for (size_t i = 0; i < MERIDIAN_STATS_WORKERS_MAX; i++)
		worker_add(&stats->worker[i], server);
	server->interleave_held += meridian_stats_get(&stats->interleave_held);
	span_s = __atomic_load_n(&stats->interleave_span_s, __ATOMIC_RELAXED);
	if (span_s > server->interleave_span_s)
		server->interleave_span_s = span_s;
	meridian_page_close(&page);
}

void serverstats_sum(const char *rundir, struct report_server *ret_server)
{
	memset(ret_server, 0, sizeof(*ret_server));
	page_add(rundir, &meridian_stats_dataplane_kind, ret_server);
	page_add(rundir, &meridian_stats_fallback_kind, ret_server);
}
