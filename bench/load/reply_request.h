/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_REPLY_REQUEST_H
#define LOAD_REPLY_REQUEST_H

/* Which request a reply is to. Pure. */

#include "reply.h"
#include "token.h"

/* Ages beyond that are no ages: the request's time lies ahead. Half of what the token can tell. */
#define REPLY_AGE_MAX (UINT32_C(1) << 31)

/* Requests that may be outstanding. The meter's window has as many. */
#define REPLY_REQUESTS_BACK_MAX (TOKEN_NUMBER_MASK - 64)

/* Finds the request by the timestamp that reply->ntp echoes: its number, age, template and whether
 * the reply is interleaved. Returns whether there is such a request. */
static inline bool reply_request(const struct traffic *traffic, uint64_t next_request,
	uint64_t now_units, struct reply *reply)
{
	struct token token;
	uint64_t back;

	if (!token_open(traffic->spec.token_key, get_u64(reply->ntp + 24), &token))
		return false;
	back = (next_request - 1 - token.number) & TOKEN_NUMBER_MASK;
	if (back >= next_request || back > REPLY_REQUESTS_BACK_MAX)
		return false;
	reply->request = next_request - 1 - back;
	reply->age_units = (uint32_t)now_units - token.due;
	reply->age_units &= UINT32_MAX;
	reply->interleaved = token.receive;
	reply->template = traffic_template(traffic, reply->request);
	return reply->age_units < REPLY_AGE_MAX;
}

#endif
