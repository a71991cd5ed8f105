/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_RING_PORT_H
#define BENCH_RING_PORT_H

/*
 * A port in memory: a ring of frames between a generator and a worker, each on a core of its own.
 * The worker answers in place, and hands slots back in the order in which it got them. Stands
 * for a NIC that writes into the worker's cache and stamps what it receives.
 */

#include <port.h>
#include <stdbool.h>
#include <stdint.h>

#define RING_SLOTS      2048
#define RING_FRAME_SIZE 110 /* an IPv6 request, or an IPv4 one with a MAC of 20 octets */

/* Two cache lines. Belongs to the side that the ring's indices say. */
struct ring_slot {
	uint8_t data[RING_FRAME_SIZE];
	uint8_t length; /* of the request, then of the reply; 0: not answered */
	uint8_t reserved;
	uint64_t stamp_ns;      /* CLOCK_MONOTONIC of its arrival */
	uint64_t stamp_counter; /* the same instant, for the generator to check T2 with */
} __attribute__((aligned(128)));
_Static_assert(sizeof(struct ring_slot) == 128, "two lines");

struct ring_port {
	struct port_queue base;
	struct ring_slot *slot; /* RING_SLOTS */

	/* Written by the generator, read by the worker: slots filled. */
	uint64_t filled __attribute__((aligned(128)));

	/* Written by the worker, read by the generator: slots handed back. */
	uint64_t returned __attribute__((aligned(128)));

	/* The worker's own, not on the line that the generator looks at all the time. */
	uint64_t taken __attribute__((aligned(128))); /* slots it has received */
	uint64_t known;                               /* `filled` when it looked last */
	unsigned int on_loan;                         /* received and not handed back */
};

/* Empty, at our address `mac`. Returns 0 or -ENOMEM. */
int ring_port_init(struct ring_port *ring, const uint8_t mac[6]);
void ring_port_fini(struct ring_port *ring);

static inline struct ring_slot *ring_slot(const struct ring_port *ring, uint64_t index)
{
	return &ring->slot[index % RING_SLOTS];
}

#endif
