/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_LEAVE_H
#define DATAPLANE_PORT_LEAVE_H

/*
 * When packets leave in a call of transmit() that hands over one after the other, such as the
 * system call of an AF_XDP socket in copy mode. Of a packet's part of the call only the beginning
 * is its way to the wire; what follows may be several times as long: the peer of a veth receives
 * it, and a process that waited for it is woken on another core. So the way is a share of the
 * shorter calls, not of this one; of calls for one packet, since many share what a call takes
 * besides.
 */

#include <stdint.h>

/* What a queue's calls have taken for each packet. Zero-initialised: there was none. */
struct port_leave {
	uint64_t usual_ticks; /* follows the median */
	uint64_t short_ticks; /* follows the shortest ninth of calls for one packet; 0: none yet */
};

struct port_leave_times {
	uint64_t first_ticks; /* from the call's beginning until the first packet left */
	uint64_t step_ticks;  /* from one to the next */
};

/* Learns from a call for `count` packets that took `step_ticks` for each, and returns when these
 * left, by a way of `share` of 256 of the shorter calls. */
struct port_leave_times port_leave_learn(
	struct port_leave *leave, unsigned int count, uint64_t step_ticks, uint8_t share);

#endif
