/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_HWCLOCK_H
#define CONTROL_CORE_HWCLOCK_H

/*
 * The clock of a network card against the counter, so that its stamps can be told in ticks. The
 * card's clock may show any time and may be set at any moment. Pure.
 */

#include "filter.h"
#include "timescale.h"
#include <stdbool.h>

/* So many readings make a model. */
#define HWCLOCK_READINGS_MIN 4

/* What the clock showed. */
struct hwclock_reading {
	uint64_t counter;
	struct meridian_utc device;
	double sd_s;     /* noise, at most */
	double within_s; /* what the reading surely held to, noise or not */
};

struct hwclock {
	struct timescale
		timescale;     /* the device's time, if it ran as the counter does, nominally */
	struct filter filter;  /* the device minus that */
	uint64_t counter;      /* time of the filter's state */
	double noise_var;      /* of a reading, by how well the last ones were predicted */
	double within_s;       /* of the last reading */
	unsigned int outliers; /* readings in a row that the model contradicts */
};

void hwclock_init(struct hwclock *clock, uint64_t hz);

/* Takes a reading. Several that cannot be true if the earlier ones are start a new model. */
void hwclock_note(struct hwclock *clock, const struct hwclock_reading *reading);

static inline bool hwclock_is_ready(const struct hwclock *clock)
{
	return clock->filter.count >= HWCLOCK_READINGS_MIN;
}

/* The counter when the device showed `device`, near the last reading, and how far that may be off.
 * The clock must be ready. */
uint64_t hwclock_counter(
	const struct hwclock *clock, struct meridian_utc device, double *ret_error_s);

#endif
