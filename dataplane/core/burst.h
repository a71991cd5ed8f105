/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BURST_H
#define DATAPLANE_BURST_H

/*
 * The reply path for a whole burst: octet for octet and verdict for verdict what
 * responder_classify() and responder_finish() give, called in the same order, at a fraction of
 * their cost.
 *
 * Nearly all requests are of one of two shapes: no VLAN tag, no IP option, 48 octets of NTP from a
 * client of version 1 to 4, checksums right, to a served address. They are checked with a few wide
 * masked comparisons, and the reply's UDP checksum is added up from what is at hand anyway. Any
 * other frame goes through responder_classify(), which finds its verdict.
 *
 * Three passes, so that the table lines of all frames come into the cache together: parse and
 * prefetch, look up and answer, finish. All pure. burst_loop.h has them, burst_plain.c and
 * burst_avx512.c what is done to one frame.
 */

#include "responder.h"

#define BURST_MAX 64

/*
 * Decides on `count` frames (at most BURST_MAX), received at the counter values in
 * `receive_counter`, between responder_begin() and burst_finish(). Each frame and its
 * entry of `ret_verdict` are then as after responder_classify(). Returns a bit for each frame whose
 * verdict is `answered`, as most often all are.
 */
uint64_t burst_classify(struct responder *responder, struct frame *frame,
	const uint64_t *receive_counter, enum meridian_verdict *ret_verdict, unsigned int count);

/* responder_finish(), but for MACs, for `count` frames that burst_classify() answered, in their
 * order, all of which leave at `transmit_counter`. */
void burst_finish(struct responder *responder, struct frame *frame, unsigned int count,
	uint64_t transmit_counter);

/* The MACs of those finished replies that have one, once nothing else of them changes. */
void burst_sign(const struct responder *responder, struct frame *frame, unsigned int count);

#endif
