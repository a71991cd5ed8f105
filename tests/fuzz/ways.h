/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_WAYS_H
#define TEST_WAYS_H

/*
 * The ways through the reply path side by side: responder_classify() and responder_finish(), and
 * each burst engine that this processor can run. What they make of the same frames must be the
 * same, octet for octet, and hold what reply_check.h says.
 */

#include "fixture.h"
#include <burst_engine.h>
#include <keyring.h>

#define WAYS_MAX       3
#define WAYS_FRAMES    8 /* in a burst */
#define WAYS_TAKEN_MAX 64

/* How the server is set, a bit each. */
#define WAYS_CHECKSUM_GOOD  1 /* checksums count as verified */
#define WAYS_LIMIT          2 /* two at once, then one a second, and half the others or a kiss */
#define WAYS_UNSYNCHRONISED 4
#define WAYS_LEAP           8  /* a second is inserted in the middle of it */
#define WAYS_NOISE          16 /* of a clock read to 2^-20 s */
#define WAYS_NO_MODEL       32
#define WAYS_BASIC          64 /* no table for interleaved replies */
#define WAYS_NTPV5          128

struct way {
	struct responder responder;
	struct responder_policy policy; /* the fixture's, with a table of its own */
	struct limit *limit;
	struct collector collector;
	struct fixture_frame f[WAYS_FRAMES];
	enum meridian_verdict verdict[WAYS_FRAMES];
};

struct ways {
	struct way way[WAYS_MAX]; /* the first is the plain one */
	unsigned int count;
	unsigned int settings;
	struct responder_policy *policy;
	struct keyring *keyring;
	struct meridian_timemodel_data model;
	uint64_t counter;
	uint64_t last_receive;          /* T2 of the reply before */
	uint64_t taken[WAYS_TAKEN_MAX]; /* T2 by which an interleaved reply was had */
	unsigned int taken_count;
	uint64_t verdicts[MERIDIAN_VERDICT_COUNT], frames;
};

/* Ready for a first burst, with nothing left of the call before. One at a time. */
struct ways *ways_begin(unsigned int settings);

/* Serves `count` frames (at most WAYS_FRAMES) `ticks` later, and checks what became of them.
 * They are then in way[0].f until ways_burst_end(). */
void ways_burst(struct ways *ways, const struct pkt *pkt, unsigned int count, uint32_t ticks);
void ways_burst_end(struct ways *ways, unsigned int count);

/* Checks that every frame has had one verdict. */
void ways_end(struct ways *ways);

#endif
