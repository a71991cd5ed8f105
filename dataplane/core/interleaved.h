/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_INTERLEAVED_H
#define DATAPLANE_INTERLEAVED_H

/*
 * Interleaved replies (RFC 9769 section 2): which request gets one, and what becomes of the time
 * when a reply really left.
 *
 * Our T2 is odd and our T3 even. A client in basic mode returns T3 or nothing as its origin
 * timestamp, one that tries interleaved mode returns T2: whose origin timestamp is even is done
 * with one test of a bit. For the others the reply before is looked up, and for them alone it is
 * saved when this one leaves, so the third reply to a client is the first interleaved one. As in
 * chrony, which has the same marks, they are of version 4 and have different receive and transmit
 * timestamps; and they are clients (mode 3).
 *
 * An interleaved reply has the request's receive timestamp as origin, T2 of this request, and T3
 * of the reply before, in the timescale in which that one told its T2: leap seconds and smear
 * included.
 *
 * Version 5 has a flag for it, and the cookie that it returns is our T2: the same table serves it.
 * A client of it has its first interleaved reply to its second request. All pure.
 */

#include "responder.h"
#include <stddef.h>

/* May the request at `ntp` ask for an interleaved reply? */
static inline bool interleaved_asked(const uint8_t *ntp)
{
	return ntp[offsetof(struct meridian_ntp_header, origin) + 7] & TIMESTAMPS_RECEIVE_MARK;
}

/* Are there replies of this kind now? */
static inline bool interleaved_remembers(const struct responder *responder)
{
	return responder->policy->interleave != NULL && responder->synchronised;
}

/* Whether one may be given to the request at `ntp`, for which interleaved_asked(), of version 4 or
 * older, while interleaved_remembers(). */
bool interleaved_eligible(const uint8_t *ntp);

/* Where the reply before would be, for interleaved_classify(). `source` is the client's address.
 * The responder has a table. */
struct interleave_key interleaved_key(
	const struct responder *responder, const uint8_t *ntp, const uint8_t *source, bool ipv6);

/*
 * For an accepted request that is eligible, before anything of it is overwritten. Returns
 * FRAME_ASKS, or FRAME_INTERLEAVED if it is to be an interleaved reply, for frame->interleave; then
 * frame->earlier is set, and its receive timestamp is copied over its transmit timestamp, from
 * where a reply takes its origin timestamp.
 */
uint8_t interleaved_classify(
	struct responder *responder, struct frame *frame, uint8_t *ntp, struct interleave_key key);

/* All of that for one request that may not be eligible: sets frame->interleave. */
void interleaved_classify_one(struct responder *responder, struct frame *frame, uint8_t *ntp);

/* The same for a request of version 5 with that flag and `cookie`, which may be 0: there was no
 * reply before. Nothing is copied. */
void interleaved_classify_cookie(struct responder *responder, struct frame *frame, uint64_t cookie);

/* Puts the transmit times of the replies before into the interleaved ones of a finished burst,
 * whose frame->udp_sum are set, and makes their UDP checksums good again. */
void interleaved_finish(struct frame *frame, unsigned int count);

/* What is left to do for a reply once it has left, when its octets are not ours any more. */
struct interleaved_note {
	struct interleave_key key;
	uint64_t receive;   /* T2 as told */
	uint64_t offset;    /* what was added to times of the model: leap second and smear */
	unsigned int frame; /* number of the reply in its burst */
	bool earned;        /* it was an interleaved reply */
};

/* Of the replies of a burst, which are complete. Returns for how many there is something to do. */
unsigned int interleaved_notes_take(const struct responder *responder, const struct frame *frame,
	unsigned int count, struct interleaved_note *ret_note);

/* Saves when these replies left, in the burst of their responder_finish(): the first of the burst
 * at `transmit_counter`, each one `step` ticks after the one before. */
void interleaved_save(struct responder *responder, const struct interleaved_note *note,
	unsigned int count, uint64_t transmit_counter, uint64_t step);

#endif
