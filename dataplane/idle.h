/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_IDLE_H
#define DATAPLANE_IDLE_H

/*
 * What a worker does when a turn of its loop found nothing: a ladder from spinning, for the low
 * latency of a loaded server, over watching the queue's memory, where processor and driver can, to
 * naps, the longer the longer nothing comes. A packet that comes meanwhile waits until the nap is
 * over, at most the longest one that is configured. Where the kernel tells of each packet that
 * comes (wake_fd() of port.h), a nap ends at once, and so can be long from the first.
 */

#include "port.h"
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define IDLE_SPIN_TURNS   1000
#define IDLE_WATCH_TURNS  100
#define IDLE_WATCH_NS     50000 /* at most, of one turn */
#define IDLE_NAP_FIRST_NS 50000
#define IDLE_NAP_GROWTH   16 /* each nap is a 16th longer than the one before */

/* A nap that each packet ends: as long as others may have to wait for a turn of the worker. */
#define IDLE_NAP_ROUSED_NS 10000000

/* Longest nap of a worker with a queue that has no receive stamps: its packets may have come at any
 * time during a nap, which is told to the client as so much more dispersion. */
#define IDLE_UNSTAMPED_MAX_NS 200000

enum idle_step {
	IDLE_SPIN,  /* pause for an instant */
	IDLE_WATCH, /* sleep on the core until the queue's memory changes, at most IDLE_WATCH_NS */
	IDLE_NAP,   /* sleep for nap_ns, or until a packet rouses the worker */
};

/* One worker's. Zero-initialised is busy. */
struct idle {
	uint32_t turns;  /* without a packet, as far as the ladder counts them */
	uint32_t nap_ns; /* of the nap that idle_step() chose last; 0: none since there was work */
	bool roused;     /* the last nap was ended by a packet, which no turn has found since */
};

/* Where a worker waits. */
struct idle_place {
	struct port_queue *watched; /* its only queue, which can be watched; else NULL */
	struct pollfd *wake;        /* of its queues, those with a wake_fd() */
	unsigned int wake_count;
	bool rousing; /* every packet ends a nap, and none is told to have come during it */
};

/* A turn had packets. */
static inline void idle_busy(struct idle *idle)
{
	idle->turns = 0;
	idle->nap_ns = 0;
	idle->roused = false;
}

/* A turn had none: chooses what to do now. `nap_max_ns` is the longest nap that no packet ends, 0
 * for none at all of any kind. Pure. */
enum idle_step idle_step(struct idle *idle, uint32_t nap_max_ns, const struct idle_place *place);

/* Does it. */
void idle_wait(struct idle *idle, enum idle_step step, const struct idle_place *place);

#endif
