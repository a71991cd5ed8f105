/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_RECYCLE_PORT_H
#define BENCH_RECYCLE_PORT_H

/*
 * A port that feeds its own worker: it lends the same requests over and over and writes each anew
 * when its reply is sent. No generator and no other core has a part in it, so as many workers as
 * there are cores can be compared with one.
 */

#include <pkt.h>
#include <port.h>
#include <stdbool.h>
#include <stdint.h>

#define RECYCLE_SLOTS 1024

struct recycle_slot {
	uint8_t data[128];
} __attribute__((aligned(64)));

struct recycle_port {
	struct port_queue base;
	struct recycle_slot *slot, *request; /* RECYCLE_SLOTS; what they are when they are lent */
	uint32_t length;                     /* of every request */
	uint32_t next;
	uint64_t lost; /* replies of another length than the request's, or none */
};

/* Requests from RECYCLE_SLOTS clients to the server of pkt.h. Returns 0 or -ENOMEM. */
int recycle_port_init(struct recycle_port *port, bool ipv6);
void recycle_port_fini(struct recycle_port *port);

#endif
