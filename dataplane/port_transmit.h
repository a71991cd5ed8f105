/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_TRANSMIT_H
#define DATAPLANE_PORT_TRANSMIT_H

/*
 * The way of a device's replies to the wire, between the main thread and the workers that poll its
 * queues: how long it is, as the main thread has learnt (port_delay.h), the one reply at a time
 * that is to be stamped for it, and, where the device sends at given times, when.
 */

#include <device_line.h>
#include <stdbool.h>
#include <stdint.h>

/* Who has the sample. */
enum port_sample {
	PORT_SAMPLE_MAIN,   /* the main thread: none is wanted, or it looks at one */
	PORT_SAMPLE_WANTED, /* the first worker that sends something takes it */
	PORT_SAMPLE_WORKER, /* a worker is about to send it */
	PORT_SAMPLE_SENT,   /* waits for its stamp: the main thread's again */
};

/* A device's. */
struct port_transmit {
	uint64_t way; /* see port_transmit_way() */
	enum port_sample sample;
	uint64_t handed_counter; /* of the sample that was sent */

	/* Where the device sends at given times of its clock: that clock, and how long after they
	 * are handed over replies leave. Else NULL. Before a worker starts. */
	const struct device_line_shared *line;
	uint32_t ahead_ns;
};

/* How long replies take from their handing over to the wire. Both 0: not known. */
struct port_way {
	int32_t delay_ns, error_ns;
};

struct port_queue;

/*
 * Of a queue with `transmit`, before its worker serves a burst of `count` packets, the first of
 * them of `length`: how long replies will take, and whether they are timed (queue->timed). What was
 * set by hand goes before what was measured.
 */
struct port_way port_transmit_prepare(
	struct port_queue *queue, unsigned int count, uint32_t length, uint64_t now_counter);

/* When the device is to send what was handed over at queue->handed_counter, by its own clock, where
 * replies are timed. */
uint64_t port_transmit_device_time(const struct port_queue *queue);

/* Main thread. */
static inline void port_transmit_publish(struct port_transmit *transmit, struct port_way way)
{
	uint64_t word = (uint64_t)(uint32_t)way.error_ns << 32 | (uint32_t)way.delay_ns;

	__atomic_store_n(&transmit->way, word, __ATOMIC_RELAXED);
}

/* Any thread. */
static inline struct port_way port_transmit_way(const struct port_transmit *transmit)
{
	uint64_t word = __atomic_load_n(&transmit->way, __ATOMIC_RELAXED);

	return (struct port_way){
		.delay_ns = (int32_t)(uint32_t)word, .error_ns = (int32_t)(uint32_t)(word >> 32)};
}

/* A worker that is about to send: whether it is to have one packet stamped, and then to tell what
 * became of it. Costs a load where no sample is wanted. */
static inline bool port_sample_take(struct port_transmit *transmit)
{
	enum port_sample wanted = PORT_SAMPLE_WANTED;

	return __atomic_load_n(&transmit->sample, __ATOMIC_RELAXED) == PORT_SAMPLE_WANTED &&
		__atomic_compare_exchange_n(&transmit->sample, &wanted, PORT_SAMPLE_WORKER, false,
			__ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* The packet was handed over at `handed_counter`, or did not fit. */
static inline void port_sample_tell(
	struct port_transmit *transmit, uint64_t handed_counter, bool sent)
{
	transmit->handed_counter = handed_counter;
	__atomic_store_n(
		&transmit->sample, sent ? PORT_SAMPLE_SENT : PORT_SAMPLE_WANTED, __ATOMIC_RELEASE);
}

#endif
