/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_ANSWER_H
#define CONTROL_ANSWER_H

/*
 * One monitoring request in, its reply out: decides what is answered with which report.
 */

#include "candm.h"

/* What may be ordered; see order.h. */
struct answer_orders {
	bool (*sources)(const struct order_target *target, const struct order *order);
	void (*reselect)(void);
	bool (*step)(void);
};

struct answer_context {
	/* What the sockets have seen; part of the server statistics. */
	uint64_t hits;                      /* datagrams received */
	uint64_t drops;                     /* of them without a reply */
	const struct answer_orders *orders; /* NULL: who asks may be anybody on this host */
};

/*
 * Answers the `length` octets at `request` (which are left as they are) in `reply`. Returns the
 * reply's length, never above `length`, or 0 when there must be no reply: no request of this
 * protocol, or one that is shorter than its reply.
 *
 * Who may not order anything may ask what chronyd tells everybody (sources, sourcename,
 * sourcestats, tracking, activity); all else gets CANDM_STATUS_UNAUTH. What we do not have gets
 * CANDM_STATUS_INVALID.
 */
size_t answer(uint8_t *request, size_t length, const struct answer_context *context,
	uint8_t reply[static CANDM_REPLY_MAX]);

#endif
