/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_RESPONDER_H
#define DATAPLANE_RESPONDER_H

/*
 * The reply path: bytes, a receive time and a model in, bytes or a verdict out. What is done per
 * burst and per frame is pure: no allocation, no lock, no system call, no clock read, no log.
 *
 * Per burst: responder_begin() with the snapshots, responder_classify() for each frame, then
 * responder_finish() for each accepted one right before it is sent. These are plain code, one frame
 * at a time. burst.h does the same for many, as workers and fallback do it: it comes back here for
 * all that is not of the common shapes, and is held to give the same octets for those that are.
 */

#include "access.h"
#include "collector.h"
#include "frame.h"
#include "interleave.h"
#include "keyring.h"
#include "limit.h"
#include "reply.h"
#include "served.h"
#include "smear.h"
#include "timestamps.h"
#include <meridian/ntp.h>
#include <meridian/stats.h>
#include <meridian/timemodel.h>
#include <stdbool.h>
#include <stdint.h>

/* What the main thread expands from a policy generation. Immutable once a worker sees it. */
struct responder_policy {
	uint64_t generation;
	struct served served;
	struct access access;
	bool open_ipv4, open_ipv6; /* `access` allows every address of the family */
	struct limit_rate rate;
	struct access kod_exempt; /* who is never told to ask less often */
	struct smear smear;
	struct interleave *interleave; /* the process's; NULL: all replies are basic */
	bool ntpv5;                    /* version 5 is spoken too */
};

struct burst_engine;

/* One worker's state. One thread. */
struct responder {
	const struct burst_engine *engine; /* of burst.h */
	struct meridian_timemodel_data model;
	bool has_model;    /* a model was ever taken */
	bool kissing;      /* some replies of this burst may be kisses */
	bool synchronised; /* the model may be served as such during this burst */
	const struct responder_policy *policy; /* NULL: nothing is served */
	const struct keyring *keyring;         /* the caller's, as `policy`; NULL: no keys */
	const struct meridian_timemodel *page; /* the same, for reference IDs; NULL: not known */
	bool signing;                          /* a reply of this burst needs a MAC */
	struct meridian_ntp_header common;     /* of the replies of this burst */
	uint64_t prepared_until_counter;       /* `common` holds until then */
	uint64_t prepared_error_ns;            /* and for this error */
	uint64_t prepared_dispersion_ns;       /* root dispersion then, the error included */
	struct timestamps timestamps;
	struct limit *limit;           /* of the sources this worker hears; NULL: no rate limit */
	struct collector *collector;   /* has a sketch of whom it answers; NULL, as without a
					  limiter: nobody wants to know */
	unsigned int interleave_count; /* frames of this burst with frame->interleave */
};

/* `seed` is any random number. `limit` stays the caller's, for this responder alone. */
void responder_init(struct responder *responder, uint64_t seed, struct limit *limit);

/* Takes the snapshots for one burst. `model` is copied; NULL, or one that is not sane: keep the
 * last one. `policy` must stay valid until the next call. `now_counter` decides whether the
 * model is still valid and how much its dispersion has grown; the dispersion told is that of up to
 * RESPONDER_PREPARE_NS later, so that it need not be computed for each burst. `receive_error_ns`
 * is how far the receive times of the burst may be off, and is part of the dispersion told. */
#define RESPONDER_PREPARE_NS 1000000
void responder_begin(struct responder *responder, const struct meridian_timemodel_data *model,
	const struct responder_policy *policy, uint64_t now_counter, uint64_t receive_error_ns);

/*
 * Decides on one frame received at counter value `receive_counter` (T2). For the verdicts
 * of outcome ANSWER the frame is now its reply, complete except for the transmit time, the MAC and
 * the UDP checksum, with frame->length set; otherwise its bytes are unchanged. A request with a MAC
 * of one of our keys gets a reply with a MAC of that key and of the same length. The reply to a
 * request of version 5 is as long as the request.
 *
 * T2 is odd, and the receive time to within twice the precision and 2^-24 s (60 ns). Within a
 * burst of one queue, which is in the order of its stamps, T2 strictly increases: one that lies
 * behind the last T2 by no more than that is moved right after it. Further back is the time of
 * another queue that waited, and is kept; hence two frames of different queues, as of different
 * workers, may have the same T2, and whoever looks up a reply by its T2 has to compare the client
 * as well.
 */
enum meridian_verdict responder_classify(
	struct responder *responder, struct frame *frame, uint64_t receive_counter);

/*
 * What becomes of a request from `source` that limit_allow() has refused: `answered`, if it is to
 * be answered all the same, `rate_limited`, or `kod`; then the frame is now a kiss-o'-death, to be
 * finished as other replies.
 */
enum meridian_verdict responder_refuse(
	struct responder *responder, const struct limit_source *source, struct frame *frame);

/*
 * Writes the transmit time T3 for a reply that leaves at `transmit_counter`, and what depends on
 * it. In the burst of its responder_classify(). The frame may be sent after this.
 * T3 is even and after T2. It strictly increases from reply to reply while `transmit_counter` does
 * not fall and neither the clock steps nor a second is inserted, and is the time of the counter to
 * within twice the precision and 2^-24 s.
 */
void responder_finish(struct responder *responder, struct frame *frame, uint64_t transmit_counter);

/* The MAC, where there is one, and the UDP checksum of a reply that is complete but for these. */
void responder_sign(const struct responder *responder, struct frame *frame);

/* Builds the worker's view of a checked policy blob. Allocates: main thread only. Returns 0 and
 * a pointer for responder_policy_free(), or -ENOMEM. */
int responder_policy_new(
	struct responder_policy **ret_policy, const struct meridian_policy_blob *blob);

/* NULL is legal. No worker may hold the pointer any more. */
void responder_policy_free(struct responder_policy *policy);

#endif
