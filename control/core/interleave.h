/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_INTERLEAVE_H
#define CONTROL_CORE_INTERLEAVE_H

/*
 * The client's side of interleaved mode (RFC 9769 section 2) with one server: which exchange its
 * next answer may complete with a measured transmit time. Any request may be answered in basic mode
 * instead, which works as ever. Pure.
 */

#include "packet.h"

/* After so many requests without an answer the server has forgotten us. */
#define INTERLEAVE_UNANSWERED_MAX 4

struct interleave {
	struct packet_exchange earlier;
	bool known;         /* there is one */
	bool used;          /* its sample was taken, with the transmit time it had then */
	uint8_t unanswered; /* requests since */
};

/* Has `request` ask for an interleaved answer, if there is an exchange to complete. */
void interleave_request(struct interleave *interleave, struct packet_request *request);

/* `request` was answered. Returns whether the sample of the answer is a new one. */
bool interleave_answered(struct interleave *interleave, const struct packet_request *request,
	const struct packet_response *response);

/* Our stamps of the exchange that was answered last, when nothing better can come. */
void interleave_stamp(struct interleave *interleave, uint64_t t1, uint64_t t4, double error_s);

#endif
