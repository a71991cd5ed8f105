/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_PHC_CLOCK_H
#define CONTROL_PHC_CLOCK_H

/*
 * A PTP hardware clock, read now and then and modelled (core/hwclock.h), so that its stamps can be
 * told as counter values. It may show any time.
 */

#include "core/hwclock.h"
#include "counter.h"
#include "refclock/stamp_clock.h"
#include <phc_read.h>

struct phc_clock {
	const struct counter *counter;
	int fd; /* the caller's */
	enum phc_method method;
	double sd_s;               /* of a reading that comes alone, and cannot scatter */
	struct stamp_clock stamps; /* of the clock that brackets are of */
	struct hwclock model;
};

/* `fd` is open on the clock, and `method` works there (phc_method_find()); `counter` must outlive
 * it. */
void phc_clock_init(struct phc_clock *clock, const struct counter *counter, int fd,
	enum phc_method method, double sd_s);

/* Reads it once; to be called every few seconds at least. Returns 0 or a negative errno; -ERANGE
 * when this reading told nothing. */
int phc_clock_read(struct phc_clock *clock);

/* The counter when the clock showed `time`, near the last reading, and how far that may be off.
 * Returns 0, or -EAGAIN while the clock is not known well enough. */
int phc_clock_counter(const struct phc_clock *clock, const struct timespec *time,
	uint64_t *ret_counter, double *ret_error_s);

#endif
