/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_SAMPLE_H
#define CONTROL_CORE_SAMPLE_H

/*
 * One measurement of a source: what goes into an estimator. Whatever the paths do, true UTC minus
 * the timescale lay within delay_s / 2 + dispersion_s + root_delay_s / 2 + root_dispersion_s of
 * offset_s at `counter`, if the source keeps its own promise.
 */

#include "timescale.h"
#include <math.h>

struct sample {
	uint64_t counter;         /* middle of our two stamps, ticks */
	double offset_s;          /* UTC by the source minus the timescale */
	double delay_s;           /* round trip without the source's residence time; > 0 */
	double dispersion_s;      /* error of all four stamps */
	double noise_s;           /* standard deviation of offset_s, where it was measured (a
				     reference clock); 0: the delays of the path tell it */
	double root_delay_s;      /* of the source, to its primary reference */
	double root_dispersion_s; /* of the source */
};

/* The four stamps of an exchange: ours in ticks, the source's in UTC (RFC 5905 figure 15). */
struct sample_stamps {
	uint64_t t1, t4;
	struct meridian_utc t2, t3;
};

/* Offset and delay of an exchange (RFC 5905 section 8). `delay_s` may come out negative. */
static inline void sample_measure(struct sample *sample, const struct timescale *timescale,
	const struct sample_stamps *stamps)
{
	double there_s = timescale_utc_diff(stamps->t2, timescale_utc(timescale, stamps->t1));
	double back_s = timescale_utc_diff(stamps->t3, timescale_utc(timescale, stamps->t4));

	sample->counter = stamps->t1 + (stamps->t4 - stamps->t1) / 2;
	sample->offset_s = (there_s + back_s) / 2;
	sample->delay_s = there_s - back_s;
}

/* Corrects for a path whose queueing is `asymmetry` (-0.5 all there, 0.5 all back), by what the
 * delay is above the least one. The correction may be wrong, and the error says so. */
static inline void sample_correct(struct sample *sample, double least_delay_s, double asymmetry)
{
	double correction_s = asymmetry * fmax(0, sample->delay_s - least_delay_s);

	sample->offset_s += correction_s;
	sample->dispersion_s += fabs(correction_s);
}

/* Half-width of the interval that surely held UTC at sample->counter. */
static inline double sample_distance(const struct sample *sample)
{
	return (sample->delay_s + sample->root_delay_s) / 2 + sample->dispersion_s +
		sample->root_dispersion_s;
}

#endif
