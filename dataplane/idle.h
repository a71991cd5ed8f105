/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_IDLE_H
#define DATAPLANE_IDLE_H

/*
 * What a worker does when a turn of its loop found nothing: a ladder from spinning, for the low
 * latency of a loaded server, over watching the queue's memory, where processor and driver can, to
 * naps, the longer the longer nothing comes. A packet that comes meanwhile waits until the nap is
 * over, at most the longest one that is configured.
 */

#include "port.h"
#include <stdbool.h>
#include <stdint.h>

#define IDLE_SPIN_TURNS   1000
#define IDLE_WATCH_TURNS  100
#define IDLE_WATCH_NS     50000 /* at most, of one turn */
#define IDLE_NAP_FIRST_NS 50000
#define IDLE_NAP_GROWTH   16 /* each nap is a 16th longer than the one before */

/* Longest nap of a worker with a queue that has no receive stamps: its packets may have come at any
 * time during a nap, which is told to the client as so much more dispersion. */
#define IDLE_UNSTAMPED_MAX_NS 200000

enum idle_step {
	IDLE_SPIN,  /* pause for an instant */
	IDLE_WATCH, /* sleep on the core until the queue's memory changes, at most IDLE_WATCH_NS */
	IDLE_NAP,   /* nanosleep(2) for nap_ns */
};

/* One worker's. Zero-initialised is busy. */
struct idle {
	uint32_t turns;  /* without a packet, as far as the ladder counts them */
	uint32_t nap_ns; /* of the nap that idle_step() chose last; 0: none since there was work */
};

/* A turn had packets. */
static inline void idle_busy(struct idle *idle)
{
	idle->turns = 0;
	idle->nap_ns = 0;
}

/* A turn had none: chooses what to do now. `nap_max_ns` is the longest nap, 0 for none at all;
 * `watchable` says whether idle_wait() has a queue to watch. Pure. */
enum idle_step idle_step(struct idle *idle, uint32_t nap_max_ns, bool watchable);

/* Does it. `queue` is the one to watch. */
void idle_wait(const struct idle *idle, enum idle_step step, struct port_queue *queue);

#endif
