/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_COUNTER_H
#define CONTROL_COUNTER_H

/*
 * The counter that this control process chose, and how it relates to CLOCK_REALTIME.
 */

#include "config.h"
#include <meridian/counter.h>
#include <meridian/timemodel.h>

struct counter {
	uint8_t id;         /* MERIDIAN_COUNTER_* */
	const char *name;   /* "tsc", "monotonic-raw" */
	uint64_t hz;        /* nominal ticks per second */
	double precision_s; /* of a reading */
	int8_t precision_log2;
};

/* Chooses and measures. Returns 0, or -ENOTSUP when the config asks for a counter that this
 * machine cannot use, after logging why. */
int counter_init(struct counter *counter, const struct config *config);

static inline uint64_t counter_read(const struct counter *counter)
{
	return meridian_counter_read(counter->id);
}

/* One instant by both: the counter, and CLOCK_MONOTONIC_RAW in ns. */
void counter_read_raw(const struct counter *counter, uint64_t *ret_counter, uint64_t *ret_raw_ns);

/* Another clock between two readings of the counter, the tightest pair of a few. */
struct counter_realtime {
	uint64_t counter; /* middle of the two readings */
	uint64_t width;   /* ticks between them */
	struct timespec time;
};

struct counter_realtime counter_read_clock(const struct counter *counter, clockid_t clock);

static inline struct counter_realtime counter_read_realtime(const struct counter *counter)
{
	return counter_read_clock(counter, CLOCK_REALTIME);
}

/*
 * The counter's reading at `stamp`, a recent CLOCK_REALTIME stamp of the kernel, by its age.
 * Returns 0, or -ERANGE when the stamp lies outside [earliest, now]: the clock was set meanwhile,
 * or the stamp is of another clock.
 */
int counter_from_realtime(const struct counter *counter, const struct timespec *stamp,
	uint64_t earliest, uint64_t *ret_counter);

/* How long the machine has been suspended since it started; counters may have stood still then. */
int64_t counter_suspended_ns(void);

struct meridian_utc counter_utc(const struct timespec *time);

#endif
