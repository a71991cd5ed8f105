/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SERVER_H
#define DATAPLANE_SERVER_H

/*
 * One answering thread: the responder with the clocks around it and the statistics slot it
 * fills. The workers of the dataplane and the fallback are both built on it. No system call
 * (clocks are read through the vDSO), no lock, no allocation.
 */

#include "responder.h"
#include "stamp.h"
#include <meridian/stats.h>

/* What the main thread shows to a server. Immutable while shown. */
struct server_view {
	const struct responder_policy *policy;
	const struct meridian_timemodel *model; /* mapped page; NULL: none yet */
	uint32_t nap_max_ns;                    /* longest nap of an idle worker; 0: none */
	uint8_t counter_id; /* to read while there is no model, MERIDIAN_COUNTER_* */
};

/* Owned and used by one thread. */
struct server {
	struct responder responder;
	struct meridian_stats_worker *slot; /* this thread is its one writer */
	struct stamp_rate rate;
	struct stamp_clock now;     /* of this burst */
	uint64_t unstamped_counter; /* receive time of its frames without a stamp; 0: too old */
	uint8_t counter_id;
};

/* A frame on its way through a burst. */
struct server_reply {
	struct frame frame;
	uint64_t receive_counter;
	enum meridian_verdict verdict;
};

/* Stores a field of one's own statistics slot. */
static inline void server_set(uint64_t *field, uint64_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

void server_init(struct server *server, struct meridian_stats_worker *slot);

/*
 * Starts a burst whose receive stamps, if any, are of `clock`: takes the snapshots.
 *
 * `empty_counter` matters to frames without a stamp. It is 0 where they come right after their
 * arrival; else they came at any time since that counter value, when the queue was last seen
 * empty: T2 is then in the middle, and half the span is added to the root dispersion told.
 */
void server_begin(struct server *server, const struct server_view *view, clockid_t clock,
	uint64_t empty_counter);

/*
 * Classifies reply->frame, which arrived with a stamp of kind `source` (MERIDIAN_STAMP_counter:
 * it has none) at `stamp_ns`; a stamp that stamp_counter() refuses makes it `stale`, as does a
 * span of `empty_counter` that long. Returns true
 * when reply->frame is now a reply to finish; else its verdict is counted.
 */
bool server_classify(struct server *server, struct server_reply *reply, enum meridian_stamp source,
	uint64_t stamp_ns);

/* Writes the transmit time, read here, into an accepted reply. */
void server_finish(struct server *server, struct server_reply *reply);

/* Counts an accepted reply as sent, or as tx_failed. */
void server_sent(struct server *server, const struct server_reply *reply, bool sent);

#endif
