/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_H
#define DATAPLANE_WORKER_H

/*
 * A worker: one thread on one core that polls a list of port queues and answers. It never
 * blocks, and makes no system call of its own while there is work.
 */

#include "idle.h"
#include "port.h"
#include "server.h"
#include <meridian/policy.h>

#define WORKER_QUEUES_MAX (MERIDIAN_POLICY_NICS_MAX * MERIDIAN_POLICY_QUEUES_MAX)

enum worker_phase {
	WORKER_RUN,
	WORKER_DRAIN, /* answers what is queued, and says so in its state */
	WORKER_STOP,
};

struct worker {
	/* Written by the main thread before the worker starts. */
	struct port_queue **queue; /* owned */
	unsigned int queue_count;
	struct pollfd *wake; /* owned; of those that wake it */
	unsigned int wake_count;
	struct meridian_stats_worker *slot;

	/* Written by the main thread, read by the worker. */
	const struct server_view *view;
	enum worker_phase phase;

	bool returned; /* from worker_run(), or never launched. Read by other threads */

	/* The worker's own. */
	struct server server;
	struct server_burst burst;
	struct port_packet
		packet[PORT_BURST]; /* of the burst; those not answered are in `dropped` */
	struct port_packet dropped[PORT_BURST];
	struct port_packet punted[PORT_BURST]; /* for the kernel */
	struct idle idle;
	uint64_t empty_counter; /* start of the empty turn before a nap; 0: there was no nap */
	unsigned int nap_turns; /* that may still take what came during the nap */
	bool unstamped;         /* has a queue without stamps, or a packet came without */
};

/* Clears the slot's state for a worker on `core` and shows it `view`. Returns 0 or -ENOMEM. */
int worker_init(struct worker *worker, struct meridian_stats_worker *slot, uint32_t core,
	const struct server_view *view);
/* After the worker has returned from worker_run(): its slot becomes ABSENT. */
void worker_fini(struct worker *worker);

/* Gives the worker another queue to poll. Before it starts. */
void worker_add(struct worker *worker, struct port_queue *queue);

/* The thread: polls until the phase is WORKER_STOP. Takes a struct worker, returns 0. */
int worker_run(void *argument);

/* Main thread: moves the worker to a later phase. */
void worker_set_phase(struct worker *worker, enum worker_phase phase);

/* A turn takes microseconds; a worker that needs longer than this hangs. */
#define WORKER_TURN_MAX_MS 2000

/* Says that the worker will never be launched: nobody waits for it. */
void worker_give_up(struct worker *worker);

/*
 * Any other thread: returns when each of `count` workers has ended the turn that it is in, and so
 * sees what was stored before, or has returned from worker_run(). One that is not launched yet is
 * waited for, too. `count` is at most MERIDIAN_STATS_WORKERS_MAX. Takes as long as their longest
 * burst or nap. Returns 0, or -ETIMEDOUT and the number of a worker that hangs.
 */
int worker_wait(const struct worker *worker, unsigned int count, unsigned int *ret_hung);

/*
 * Main thread: shows `view` to `count` running workers and returns when none of them can still
 * look at what it saw before, which may then be freed. Takes as long as worker_wait().
 * Returns 0, or -ETIMEDOUT and the number of a worker that hangs: nothing may be freed then.
 */
int worker_show(struct worker *worker, unsigned int count, const struct server_view *view,
	unsigned int *ret_hung);

#endif
