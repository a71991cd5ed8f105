/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_LOOK_H
#define CONTROL_CTL_LOOK_H

/*
 * A look at an answering process through its stats page: what it says of itself, and what of it
 * moves. A heartbeat that stands still for the whole look belongs to something hung or dead.
 */

#include <meridian/stats.h>
#include <stdbool.h>
#include <stddef.h>

struct look {
	struct meridian_page page;
	int error;                          /* of opening the page; 0: the rest is valid */
	const struct meridian_stats *stats; /* counters: live */
	uint32_t worker_count, port_count;  /* not above what the page has room for */
	uint64_t heartbeat[MERIDIAN_STATS_WORKERS_MAX];
	uint64_t main_heartbeat;
	uint64_t busy_ns[MERIDIAN_STATS_WORKERS_MAX];
	uint64_t opened_ns; /* CLOCK_MONOTONIC; the three before are of then */
	bool moved[MERIDIAN_STATS_WORKERS_MAX];
	bool alive; /* it has not stopped, and moved */
};

#define LOOK_START_S 30 /* a start takes at most that long without a sign of life */

enum look_state {
	LOOK_UNREADABLE,
	LOOK_NEVER_STARTED,
	LOOK_STOPPED,
	LOOK_STARTING, /* no worker polls yet */
	LOOK_RUNNING,
	LOOK_STUCK, /* hung or dead */
};

/* Opens the pages in `rundir` and watches all of them at once, until everything that should move
 * has moved, at most 300 ms. Close each with look_close(), whatever its error. */
void look_all(struct look *looks, const struct meridian_page_kind *const *kinds, size_t count,
	const char *rundir);
void look_close(struct look *look);

/* What the whole process does. */
enum look_state look_state(const struct look *look);

/* "polling", "hung", ... of worker `index` < worker_count. */
const char *look_worker_state(const struct look *look, uint32_t index);

/* Share of the time since the look began that worker `index` had packets, 0..1. */
double look_busy_share(const struct look *look, uint32_t index);

/* The residence time that a share of the packets (0..1) did not exceed, in s, rounded up to its
 * bucket; NaN when there were none. */
double look_residence_s(const struct meridian_stats_worker *worker, double share);

#endif
