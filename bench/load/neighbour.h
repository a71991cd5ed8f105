/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_NEIGHBOUR_H
#define LOAD_NEIGHBOUR_H

/*
 * Answers to ARP requests (RFC 826) and neighbour solicitations (RFC 4861) for our addresses. An
 * AF_XDP socket takes these frames from the kernel, and without answers a server has nowhere to
 * send its replies to. Pure.
 */

#include "clients.h"

#define NEIGHBOUR_ADDRESSES 8

/* Who we are: some addresses, and all clients. */
struct neighbour_self {
	uint8_t mac[6];
	struct address address[NEIGHBOUR_ADDRESSES];
	unsigned int address_count;
	struct clients clients[2];
};

/* Turns a question for one of our addresses into its answer, of which it returns the length. 0:
 * the frame is nothing of that kind, and unchanged. The frame has room for 86 octets. */
uint32_t neighbour_answer(const struct neighbour_self *self, uint8_t *frame, uint32_t length);

#endif
