/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_ASK_H
#define TEST_ASK_H

/* Asks answer() as a client does: from the octets of a request to those of the reply. */

#include "answer.h"
#include "candm.h"

#define ASK_SEQUENCE 77 /* of every request */

struct ask {
	uint8_t request[CANDM_REQUEST_MAX + 1];
	uint8_t octets[CANDM_REPLY_MAX];
	struct candm_reply reply;
	struct candm_wire body; /* of the reply */
	size_t length;          /* of the reply */
};

/* Who asks; the test's. */
extern struct answer_context ask_context;

/* Writes the head of a request. Returns where its body is to be written. */
struct candm_wire ask_begin(struct ask *ask, uint16_t command);

/* Sends so many octets of it. */
void ask_send(struct ask *ask, size_t length);

/* Both, without a body. */
void ask_for(struct ask *ask, uint16_t command, size_t length);

/* The reply is nothing but this status. */
void ask_assert_status(const struct ask *ask, uint16_t status);

#endif
