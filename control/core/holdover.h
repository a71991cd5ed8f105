/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_HOLDOVER_H
#define CONTROL_CORE_HOLDOVER_H

/*
 * How long the clock may go on by itself, by time and by what its bound has grown to. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

struct holdover_limits {
	double max_error_s; /* the bound above which nobody is told the time */
	double length_s;    /* since the last update by sources */
};

/* How long readers may trust a clock whose bound is `bound_s` now and grows by `drift`, s/s.
 * Not above 0: not at all. */
double holdover_valid_s(const struct holdover_limits *limits, double bound_s, double drift);

/* Whether an update of such a clock synchronises it, by a source that is asked every 2^poll_log2
 * seconds. One that was not synchronised must keep below the limit for two polls: else it would
 * come and go with each sample. */
bool holdover_admits(const struct holdover_limits *limits, bool synchronised, double bound_s,
	double drift, int8_t poll_log2);

/* The last polls that have to be without an answer before a source is taken for silent; `reach` is
 * of the last 8 polls, the newest in bit 0. */
bool holdover_is_silent(uint8_t reach);

#endif
