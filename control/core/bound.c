/* SPDX-License-Identifier: BSD-3-Clause */
#include "bound.h"
#include <math.h>
#include <stdlib.h>

#define BOUND_SAMPLES 16   /* the youngest; and of the older ones */
#define OLDER_STEP    8    /* every eighth, */
#define OLDER_MAX_S   8192 /* as long as the oscillator may be expected to keep its frequency */
#define EVIDENCE_MAX  (BOUND_SAMPLES + (ESTIMATOR_SAMPLES - BOUND_SAMPLES) / OLDER_STEP + 1)

/* The youngest samples that agree with each other, and what that tells of the frequency. */
struct evidence {
	const struct estimator *estimator;
	const struct sample *sample[EVIDENCE_MAX]; /* youngest first */
	size_t count;
	double low, high; /* the frequency is between */
};

static double sample_seconds(
	const struct estimator *estimator, const struct sample *from, const struct sample *to)
{
	return timescale_seconds(estimator->timescale, from->counter, to->counter);
}

/* The limits of frequency by two samples alone: whatever it was in between, its mean is there. */
static void evidence_narrow(
	struct evidence *evidence, const struct sample *old, const struct sample *young)
{
	double seconds = sample_seconds(evidence->estimator, old, young);
	double mean = (young->offset_s - old->offset_s) / seconds;
	double error = (sample_distance(young) + sample_distance(old)) / seconds +
		evidence->estimator->timescale->wander;

	evidence->low = fmax(evidence->low, mean - error);
	evidence->high = fmin(evidence->high, mean + error);
}

static bool pair_agrees(
	const struct evidence *evidence, const struct sample *old, const struct sample *young)
{
	double seconds = sample_seconds(evidence->estimator, old, young);
	double error_s = sample_distance(young) + sample_distance(old) +
		evidence->estimator->timescale->wander * seconds;
	double moved_s = young->offset_s - old->offset_s;

	return moved_s + error_s >= evidence->low * seconds &&
		moved_s - error_s <= evidence->high * seconds;
}

static bool sample_agrees(const struct evidence *evidence, const struct sample *old)
{
	for (size_t i = 0; i < evidence->count; i++) {
		if (!pair_agrees(evidence, old, evidence->sample[i]))
			return false;
	}
	return true;
}

/* Takes limits from elsewhere, unless the samples make them impossible. */
static void evidence_limit(struct evidence *evidence, double frequency, double error)
{
	double low = fmax(evidence->low, frequency - error);
	double high = fmin(evidence->high, frequency + error);

	if (low <= high) {
		evidence->low = low;
		evidence->high = high;
	}
}

/* Returns false past the oldest sample. */
static bool evidence_add(struct evidence *evidence, uint64_t k)
{
	const struct sample *sample = estimator_sample(evidence->estimator, k);

	if (sample == NULL)
		return false;
	if (!sample_agrees(evidence, sample))
		return true;
	for (size_t i = 0; i < evidence->count; i++)
		evidence_narrow(evidence, sample, evidence->sample[i]);
	evidence->sample[evidence->count++] = sample;
	return true;
}

/* The frequency is known the better, the longer the time between two samples. */
static void evidence_add_older(struct evidence *evidence, uint64_t from)
{
	for (uint64_t k = from; k < ESTIMATOR_SAMPLES; k += OLDER_STEP) {
		const struct sample *sample = estimator_sample(evidence->estimator, k);

		if (sample == NULL || evidence->count == 0 ||
			sample_seconds(evidence->estimator, sample, evidence->sample[0]) >
				OLDER_MAX_S)
			break;
		evidence_add(evidence, k);
	}
}

/* The samples numbered `from` to `to`, counted from the youngest. */
static struct evidence evidence_collect(
	const struct estimator *estimator, uint64_t from, uint64_t to)
{
	struct evidence evidence = {.estimator = estimator,
		.low = -ESTIMATOR_FREQUENCY_MAX,
		.high = ESTIMATOR_FREQUENCY_MAX};

	for (uint64_t k = from; k < to; k++) {
		if (!evidence_add(&evidence, k))
			break;
	}
	if (to - from == BOUND_SAMPLES)
		evidence_add_older(&evidence, to);
	evidence_limit(&evidence, estimator->sure_frequency, estimator->sure_error);
	return evidence;
}

static struct bound evidence_bound(const struct evidence *evidence, const struct clock_line *line)
{
	struct bound bound = {.distance = {.dispersion_s = INFINITY},
		.drift = fmax(line->frequency - evidence->low, evidence->high - line->frequency)};

	bound.drift = fmax(bound.drift, evidence->estimator->timescale->wander);
	for (size_t i = 0; i < evidence->count; i++) {
		const struct sample *sample = evidence->sample[i];
		double age_s = timescale_seconds(
			evidence->estimator->timescale, sample->counter, line->counter);
		double line_s = line->offset_s - age_s * line->frequency;
		double apart_s = fabs(line_s - sample->offset_s);
		double error_s = fabs(age_s) * bound.drift;
		struct root_distance distance = {
			.delay_s = sample->delay_s + sample->root_delay_s,
			.dispersion_s = sample->dispersion_s + sample->root_dispersion_s + apart_s +
				error_s,
		};

		if (root_distance_s(&distance) < root_distance_s(&bound.distance))
			bound.distance = distance;
		bound.gap_s = fmax(bound.gap_s, apart_s - error_s - sample_distance(sample));
	}
	return bound;
}

/* Those in dispute are asked alone: the line is held to the new time, if they are right, and off
 * the old one by no more than that, if they are not. */
struct bound bound_of_line(const struct estimator *estimator, const struct clock_line *line)
{
	unsigned int disputed = estimator->disputed_count;
	struct evidence evidence =
		evidence_collect(estimator, 0, disputed > 0 ? disputed : BOUND_SAMPLES);

	return evidence_bound(&evidence, line);
}

static int compare_bound(const void *a, const void *b)
{
	double x = root_distance_s(&((const struct bound *)a)->distance);
	double y = root_distance_s(&((const struct bound *)b)->distance);

	return (x > y) - (x < y);
}

struct bound bound_despite(struct bound *bound, size_t count, size_t liars)
{
	struct bound sure;

	qsort(bound, count, sizeof(bound[0]), compare_bound);
	sure = bound[liars];
	for (size_t i = 0; i < liars; i++)
		sure.drift = fmax(sure.drift, bound[i].drift);
	return sure;
}

bool bound_contradicts(const struct estimator *estimator, const struct sample *sample)
{
	struct evidence evidence = evidence_collect(
		estimator, estimator->disputed_count, estimator->disputed_count + BOUND_SAMPLES);

	for (size_t i = 0; i < evidence.count; i++) {
		if (!pair_agrees(&evidence, evidence.sample[i], sample))
			return true;
	}
	return false;
}

double bound_held_s(double held_s, const struct bound *bound, size_t count)
{
	double farthest_s = held_s;

	for (size_t i = 0; i < count; i++) {
		if (bound[i].gap_s <= held_s)
			return held_s;
		farthest_s = fmax(farthest_s, root_distance_s(&bound[i].distance));
	}
	return farthest_s;
}
