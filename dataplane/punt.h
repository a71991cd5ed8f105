/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PUNT_H
#define DATAPLANE_PUNT_H

/*
 * The way between a NIC that was taken over and the kernel, for all that is not ours: ARP,
 * neighbour discovery, ICMP, TCP, control's own questions. Workers put frames into a ring and take
 * them from another; a thread of its own moves them to and from a TAP device, so that no worker
 * makes a system call for them.
 *
 * The kernel gets so many frames a second, on the average of a tenth of a second. Each class of
 * triage.h has a ring and a share of them, and what one leaves, the others get; so whatever floods
 * the NIC loses its own frames and none of another class. A class's ring holds a tenth of a
 * second's frames of its share, 64 to 1024, in as many packet buffers: of frames in several it has
 * room for fewer, so that they cannot take all buffers of the NIC. In the other direction the ring
 * fills what the NIC does not send, and then the TAP device's own queue: the kernel counts what it
 * drops there.
 */

#include "mtu_range.h"
#include <meridian/stats.h>
#include <rte_mbuf.h>
#include <stdint.h>

struct punt;

/*
 * Starts the thread between the TAP device's descriptor `fd`, which is not closed, and rings of its
 * own; frames from the kernel get buffers of `pool`, up to `buffers` each, 1 to MTU_BUFFERS_MAX; a
 * longer one is dropped. `name`, unique in the process, is that of the rings. Returns 0, -ENOMEM,
 * or another negative errno.
 */
int punt_open(struct punt **ret_punt, const char *name, int fd, struct rte_mempool *pool,
	uint32_t packets_per_s, unsigned int buffers);

/* No worker uses it any more. What is under way is dropped. */
void punt_close(struct punt *punt);

#define PUNT_BURST   64
#define PUNT_SENDERS 256 /* that are told apart, by a hash */

/* What a queue of the NIC hands on. All 0 at first; the counts are read by others. */
struct punt_queue {
	struct meridian_stats_punt counts;
	uint32_t window; /* that the next are of */
	uint16_t taken[MERIDIAN_PUNT_COUNT][PUNT_SENDERS];
};

/* The worker of `queue`: hands `count` frames, up to PUNT_BURST, on, and drops those for which
 * there is no room. Returns how many were handed on. */
unsigned int punt_to_kernel(struct punt *punt, struct punt_queue *queue,
	struct rte_mbuf *const *mbuf, unsigned int count);

/* One worker alone: takes up to `count` frames that the kernel wants sent. */
unsigned int punt_from_kernel(struct punt *punt, struct rte_mbuf **mbuf, unsigned int count);

/* Frames that were handed on, but that the TAP device did not take: it is down, or out of memory.
 * Any thread. */
uint64_t punt_refused(const struct punt *punt);

#endif
