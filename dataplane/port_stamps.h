/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_STAMPS_H
#define DATAPLANE_PORT_STAMPS_H

/* Stamps that a device has taken with its own clock. */

#include "port.h"
#include "stamp.h"

/*
 * Deliveries: how long before the kernel's stamp of a packet the device's was, as far as that can
 * be one (67 ms). Of some queues together; starts zeroed. The main thread's.
 */
struct port_deliveries {
	uint64_t count[MERIDIAN_RESIDENCE_BUCKETS], all;
};

void port_deliveries_add(struct port_deliveries *deliveries, const struct port_queue *queue);

/* So long, in ns and to an eighth, `percent` (1 to 100) of them took at most; 0: there were none.
 */
uint64_t port_deliveries_most_ns(const struct port_deliveries *deliveries, unsigned int percent);

/*
 * Makes counter values of the device's stamps in a burst of a queue with a device_line, `count`
 * packets that were taken from it by `now`, the counter with the queue's stamp_clock, if it has
 * one; a stamp that is not believed, or is not there, is counted, and its packet keeps what else it
 * has. A stamp is of the frame's begin, T2 of its end, and rxcomp is taken off. Returns how far off
 * the others may be, in ns; 0: there are none. The queue's worker. No system call.
 *
 * The kernel's stamp of a packet comes after the device's, and within the queue's delivery_ns: that
 * is a tighter proof than when the queue was last seen empty, and holds after naps, too.
 */
uint64_t port_stamps_judge(struct port_queue *queue, struct port_packet *packet, unsigned int count,
	const struct stamp_clock *now);

/* `count` packets were taken in a turn that began at `turn_counter`: fewer than a full burst mean
 * that the queue was empty then, but for what came since. */
static inline void port_stamps_taken(
	struct port_queue *queue, unsigned int count, uint64_t turn_counter)
{
	if (count < PORT_BURST)
		queue->stamps.empty_counter = turn_counter;
}

#endif
