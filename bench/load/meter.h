/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_METER_H
#define LOAD_METER_H

/*
 * What became of the requests of one run. The thread that sends and receives writes; others may
 * read the counters meanwhile. Pure: no clock is read, times are given.
 *
 * A request has one of five ends: answered (a valid reply within the timeout), late (one after
 * it), kissed (a kiss-o'-death), lost (nothing valid until the end), and, for malformed ones,
 * ignored. So sent = answered + late + kissed + lost + malformed.
 */

#include "histogram.h"
#include "reply.h"

#define METER_KISSES     8
#define METER_SAMPLES    (1u << 16)
#define METER_OFFSET_MAX INT64_MAX

/* Counters of replies. */
#define METER_COUNTERS(X)                                                                          \
	X(sent)               /* requests, the malformed ones too */                               \
	X(skipped)            /* due, but not sent: it was too late */                             \
	X(malformed)          /* of these */                                                       \
	X(answered)           /* in time */                                                        \
	X(late)               /* after the timeout */                                              \
	X(kissed)             /* kiss-o'-death, of any code */                                     \
	X(duplicate)          /* further valid replies to a request */                             \
	X(unsynchronised)     /* answered so: leap indicator 3 or stratum 0 */                     \
	X(interleaved)        /* answered with the transmit time of the reply before */            \
	X(transmit_backwards) /* T3 before one that had arrived when the request was due */        \
	X(leap_changes)                                                                            \
	X(stratum_changes)                                                                         \
	X(refid_changes)                                                                           \
	X(other_frames) /* received that are no NTP replies */

/* What a server said last: leap indicator << 40 | stratum << 32 | reference ID; METER_UNKNOWN:
 * nothing yet. */
#define METER_UNKNOWN UINT64_MAX

struct meter_kiss {
	uint32_t code; /* host order; 0: other codes than the rest */
	uint64_t count;
};

#define METER_KISS_TEXT_SIZE 6

/* A code's letters, `?` for what is none, or "other". Returns `text`. */
const char *meter_kiss_text(uint32_t code, char text[METER_KISS_TEXT_SIZE]);

/* When a request really went out: kept for some of them. */
struct meter_sample {
	uint64_t request, ticks;
};

/* A pair of readings, to turn ticks into CLOCK_REALTIME near it. */
struct meter_clock {
	uint64_t ticks;
	uint64_t ntp; /* NTP timestamp */
};

/* Greatest T3 that had arrived at some time. */
struct meter_mark {
	uint64_t units;
	uint64_t transmit;
};

struct meter {
	const struct traffic *traffic;
	uint64_t hz;            /* ticks per second */
	uint64_t timeout_units; /* token.h */
	uint64_t first_request; /* requests before it are not counted: warm-up */
	uint64_t next_request;
	uint32_t sample_mask; /* requests & mask == 0 are sampled */
	int only_kind;        /* of all requests; -1: there are several */
	uint64_t ns_per_unit; /* 2^-24 ns */
	uint64_t ns_per_tick; /* 2^-32 ns */
	struct meter_clock clock;

#define X(name) uint64_t name;
	METER_COUNTERS(X)
#undef X
	uint64_t invalid[REPLY_REASON_COUNT];
	uint64_t kind_sent[REQUEST_KIND_COUNT], kind_answered[REQUEST_KIND_COUNT];
	struct meter_kiss kiss[METER_KISSES]; /* the last one: all other codes, as 0 */
	uint64_t target[TRAFFIC_TARGETS_MAX];
	struct meter_mark settled, recent;
	uint64_t greatest_transmit;

	struct histogram round_trip;    /* ns from the time a request was due */
	struct histogram send_to_reply; /* ns from its real sending; of sampled requests */
	struct histogram residence;     /* ns, T3 - T2 */
	struct histogram send_lag;      /* ns from due to sent: that of a burst's first request */
	struct histogram_signed offset; /* ns, server minus CLOCK_REALTIME; of sampled requests */

	uint64_t *window; /* a bit for each of the last 2^26 requests: answered */
	struct meter_sample *sample;
};

/* `sample_log2`: one request in 2^sample_log2 is sampled. Returns 0 or -ENOMEM. */
int meter_init(struct meter *meter, const struct traffic *traffic, uint64_t hz, uint32_t timeout_ms,
	unsigned int sample_log2);
void meter_fini(struct meter *meter);

/* Begins a run: forgets all counts. Requests from now on are those of the run. */
void meter_restart(struct meter *meter);

/* Takes the numbers of the next `count` requests (at most 64). Returns the first. */
uint64_t meter_requests(struct meter *meter, unsigned int count);

/* The port took `count` of them, above 0, from number `first` on, at about `now_ticks`; the first
 * of them was due `lag_ticks` before. */
void meter_sent(struct meter *meter, uint64_t first, unsigned int count, uint64_t lag_ticks,
	uint64_t now_ticks);

/* `count` of them, from number `first` on, will not be sent. Returns how many of them are of this
 * run, not from before its beginning. */
unsigned int meter_unsent(struct meter *meter, uint64_t first, unsigned int count);

/* A received frame, and what it was found to be: REPLY_VALID also for duplicates. */
struct meter_frame {
	const uint8_t *data;
	uint32_t length;
	enum reply_reason reason;
};

/* Takes a burst of received frames. Sets their reasons and returns how many are REPLY_OTHER. */
unsigned int meter_replies(
	struct meter *meter, struct meter_frame *frame, unsigned int count, uint64_t now_ticks);

/* Nothing more will come. Sums up. */
uint64_t meter_lost(const struct meter *meter);
uint64_t meter_invalid(const struct meter *meter);

/* Whether transmit_backwards means something: clocks of several servers are not one. */
static inline bool meter_follows_transmit(const struct meter *meter)
{
	return meter->traffic->spec.target_count == 1;
}

/* Lost and late requests, and ones that only got a kiss, of those that deserve an answer: 0..1. */
double meter_loss(const struct meter *meter);

#endif
