/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_EXCHANGE_H
#define CONTROL_EXCHANGE_H

/*
 * One question to a server: a fresh UDP socket and port, and the two stamps of ours, taken as near
 * the wire as it can be had.
 */

#include "config.h"
#include "counter.h"
#include <meridian/ntp.h>
#include <meridian/wire_stamps.h>

struct exchange;

/* A datagram came from the server's address; or, with `length` 0,
 * the network reported `error` (negative errno). The handler may close the exchange. */
typedef void (*exchange_handler)(
	struct exchange *exchange, const uint8_t *buffer, size_t length, int error, void *arg);

/* Who took a stamp. */
enum exchange_stamp {
	EXCHANGE_DAEMON, /* this process: before the send, after the receive */
	EXCHANGE_KERNEL,
	EXCHANGE_DATAPLANE, /* at a NIC that it has taken over */
	EXCHANGE_HARDWARE,
	EXCHANGE_STAMPS
};

struct exchange {
	int fd; /* -1 while there is none */
	const struct counter *counter;
	exchange_handler handler;
	void *arg;
	uint32_t our_refid; /* how the address we send from looks as a reference ID */
	uint64_t sent;      /* counter just before the send */
	uint64_t t1[EXCHANGE_STAMPS], t4[EXCHANGE_STAMPS];               /* ticks */
	double t1_error_s[EXCHANGE_STAMPS], t4_error_s[EXCHANGE_STAMPS]; /* what is known of it */
	unsigned int t1_taken, t4_taken; /* bits of enum exchange_stamp */
	struct config_address local;     /* that we send from */

	/* What the dataplane knows the question by, and its stamps that cannot be right, ever. */
	struct meridian_wire_key question;
	bool t4_by_nic; /* its stamp of the answer is the NIC's */
	bool answered;  /* the handler's: what still comes is no answer, and has no stamps */
	uint32_t refused;
};

void exchange_init(struct exchange *exchange, const struct counter *counter,
	exchange_handler handler, void *arg);

/* Sends a request; an earlier one that is still open is given up. Returns 0 or a negative errno,
 * and nothing is open then. */
int exchange_start(struct exchange *exchange, const struct config_address *address, uint16_t port,
	const uint8_t *request, size_t length);

/* Gives up waiting; legal on a closed exchange. */
void exchange_close(struct exchange *exchange);

/* The best stamps so far: of one kind, if there are two of a kind, since what the kernel takes
 * between them is the same on both ways. */
struct exchange_stamps {
	uint64_t t1, t4;
	enum exchange_stamp t1_by, t4_by;
	bool t1_wire, t4_wire; /* the dataplane's, or the NIC's by way of the dataplane */
	double error_s;
};

struct exchange_stamps exchange_stamps(const struct exchange *exchange);

#endif
