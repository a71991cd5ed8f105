/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_ENGINE_H
#define LOAD_ENGINE_H

/*
 * The polling thread: receives, checks, and sends what is due. One thread does both, so a request
 * is never sent beside the reply to another, and two cores are enough for a measurement: one for
 * the server, one for this.
 */

#include "meter.h"
#include "neighbour.h"
#include "port.h"

#define ENGINE_BURST 64

struct engine_run {
	struct schedule_spec schedule;
	uint64_t warm_up_ticks, duration_ticks, timeout_ticks;
	uint64_t skip_ticks; /* requests that are later than that are not sent; 0: all are */
};

struct rte_mbuf;

struct engine {
	const struct port *port;
	struct traffic *traffic; /* NULL: reflect */
	struct meter *meter;
	struct neighbour_self self;
	unsigned int burst;

	/* Of the polling thread. */
	struct schedule schedule;
	struct rte_mbuf *waiting[ENGINE_BURST]; /* requests that the port did not take yet */
	uint64_t waiting_due[ENGINE_BURST];     /* when they were due, ticks */
	unsigned int waiting_first, waiting_count;
	uint64_t begin_ticks, measure_ticks, end_ticks, stop_ticks;
	uint64_t skip_ticks; /* as in engine_run */
	double unsent; /* requests of the measurement that were due but not sent, at its end */
	uint64_t clock_ticks; /* when to read CLOCK_REALTIME again */

	/* Written by the polling thread, read by the main thread. */
	bool measuring;
	uint64_t turns; /* how often it has come around */
	uint64_t reflected;
	uint64_t refused; /* bursts that the port did not take whole */

	bool stop; /* written by the main thread, also from a signal */
};

/* One run, on the polling thread; returns when the timeout after its last request has passed. */
int engine_measure(void *engine);

/* Prepares a run that begins now. */
void engine_prepare(struct engine *engine, const struct engine_run *run);

/* Answers requests until told to stop. */
int engine_reflect(void *engine);

/* Any other thread: returns when the polling thread has ended the turn that it is in, or is not
 * running, or after 2 s, which nobody is told. */
void engine_wait(const struct engine *engine);

/* Ticks of the counter in a second. */
uint64_t engine_hz(void);

#endif
