/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_BOUND_H
#define CONTROL_CORE_BOUND_H

/*
 * What surely holds: bounds that rest on the intervals of the samples, not on a filter's belief.
 *
 * The promise: as long as a source keeps its own promise (root delay and dispersion) and the
 * counter's rate, once measured, keeps within timescale.wander, UTC lies within the distances
 * below. A source that breaks its promise cannot be told from one that keeps it before there is
 * evidence: an only source that steps is believed until its next sample. From that sample on the
 * distance covers the old time and the new one, until one of the two is established. Of several
 * sources fewer than half are liars: a near one whose lie is too small to be seen by the others
 * must not make the bound as narrow as its own.
 */

#include "estimator.h"

/* A straight clock: UTC minus the timescale is `offset_s` at `counter`, and changes by `frequency`
 * seconds per nominal second. */
struct clock_line {
	uint64_t counter;
	double offset_s, frequency;
};

/* Root delay and dispersion (RFC 5905) of a clock: it is off by at most delay / 2 + dispersion. */
struct root_distance {
	double delay_s, dispersion_s;
};

static inline double root_distance_s(const struct root_distance *distance)
{
	return distance->delay_s / 2 + distance->dispersion_s;
}

/* What one source says about a clock: it is off by at least `gap_s` and at most `distance`, and
 * if it goes on as it is, the distance grows by `drift` (s/s). */
struct bound {
	struct root_distance distance;
	double gap_s, drift;
};

/* What the recent samples say about `line`. At least one must have been taken. A sample that
 * contradicts a younger one does not count. */
struct bound bound_of_line(const struct estimator *estimator, const struct clock_line *line);

/* What surely holds for a clock of which `count` > 0 sources say `bound`, when up to `liars`, fewer
 * than `count`, do not keep their promise: of the liars + 1 that say the least, one does. Sorts. */
struct bound bound_despite(struct bound *bound, size_t count, size_t liars);

/* True when UTC cannot be where both `sample`, a younger one, and the estimator's samples have it.
 * The samples in dispute are not asked. */
bool bound_contradicts(const struct estimator *estimator, const struct sample *sample);

/* How far a clock may be off that is no longer led: `held_s` is what was known of it, `bound` what
 * the sources that are heard say of it now. One that agrees is enough to go on. */
double bound_held_s(double held_s, const struct bound *bound, size_t count);

/* Updates in a row that an only source must contradict a clock to lead it elsewhere. */
#define BOUND_LONE_COUNT 4

/* The clock as it was led until now has a vote. Whether a source that says `bound` of it may lead
 * it: when they do not contradict, when `agreeing` sources (this one included) are at least two,
 * or when it contradicts for the `lone_count`th time in a row. */
static inline bool bound_outvotes(
	const struct bound *bound, double held_s, size_t agreeing, unsigned int lone_count)
{
	return bound->gap_s <= held_s || agreeing > 1 || lone_count >= BOUND_LONE_COUNT;
}

#endif
