/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SERVER_H
#define DATAPLANE_SERVER_H

/*
 * One answering thread: the responder with the clocks around it and the statistics slot it
 * fills. The workers of the dataplane and the fallback are both built on it. No system call
 * (clocks are read through the vDSO), no lock, no allocation.
 */

#include "burst.h"
#include "interleaved.h"
#include "stamp.h"
#include <meridian/stats.h>

/* What the main thread shows to a server. Immutable while shown. */
struct server_view {
	const struct responder_policy *policy;
	const struct keyring *keyring;          /* NULL: no keys */
	const struct meridian_timemodel *model; /* mapped page; NULL: none yet */
	uint32_t nap_max_ns; /* longest nap of an idle worker that no packet ends; 0: none at all */
	uint8_t counter_id;  /* to read while there is no model, MERIDIAN_COUNTER_* */
};

/* Owned and used by one thread. */
struct server {
	struct responder responder;
	struct meridian_stats_worker *slot; /* this thread is its one writer */
	struct stamp_rate rate;
	struct stamp_clock now;               /* of this burst */
	struct stamp_pace pace[STAMP_CLOCKS]; /* of the clocks it has read */
	struct meridian_timemodel_data fresh; /* a model for the responder, */
	bool has_fresh;                       /* if there is one since the burst before */

	/* The caller's, before server_begin(): how much earlier than the stamps that server_place()
	 * is told packets came, how far off the receive times of stamped ones may be, how long
	 * after their handing over replies are at the interface, and how far off that may be. */
	int32_t rxcomp_ns;
	uint64_t stamp_error_ns;
	int32_t transmit_delay_ns;
	uint64_t transmit_error_ns;
	uint64_t unstamped_counter; /* receive time of its frames without a stamp; 0: too old */
	uint64_t signing_ticks;     /* usual time from T3 of a reply to its MAC */
	uint8_t counter_id;
	const struct server_view *view; /* with the page that the model was taken from */
	uint64_t model_seq;             /* its sequence number then */
	struct sampler sampler;
	struct collector *collector; /* main thread: to be filled from the next burst on; or NULL */
};

/* A burst of one queue's frames. Large: kept where it need not be cleared for each burst. */
struct server_burst {
	unsigned int count;
	bool punts;                           /* the queue hands what is not for us to the kernel */
	unsigned int rx_packets;              /* stale ones as well */
	uint64_t rx_octets;                   /* of them */
	uint32_t stamp[MERIDIAN_STAMP_COUNT]; /* where the receive times are from */
	struct frame frame[BURST_MAX];
	uint64_t receive_counter[BURST_MAX];
	enum meridian_verdict verdict[BURST_MAX];
	bool all_answered; /* by server_classify(): with the verdict `answered` */

	uint64_t transmit_counter; /* that T3 is of, */
	uint64_t handed_counter;   /* and when its frames are handed over */

	/* Of replies whose transmit time is to be saved. */
	unsigned int note_count;
	struct interleaved_note note[BURST_MAX];
};

/* Stores a field of one's own statistics slot. */
static inline void server_set(uint64_t *field, uint64_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

/* Allocates a rate limiter of 2^limit_sets_log2 sets. All servers of a process know a client by the
 * same secret number. Main thread. Returns 0 or -ENOMEM. */
int server_init(
	struct server *server, struct meridian_stats_worker *slot, unsigned int limit_sets_log2);
void server_fini(struct server *server);

/* Before a burst whose receive stamps are of `clock`, or which has none (SERVER_NO_CLOCK): takes a
 * snapshot of the model, and reads counter and clock, once, into `now`. */
#define SERVER_NO_CLOCK ((clockid_t)-1)
void server_look(struct server *server, const struct server_view *view, clockid_t clock);

/*
 * Starts that burst, and empties `burst`.
 *
 * `empty_counter` matters to frames without a stamp. It is 0 where they come right after their
 * arrival; else they came at any time since that counter value, when the queue was last seen
 * empty: T2 is then in the middle, and half the span is added to the root dispersion told.
 */
void server_begin(struct server *server, struct server_burst *burst, const struct server_view *view,
	uint64_t empty_counter);

/*
 * T2 of frame[i] in ticks: its stamp of kind `source`, `stamp_ns`, or what stands for it if it has
 * none (MERIDIAN_STAMP_counter). Returns false if the frame is stale: for a stamp that
 * stamp_counter() refuses, or a span of `empty_counter` that long, any T2 would be a wrong time.
 */
static inline bool server_place(const struct server *server, struct server_burst *burst,
	unsigned int i, enum meridian_stamp source, uint64_t stamp_ns)
{
	uint64_t *counter = &burst->receive_counter[i];

	if (source == MERIDIAN_STAMP_counter) {
		*counter = server->unstamped_counter;
		return *counter != 0;
	}
	return stamp_counter(&server->now, stamp_ns, counter);
}

/* The same for a frame whose receive time is known as the counter value `receive_counter`, not
 * after now: it is stale if that is more than STAMP_AGE_MAX_NS ago. */
static inline bool server_place_counter(const struct server *server, struct server_burst *burst,
	unsigned int i, uint64_t receive_counter)
{
	uint64_t age_ns = stamp_rate_ns(&server->rate, server->now.counter - receive_counter);

	burst->receive_counter[i] = receive_counter;
	return age_ns <= STAMP_AGE_MAX_NS;
}

/* Counts `stale` frames that were received and are not in the burst. */
static inline void server_stale(struct server *server, unsigned int stale)
{
	meridian_stats_add(&server->slot->verdict[MERIDIAN_VERDICT_stale], stale);
}

/* Adds frame[count], whose data, length, mac and checksum_good are set, to the burst, if it is not
 * stale: then it is counted, not added, and this returns false. At most BURST_MAX. */
static inline bool server_add(struct server *server, struct server_burst *burst,
	enum meridian_stamp source, uint64_t stamp_ns)
{
	burst->rx_octets += burst->frame[burst->count].length;
	burst->rx_packets++;
	if (!server_place(server, burst, burst->count, source, stamp_ns)) {
		server_stale(server, 1);
		return false;
	}
	burst->stamp[source]++;
	burst->count++;
	return true;
}

/* Counts what was received, gives every frame its verdict, and counts those not answered, but for
 * those that server_punted() is to count: where the burst punts, all that is no NTP for us has the
 * verdict `punt`. */
void server_classify(struct server *server, struct server_burst *burst);

/* Counts the frames of a burst that punts: `taken` by the kernel, and those that were not. */
void server_punted(struct server *server, unsigned int taken, unsigned int refused);

/* Writes the transmit time, read here, into the frames, all of which are answered by now: the
 * caller has moved them to the front with server_keep() and set the count. What their MACs will
 * take, as it was learnt from those before, is added to it, and server.transmit_delay_ns. */
void server_finish(struct server *server, struct server_burst *burst);

/* Counts the first `sent` replies as sent and the others as tx_failed. */
void server_sent(struct server *server, const struct server_burst *burst, unsigned int sent);

/* Whether a finished burst has replies whose transmit time is to be saved, by server_save(). */
static inline bool server_saves(const struct server_burst *burst)
{
	return burst->note_count > 0;
}

/* When the replies of a burst left, as measured: the first at `counter`, each one `step` ticks
 * after the one before. */
struct server_left {
	uint64_t counter, step;
};

/* A call that takes longer to send what leaves at once was interrupted, who knows where: it does
 * not say when that left. */
#define SERVER_LEAVE_MAX_NS 100000

/* Saves that for clients in interleaved mode, of the first `sent` replies. Before the next burst
 * begins. */
void server_save(struct server *server, const struct server_burst *burst, unsigned int sent,
	struct server_left left);

/* The counter when `clock` read `stamp_ns`, up to now. Returns false for a stamp that is not
 * believable. */
bool server_past_counter(
	struct server *server, clockid_t clock, uint64_t stamp_ns, uint64_t *ret_counter);

/* A bit for each verdict whose outcome is ANSWER. */
#define SERVER_ANSWER_BIT_(name, outcome, text)                                                    \
	+((uint64_t)(MERIDIAN_OUTCOME_##outcome == MERIDIAN_OUTCOME_ANSWER)                        \
		<< MERIDIAN_VERDICT_##name)
#define SERVER_ANSWERS (0 MERIDIAN_VERDICTS(SERVER_ANSWER_BIT_))

/* Is frame `i` now a reply? */
static inline bool server_answers(const struct server_burst *burst, unsigned int i)
{
	return SERVER_ANSWERS >> burst->verdict[i] & 1;
}

/* Does frame `i` go to the kernel? */
static inline bool server_punts(const struct server_burst *burst, unsigned int i)
{
	return burst->punts && burst->verdict[i] == MERIDIAN_VERDICT_punt;
}

/* Moves frame `from` to place `to`, which is before it. */
static inline void server_keep(struct server_burst *burst, unsigned int to, unsigned int from)
{
	burst->frame[to] = burst->frame[from];
	burst->receive_counter[to] = burst->receive_counter[from];
	burst->verdict[to] = burst->verdict[from];
}

#endif
