/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_look.h"
#include <errno.h>
#include <math.h>
#include <meridian/counter.h>
#include <string.h>
#include <time.h>
#include <units.h>

#define GLANCE_NS 50000000
#define GLANCES   6 /* a main loop moves ten times a second */

static uint32_t limited(uint32_t count, uint32_t max)
{
	return count < max ? count : max;
}

static void look_open(struct look *look, const struct meridian_page_kind *kind, const char *rundir)
{
	memset(look, 0, sizeof(*look));
	look->error = meridian_page_open(&look->page, rundir, kind);
	if (look->error < 0)
		return;
	look->stats = look->page.addr;
	look->worker_count = limited(look->stats->worker_count, MERIDIAN_STATS_WORKERS_MAX);
	look->port_count = limited(look->stats->port_count, MERIDIAN_STATS_PORTS_MAX);
	look->main_heartbeat = meridian_stats_get(&look->stats->main_heartbeat);
	look->opened_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	for (uint32_t i = 0; i < look->worker_count; i++) {
		look->heartbeat[i] = meridian_stats_get(&look->stats->worker[i].heartbeat);
		look->busy_ns[i] = meridian_stats_get(&look->stats->worker[i].busy_ns);
	}
}

static bool worker_should_move(const struct look *look, uint32_t index)
{
	uint64_t state = meridian_stats_get(&look->stats->worker[index].state);

	return state == MERIDIAN_WORKER_POLLING || state == MERIDIAN_WORKER_STOPPING;
}

/* Looks again. True when nothing is left to wait for. */
static bool look_again(struct look *look)
{
	bool done = true;

	if (look->error < 0 || look->stats->head.writer_pid == 0)
		return true;
	if (meridian_stats_get(&look->stats->main_heartbeat) != look->main_heartbeat)
		look->alive = true;
	for (uint32_t i = 0; i < look->worker_count; i++) {
		if (meridian_stats_get(&look->stats->worker[i].heartbeat) != look->heartbeat[i])
			look->moved[i] = true;
		done = done && (look->moved[i] || !worker_should_move(look, i));
	}
	return done && look->alive;
}

void look_all(struct look *looks, const struct meridian_page_kind *const *kinds, size_t count,
	const char *rundir)
{
	bool done = false;

	for (size_t i = 0; i < count; i++)
		look_open(&looks[i], kinds[i], rundir);
	for (int glance = 0; glance < GLANCES && !done; glance++) {
		nanosleep(&(struct timespec){.tv_nsec = GLANCE_NS}, NULL);
		done = true;
		for (size_t i = 0; i < count; i++)
			done = look_again(&looks[i]) && done;
	}
}

void look_close(struct look *look)
{
	meridian_page_close(&look->page);
}

static bool look_polls(const struct look *look)
{
	for (uint32_t i = 0; i < look->worker_count; i++) {
		if (worker_should_move(look, i))
			return true;
	}
	return false;
}

enum look_state look_state(const struct look *look)
{
	if (look->error < 0)
		return look->error == -ENOENT ? LOOK_NEVER_STARTED : LOOK_UNREADABLE;
	if (look->stats->head.writer_pid == 0)
		return LOOK_STOPPED;
	if (look_polls(look))
		return look->alive ? LOOK_RUNNING : LOOK_STUCK;
	/* Memory and interfaces are set up in long calls, in which nothing moves. */
	if (look->alive || (uint64_t)time(NULL) - look->stats->started_s < LOOK_START_S)
		return LOOK_STARTING;
	return LOOK_STUCK;
}

const char *look_worker_state(const struct look *look, uint32_t index)
{
	switch (meridian_stats_get(&look->stats->worker[index].state)) {
	case MERIDIAN_WORKER_STARTING:
		return "starting";
	case MERIDIAN_WORKER_POLLING:
		return look->moved[index] ? "polling" : "hung";
	case MERIDIAN_WORKER_STOPPING:
		return look->moved[index] ? "stopping" : "hung";
	default:
		return "stopped";
	}
}

double look_busy_share(const struct look *look, uint32_t index)
{
	uint64_t busy_ns =
		meridian_stats_get(&look->stats->worker[index].busy_ns) - look->busy_ns[index];
	uint64_t ns = meridian_clock_ns(CLOCK_MONOTONIC) - look->opened_ns;

	return ns > 0 && busy_ns < ns ? (double)busy_ns / (double)ns : busy_ns > 0;
}

double look_residence_s(const struct meridian_stats_worker *worker, double share)
{
	uint64_t counts[MERIDIAN_RESIDENCE_BUCKETS], total = 0, seen = 0;
	unsigned int bucket = 0;

	for (unsigned int i = 0; i < MERIDIAN_RESIDENCE_BUCKETS; i++) {
		counts[i] = meridian_stats_get(&worker->residence[i]);
		total += counts[i];
	}
	if (total == 0)
		return NAN;
	while (bucket < MERIDIAN_RESIDENCE_BUCKETS - 1) {
		seen += counts[bucket];
		if ((double)seen >= share * (double)total)
			break;
		bucket++;
	}
	return (double)meridian_residence_floor_ns(bucket + 1) / NS_PER_SECOND;
}
