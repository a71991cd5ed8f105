/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_WATCH_H
#define CONTROL_STEER_WATCH_H

/*
 * Watches the dataplane by its statistics page. The criterion for life is that a heartbeat
 * moves: it holds for dead, stopped and hung processes, in any pid namespace.
 */

#include <stdbool.h>
#include <stdint.h>

#define WATCH_INTERVAL_NS UINT64_C(50000000)
/* With the interval: a queue is left alone 200 ms after the last heartbeat at the latest. */
#define WATCH_SILENCE_NS UINT64_C(150000000)

enum watch_state {
	WATCH_UNKNOWN, /* seen too briefly to tell: leave things as they are */
	WATCH_POLLING, /* answers what its queues get */
	WATCH_SILENT   /* absent, not polling yet, stopping or hung */
};

/* Starts watching RUNDIR/stats.dataplane, which need not exist. `rundir` must stay valid until
 * watch_fini(). */
void watch_init(const char *rundir);

/* Looks at every heartbeat. `now_ns` is CLOCK_MONOTONIC. */
void watch_tick(uint64_t now_ns);

/* What the last tick made of a worker (its number in the policy and the statistics). */
enum watch_state watch_worker(unsigned int worker);

/* The policy generation that the dataplane had taken over at the last tick; 0: none. */
uint64_t watch_policy_generation(void);

/* Whether the dataplane was about to end at the last tick: a worker of it drains. */
bool watch_dataplane_stops(void);

/* Whether a dataplane runs: its main thread's heartbeat moved lately, or may have. */
bool watch_dataplane_lives(uint64_t now_ns);

void watch_fini(void);

#endif
