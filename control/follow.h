/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_FOLLOW_H
#define CONTROL_FOLLOW_H

/*
 * Follows CLOCK_REALTIME, which somebody else may set and steer: bracketed reads, smoothed by a
 * filter, so that the published clock is within tens of nanoseconds of it and does not jitter.
 */

#include "core/model.h"
#include "counter.h"
#include <filter.h>

struct follow {
	const struct counter *counter;
	const struct timescale *timescale;
	struct filter filter;  /* count 0: not started */
	uint64_t last_counter; /* time of the filter's state, and of the last read */
	double last_offset_s;  /* as read */
};

/* `counter` and `timescale` must outlive the follower. */
static inline void follow_init(
	struct follow *follow, const struct counter *counter, const struct timescale *timescale)
{
	*follow = (struct follow){.counter = counter, .timescale = timescale};
}

/* Reads the clock and returns where a model that follows it should go, to arrive after
 * `seconds`; call it about that often. *ret_error_s is how far the target may be off the clock as
 * it was read now; what the clock does until the next read is not known. */
struct model_target follow_target(struct follow *follow, double seconds, double *ret_error_s);

#endif
