/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_MEDIAN_H
#define CONTROL_CORE_MEDIAN_H

/*
 * The median filter of a reference clock: many readings in, one sample a poll out. Of the readings
 * since the last poll, those near the median (after the counter's drift is taken out) are averaged.
 *
 * How much a reading jitters is seen in its distance from the line between its two neighbours,
 * which does not depend on what the counter's frequency is. The least of these distances tell the
 * noise of the sample, the largest one its error. Pure.
 */

#include "sample.h"
#include <stdbool.h>
#include <stddef.h>

#define MEDIAN_READINGS_MAX 64 /* in a poll; older ones are dropped */
#define MEDIAN_JITTERS      64 /* remembered, over polls */
#define MEDIAN_JITTERS_MIN  3  /* needed before there is a sample */

struct median_reading {
	uint64_t counter;
	double offset_s; /* UTC by the clock minus the timescale */
	double error_s;  /* of both, surely; jitter that is seen comes on top of it */
};

struct median {
	struct median_reading reading[MEDIAN_READINGS_MAX]; /* of this poll, a ring */
	size_t capacity, count, next;
	struct median_reading last[3]; /* youngest first */
	size_t last_count;
	double jitter_s[MEDIAN_JITTERS]; /* a ring */
	size_t jitter_count;             /* ever */
};

/* `capacity`: readings kept in a poll, 1 to MEDIAN_READINGS_MAX. */
void median_init(struct median *median, size_t capacity);

/* Takes a reading; false when it is not newer than the one before, and then it is left out. */
bool median_add(struct median *median, const struct timescale *timescale,
	const struct median_reading *reading);

/* The youngest reading, of this poll or an earlier one; NULL before there was one. */
const struct median_reading *median_last(const struct median *median);

/* Follows a timescale that was moved ahead by `seconds`: all offsets are that much less. */
void median_shift(struct median *median, double seconds);

/* Standard deviation of a reading, and how far off it may be; 0 before anything is known. */
double median_noise_s(const struct median *median);
double median_spread_s(const struct median *median);

/* Ends a poll: what its readings say together. Of *ret_sample, counter, offset, noise and
 * dispersion are set. False when there were none, or too few to know how they jitter. */
bool median_take(
	struct median *median, const struct timescale *timescale, struct sample *ret_sample);

#endif
