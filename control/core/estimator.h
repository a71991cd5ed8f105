/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_ESTIMATOR_H
#define CONTROL_CORE_ESTIMATOR_H

/*
 * One source's estimator: samples in, an estimate of UTC against the timescale out.
 *
 * What a sample says of the offset depends on its round trip (see queueing.h); a bank of filters
 * (see bank.h) makes one belief of all samples. A sample that comes with its noise needs no
 * model: a reference clock has no round trips.
 *
 * When a path gets longer, the clock as it was led before tells in which direction: if one way
 * only, later samples are off by half of that, and the clock stays where it was. The bound, which
 * uses the samples as they are, covers either case.
 *
 * A sample that cannot be true if the earlier ones are (see bound.h) is put in dispute and kept
 * from the filters. If the next one agrees with the earlier ones, it was a lie; if
 * ESTIMATOR_DISPUTED in a row contradict them, the source's time has moved, and the estimator
 * starts anew with these. So it does when the filters were led to what the samples exclude.
 */

#include "bank.h"
#include "sample.h"
#include <stdbool.h>

#define ESTIMATOR_SAMPLES  128
#define ESTIMATOR_DISPUTED 4
#define ESTIMATOR_PAST     16

/* Crystals are within 100 ppm of what is printed on them. */
#define ESTIMATOR_FREQUENCY_ERROR 1e-4

/* No counter is that far off: it is the source that ran away. */
#define ESTIMATOR_FREQUENCY_MAX 1e-3

struct estimator {
	const struct timescale *timescale;
	struct sample sample[ESTIMATOR_SAMPLES]; /* ring */
	uint64_t sample_count;                   /* since the start, those in dispute not counted */
	struct sample disputed[ESTIMATOR_DISPUTED]; /* in order of time */
	unsigned int disputed_count;
	bool restarted;         /* by the last sample; the reader may clear it */
	double restart_step_s;  /* how far the source's time moved then */
	uint64_t path_start;    /* number of the first sample since the path got longer */
	double start_frequency; /* what the drift file said, and how sure that is */
	double start_frequency_sd;
	double sure_frequency; /* the counter's is within `sure_error` of it, or the samples tell */
	double sure_error;
	double delay_min_s; /* of the samples since path_start */
	struct queueing queueing;
	double last_innovation_s; /* how far off the prediction of the last sample was */
	double asymmetry_s; /* error of the path since it changed one way only, taken off samples */
	double path_step_s; /* by how much it got longer then */
	double known_delay_s, known_asymmetry_s; /* of the last path that was known well */
	struct bank bank;
	uint64_t filter_counter;          /* time of the bank's states */
	struct bank past[ESTIMATOR_PAST]; /* after each of the last samples, a ring as `sample` */
};

/* `timescale` must outlive the estimator. */
void estimator_init(struct estimator *estimator, const struct timescale *timescale,
	double frequency, double frequency_sd);

/* Takes a sample; one that is not newer than the last is ignored. */
void estimator_add(struct estimator *estimator, const struct sample *sample);

/* What is believed at `counter`; at least one sample must have been taken. */
void estimator_predict(
	const struct estimator *estimator, uint64_t counter, struct estimate *ret_estimate);

/* Follows a timescale that was moved ahead by `seconds`: all its offsets are that much less. */
void estimator_shift(struct estimator *estimator, double seconds);

/* The k-th youngest sample, the disputed ones first; NULL past the oldest one kept. */
const struct sample *estimator_sample(const struct estimator *estimator, uint64_t k);

/* Typical standard deviation of a sample's offset on this path. */
double estimator_noise_sd(const struct estimator *estimator);

/* How far a clock that the last sample set may have gone astray until `counter`: by its frequency,
 * as well as that is known, and as much as that may have changed. */
double estimator_astray_s(const struct estimator *estimator, uint64_t counter);

#endif
