/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_TIMESCALE_H
#define CONTROL_CORE_TIMESCALE_H

/*
 * The timescale of the estimators: UTC as the counter would tell it, if it ran at its nominal
 * rate from one anchor on. Nothing steers it; what is estimated is UTC minus this timescale, a
 * small number that a double holds to well below a nanosecond.
 */

#include <meridian/timemodel.h>
#include <stdint.h>

__extension__ typedef __int128 timescale_i128;

struct timescale {
	uint64_t counter; /* anchor, ticks */
	uint64_t hz;      /* nominal ticks per second */
	struct meridian_utc utc;
	double wander; /* s/s: the counter's rate, once known, holds to this */
};

/* UTC + seconds (of either sign, below 2^62). */
struct meridian_utc timescale_utc_add(struct meridian_utc utc, double seconds);

/* a - b in seconds; exact to a double's rounding. */
double timescale_utc_diff(struct meridian_utc a, struct meridian_utc b);

/* The timescale's own reading at `counter`, before or after the anchor. */
struct meridian_utc timescale_utc(const struct timescale *timescale, uint64_t counter);

/* to - from in nominal seconds. */
double timescale_seconds(const struct timescale *timescale, uint64_t from, uint64_t to);

/* `seconds` (of either sign) in ticks, rounded. */
int64_t timescale_ticks(const struct timescale *timescale, double seconds);

#endif
