/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

/* A model and a policy for tests of the reply path. */

#include "pkt.h"
#include <responder.h>

/* The model's counter ticks 2^30 times a second, so that all times are exact: at
 * FIXTURE_COUNTER it is FIXTURE_UTC_S. */
#define FIXTURE_HZ      (UINT64_C(1) << 30)
#define FIXTURE_COUNTER (UINT64_C(1) << 40)
#define FIXTURE_UTC_S   1700000000

/* Synchronised, stratum 2, precision 2^-32 s (no noise), no leap, valid for an hour. */
struct meridian_timemodel_data fixture_model(void);

/* Counter value of `s` seconds since 1970, `ticks` later. */
uint64_t fixture_counter(int64_t s, int64_t ticks);

/* Serves the server addresses of pkt.h and allows everybody. For responder_policy_free(). */
struct responder_policy *fixture_policy(void);

/* A key of each type: its number is its ID. The octets are those of AES128 and AES256 keys, or 16.
 * For keyring_free(). */
struct keyring *fixture_keyring(void);

/* Appends a MAC (version 5: in its field) to `length` octets of payload, by the key `id` of the
 * keyring. Returns the new length. */
size_t fixture_sign(const struct keyring *keyring, uint8_t *payload, size_t length, uint32_t id);

/* A frame in a buffer of exactly its length, so that a sanitizer sees any reading past it. */
struct fixture_frame {
	struct frame frame;
	uint8_t *before; /* what it was, same length */
	uint32_t length;
};
void fixture_frame_init(struct fixture_frame *frame, const uint8_t *data, uint32_t length);
void fixture_frame_fini(struct fixture_frame *frame);

static inline bool fixture_answers(enum meridian_verdict verdict)
{
	return meridian_verdict_outcome(verdict) == MERIDIAN_OUTCOME_ANSWER;
}

/* Serves `count` frames, at most BURST_MAX, that came at `receive` and are answered at `transmit`:
 * in a burst, or one at a time where the responder has no engine. */
void fixture_serve(struct responder *responder, struct fixture_frame *f, const uint64_t *receive,
	unsigned int count, uint64_t transmit, enum meridian_verdict *ret_verdict);

/* Their replies have left at `left`, as interleaved ones will tell. */
void fixture_save(struct responder *responder, const struct fixture_frame *f,
	const enum meridian_verdict *verdict, unsigned int count, uint64_t left);

/* The octets of frame->before are still there. */
bool fixture_frame_unchanged(const struct fixture_frame *frame);

#endif
