/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STAMP_CLOCK_H
#define CONTROL_STAMP_CLOCK_H

/*
 * Stamps of another clock of this machine (CLOCK_REALTIME, CLOCK_MONOTONIC_RAW) as counter values.
 *
 * A stamp lies between two bracketed reads of both, or shortly before them. At what rate its clock
 * runs (somebody may steer it) is measured from read to read; what that changes by, and when is not
 * known, is part of the error.
 */

#include "counter.h"
#include <stdbool.h>

struct stamp_clock {
	uint64_t hz;                  /* of the counter */
	struct counter_realtime base; /* the read from which the rate will be measured next */
	bool started;
	double rate;          /* of the clock, s per nominal second of the counter */
	double rate_error;    /* by the width of the reads; RATE_MAX: not measured */
	double rate_change_s; /* what it changed by lately, over the time it was measured for */
};

static inline void stamp_clock_init(struct stamp_clock *clock, const struct counter *counter)
{
	*clock = (struct stamp_clock){.hz = counter->hz, .rate = 1};
}

/* Notes a read. Returns 0, or -ERANGE when the clock was set since the one before: then earlier
 * stamps cannot be converted any more. */
int stamp_clock_note(struct stamp_clock *clock, const struct counter_realtime *now);

/* The counter at `stamp`, not long before the read `now`, and how far that may be off. */
uint64_t stamp_clock_convert(const struct stamp_clock *clock, const struct counter_realtime *now,
	const struct timespec *stamp, double *ret_error_s);

#endif
