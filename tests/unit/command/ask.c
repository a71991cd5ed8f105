/* SPDX-License-Identifier: BSD-3-Clause */
#include "ask.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct candm_wire ask_begin(struct ask *ask, uint16_t command)
{
	struct candm_request request = {.version = CANDM_VERSION,
		.type = CANDM_TYPE_REQUEST,
		.command = command,
		.sequence = ASK_SEQUENCE};
	struct candm_wire wire = {.octets = ask->request, .size = sizeof(ask->request)};

	memset(ask, 0, sizeof(*ask));
	candm_request(&wire, &request);
	return wire;
}

void ask_send(struct ask *ask, size_t length)
{
	ask->length = answer(ask->request, length, &ask_context, ask->octets);
	ask->body = (struct candm_wire){.octets = ask->octets, .size = ask->length, .decode = true};
	candm_reply(&ask->body, &ask->reply);
}

void ask_for(struct ask *ask, uint16_t command, size_t length)
{
	ask_begin(ask, command);
	ask_send(ask, length);
}

void ask_assert_status(const struct ask *ask, uint16_t status)
{
	assert_int_equal(ask->length, CANDM_REPLY_SIZE);
	assert_int_equal(ask->reply.reply, CANDM_REPLY_NULL);
	assert_int_equal(ask->reply.status, status);
	assert_int_equal(ask->reply.sequence, ASK_SEQUENCE);
}
