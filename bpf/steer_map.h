/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
#ifndef BPF_STEER_MAP_H
#define BPF_STEER_MAP_H

/*
 * What the XDP program and control share: the maps of one interface and what is in them. No
 * includes and no libc types, so that both sides can use it; `unsigned int` is 32 bits.
 *
 *   xsks_map        queue -> AF_XDP socket; filled by the dataplane, emptied by the kernel
 *   steer_queue     queue -> deadline: until when its packets go to the socket; 0: not at all.
 *                   CLOCK_MONOTONIC in ns (64 bits), written by control, read by the program
 *   steer_ipv4      served address -> 1; written by control
 *   steer_ipv6      the same for IPv6
 *   steer_counters  reason -> packets, per CPU; written by the program
 */

/*
 * Control sees a worker's heartbeat stop and writes 0 within 200 ms; while it moves, control keeps
 * the deadline this far ahead. So a control that has died leaves the dataplane in service for as
 * long as a restart or an upgrade of control takes, and no longer: after that nobody would notice
 * a hung worker, and the packets go to the kernel and the fallback. No packet is lost on the way
 * over, for the worker still answers what is in its queue.
 */
#define STEER_AHEAD_NS      60000000000ull
#define STEER_QUEUES_MAX    64
#define STEER_ADDRESSES_MAX 65536 /* of each family */

/* Addresses as they stand in the packet (network byte order). */
struct steer_ipv4 {
	unsigned char octets[4];
};
struct steer_ipv6 {
	unsigned char octets[16];
};

/*
 * What became of a packet; exactly one per packet, in the order in which they are decided.
 *
 *   X(identifier, description)
 */
#define STEER_REASONS(X)                                                                           \
	X(passed_other, "to the kernel: not a plain UDP datagram to port 123")                     \
	X(passed_not_served, "to the kernel: destination address is not served")                   \
	X(passed_not_steered, "to the kernel: the queue's worker does not poll")                   \
	X(passed_no_socket, "to the kernel: the queue has no socket")                              \
	X(redirected, "to the queue's socket")                                                     \
	X(redirected_unstamped, "to the queue's socket, without room for a stamp")

enum steer_reason {
#define STEER_REASON_ENUM_(name, text) STEER_REASON_##name,
	STEER_REASONS(STEER_REASON_ENUM_)
#undef STEER_REASON_ENUM_
	STEER_REASON_COUNT
};

#endif
