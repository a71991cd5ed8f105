/* SPDX-License-Identifier: BSD-3-Clause */
#include "estimator.h"
#include "bound.h"
#include <math.h>
#include <string.h>

#define VAR_MIN        1e-18 /* (1 ns)^2: below it, rounding decides */
#define RERUN_SAMPLES  8
#define RESTART_SD     1e-6 /* most of a frequency that is kept when the source's time moved, */
#define RESTART_SDS    10  /* and in what it was before: the filters may have been a bit too sure */
#define SHIFT_RECENT   10  /* samples that must all be late before a path counts as longer */
#define SHIFT_LATE     0.3 /* scales: the least of 10 samples above the least of many */
#define SHIFT_HARDLY   2.0 /* scales: a sample of the longer path that is hardly queued */
#define SHIFT_AGREEING 3   /* of them hardly queued, to tell which way */
#define SHIFT_AFTER    30  /* samples needed to know the old path */
#define SHIFT_SCALES   2.2 /* 10 samples above it by chance: 0.355^10 */

void estimator_init(struct estimator *estimator, const struct timescale *timescale,
	double frequency, double frequency_sd)
{
	memset(estimator, 0, sizeof(*estimator));
	estimator->timescale = timescale;
	estimator->start_frequency = frequency;
	estimator->start_frequency_sd = frequency_sd;
	/* Whatever is believed at the start, it may be as printed; and where that cannot be,
	 * either. */
	estimator->sure_frequency = fabs(frequency) > ESTIMATOR_FREQUENCY_ERROR ? frequency / 2 : 0;
	estimator->sure_error = ESTIMATOR_FREQUENCY_ERROR + fabs(estimator->sure_frequency);
}

/* The k-th youngest of those that went into the filters. */
static const struct sample *kept_sample(const struct estimator *estimator, uint64_t k)
{
	uint64_t kept = estimator->sample_count < ESTIMATOR_SAMPLES ? estimator->sample_count
								    : ESTIMATOR_SAMPLES;

	if (k >= kept)
		return NULL;
	return &estimator->sample[(estimator->sample_count - 1 - k) % ESTIMATOR_SAMPLES];
}

const struct sample *estimator_sample(const struct estimator *estimator, uint64_t k)
{
	if (k < estimator->disputed_count)
		return &estimator->disputed[estimator->disputed_count - 1 - k];
	return kept_sample(estimator, k - estimator->disputed_count);
}

/* Round trips of the present path, youngest first; returns how many. */
static size_t path_delays(const struct estimator *estimator, double delay_s[ESTIMATOR_SAMPLES])
{
	uint64_t path_count = estimator->sample_count - estimator->path_start;
	const struct sample *sample;
	size_t count = 0;

	while (count < path_count && (sample = kept_sample(estimator, count)))
		delay_s[count++] = sample->delay_s;
	return count;
}

static double least(const double *values, size_t count)
{
	double min = INFINITY;

	for (size_t i = 0; i < count; i++)
		min = fmin(min, values[i]);
	return min;
}

/* All the youngest samples are later than queues explain. */
static bool path_got_longer(const struct estimator *estimator, const double *delay_s, size_t count)
{
	double limit_s = least(delay_s, count) + SHIFT_SCALES * estimator->queueing.scale_s + 1e-9;

	return estimator->sample_count > SHIFT_AFTER && count > SHIFT_RECENT &&
		least(delay_s, SHIFT_RECENT) > limit_s;
}

/* Returns true when the path got longer. */
static bool path_measure(struct estimator *estimator)
{
	double delay_s[ESTIMATOR_SAMPLES];
	size_t count = path_delays(estimator, delay_s);
	bool longer = path_got_longer(estimator, delay_s, count);

	if (longer) {
		estimator->path_step_s = least(delay_s, SHIFT_RECENT) - estimator->known_delay_s -
			SHIFT_LATE * estimator->queueing.scale_s;
		estimator->path_start = estimator->sample_count - SHIFT_RECENT;
		count = SHIFT_RECENT;
	}
	estimator->delay_min_s = least(delay_s, count);
	/* A new path keeps the old one's spread until it is known well: a last sample of the old
	 * path among the first of the new one would hide the shift. */
	if (estimator->path_start > 0 && count <= SHIFT_AFTER) {
		estimator->queueing.floor_s = estimator->delay_min_s - estimator->queueing.edge_s;
		return longer;
	}
	queueing_measure(&estimator->queueing, delay_s, count);
	estimator->known_delay_s = estimator->delay_min_s;
	estimator->known_asymmetry_s = estimator->asymmetry_s;
	return longer;
}

double estimator_noise_sd(const struct estimator *estimator)
{
	return sqrt(estimator->queueing.var / 4 + VAR_MIN);
}

double estimator_astray_s(const struct estimator *estimator, uint64_t counter)
{
	double seconds =
		timescale_seconds(estimator->timescale, estimator->filter_counter, counter);
	struct estimate now = bank_estimate(&estimator->bank, seconds);

	return seconds * (now.frequency_sd + estimator->timescale->wander);
}

/* The first sample: it may be off by half its round trip, and the frequency is a guess. */
static void first(struct estimator *estimator, const struct sample *sample)
{
	struct estimate start = {.offset_s = sample->offset_s,
		.offset_sd_s = fmax(fmax(sample->delay_s, sample->noise_s), 1e-9),
		.frequency = estimator->start_frequency,
		.frequency_sd = estimator->start_frequency_sd};

	bank_start(&estimator->bank, &start);
	queueing_forget(&estimator->queueing);
	estimator->filter_counter = sample->counter;
}

static void next(struct estimator *estimator, const struct sample *sample)
{
	double seconds =
		timescale_seconds(estimator->timescale, estimator->filter_counter, sample->counter);
	struct queueing_sample seen = {.offset_s = sample->offset_s - estimator->asymmetry_s,
		.excess_s = sample->delay_s - estimator->queueing.floor_s,
		.noise_s = sample->noise_s};
	struct estimate before = bank_estimate(&estimator->bank, seconds);
	struct belief belief = {
		.offset_s = before.offset_s, .var = before.offset_sd_s * before.offset_sd_s};

	queueing_learn(&estimator->queueing, &seen, &belief);
	bank_update(&estimator->bank, seconds, &estimator->queueing, &seen);
	estimator->filter_counter = sample->counter;
}

/* The error that a longer path has added to the samples' offsets, by those that were hardly queued
 * and the clock as it was before; 0 if both ways are longer alike, or it cannot be told. */
static double path_asymmetry(
	const struct estimator *estimator, const struct bank *past, uint64_t then)
{
	double limit_s = estimator->delay_min_s + SHIFT_HARDLY * estimator->queueing.scale_s;
	double half_s = estimator->path_step_s / 2, sum_s = 0, sd_s = 0;
	unsigned int count = 0;

	for (uint64_t k = 0; k < SHIFT_RECENT; k++) {
		const struct sample *sample = kept_sample(estimator, k);
		struct estimate expected = bank_estimate(
			past, timescale_seconds(estimator->timescale, then, sample->counter));

		sd_s = fmax(sd_s, expected.offset_sd_s);
		if (sample->delay_s > limit_s)
			continue;
		sum_s += sample->offset_s - estimator->known_asymmetry_s - expected.offset_s;
		count++;
	}
	if (count < SHIFT_AGREEING || sd_s > half_s / 2 ||
		fabs(fabs(sum_s / count) - half_s) > half_s / 2)
		return 0;
	return copysign(half_s, sum_s);
}

/* The samples of the longer path once more, with what is known of it now. */
static void path_follow(struct estimator *estimator)
{
	uint64_t before = estimator->sample_count - 1 - SHIFT_RECENT;
	const struct bank *past = &estimator->past[before % ESTIMATOR_PAST];
	uint64_t then = kept_sample(estimator, SHIFT_RECENT)->counter;

	estimator->asymmetry_s =
		estimator->known_asymmetry_s + path_asymmetry(estimator, past, then);
	estimator->bank = *past;
	estimator->filter_counter = then;
	for (uint64_t k = SHIFT_RECENT; k-- > 0;)
		next(estimator, kept_sample(estimator, k));
}

/* The path is as short again as it was before it got longer. */
static void path_restore(struct estimator *estimator, const struct sample *sample)
{
	if (estimator->asymmetry_s == 0 ||
		sample->delay_s > estimator->delay_min_s - estimator->path_step_s / 2)
		return;
	estimator->asymmetry_s = 0;
	estimator->path_start = estimator->sample_count;
}

/* A few samples say little about the noise: as long as they are few, all of them are weighed
 * anew with what is known now. */
static void rerun(struct estimator *estimator)
{
	uint64_t k = estimator->sample_count - 1;

	first(estimator, kept_sample(estimator, k));
	while (k-- > 0)
		next(estimator, kept_sample(estimator, k));
}

static void take(struct estimator *estimator, const struct sample *sample)
{
	bool longer;

	path_restore(estimator, sample);
	estimator->sample[estimator->sample_count++ % ESTIMATOR_SAMPLES] = *sample;
	longer = path_measure(estimator);
	if (estimator->sample_count <= RERUN_SAMPLES)
		rerun(estimator);
	else if (longer)
		path_follow(estimator);
	else
		next(estimator, sample);
	estimator->past[(estimator->sample_count - 1) % ESTIMATOR_PAST] = estimator->bank;
}

/* It was the source's time that moved, if what is known of the frequency agrees with the samples
 * since then; else it was the counter's frequency, if that is possible. */
static void restart_frequency(
	struct estimator *estimator, const struct sample *first, const struct sample *last)
{
	double known = estimator->start_frequency;
	double seconds = timescale_seconds(estimator->timescale, first->counter, last->counter);
	double measured = (last->offset_s - first->offset_s) / seconds;
	double error = (sample_distance(first) + sample_distance(last)) / seconds +
		estimator->timescale->wander;

	if (fabs(measured) <= ESTIMATOR_FREQUENCY_MAX && fabs(measured - known) > error) {
		estimator->start_frequency = estimator->sure_frequency = measured;
		estimator->start_frequency_sd = estimator->sure_error = error;
	}
}

/* Starts anew with the youngest samples. Of filters that are lost, the frequency is no better than
 * their offset. */
static void restart(struct estimator *estimator, bool lost)
{
	struct sample youngest[ESTIMATOR_DISPUTED];
	const struct sample *first = &youngest[0], *last = &youngest[ESTIMATOR_DISPUTED - 1];
	struct estimate before;

	for (unsigned int i = 0; i < ESTIMATOR_DISPUTED; i++)
		youngest[i] = *estimator_sample(estimator, ESTIMATOR_DISPUTED - 1 - i);
	estimator_predict(estimator, last->counter, &before);
	if (!lost && fabs(before.frequency) <= ESTIMATOR_FREQUENCY_MAX) {
		estimator->start_frequency = before.frequency;
		estimator->start_frequency_sd = fmin(RESTART_SD, RESTART_SDS * before.frequency_sd);
	}
	restart_frequency(estimator, first, last);
	estimator->restarted = true;
	estimator->restart_step_s = last->offset_s - before.offset_s;
	estimator->sample_count = estimator->path_start = estimator->disputed_count = 0;
	estimator->asymmetry_s = 0;
	for (unsigned int i = 0; i < ESTIMATOR_DISPUTED; i++)
		take(estimator, &youngest[i]);
}

/* The samples exclude what the filters believe. While these are run anew with every sample, what
 * the next one tells of the path mends them better than forgetting the first ones. */
static bool is_lost(const struct estimator *estimator)
{
	struct clock_line line = {.counter = estimator->filter_counter};
	struct estimate estimate;

	estimator_predict(estimator, line.counter, &estimate);
	line.offset_s = estimate.offset_s;
	line.frequency = estimate.frequency;
	return estimator->sample_count > RERUN_SAMPLES && bound_of_line(estimator, &line).gap_s > 0;
}

void estimator_add(struct estimator *estimator, const struct sample *sample)
{
	const struct sample *last = estimator_sample(estimator, 0);
	struct estimate predicted;

	if (last == NULL) {
		take(estimator, sample);
		return;
	}
	if ((int64_t)(sample->counter - last->counter) <= 0)
		return;
	estimator->restarted = false;
	estimator_predict(estimator, sample->counter, &predicted);
	estimator->last_innovation_s =
		sample->offset_s - estimator->asymmetry_s - predicted.offset_s;
	if (bound_contradicts(estimator, sample)) {
		estimator->disputed[estimator->disputed_count++] = *sample;
		if (estimator->disputed_count == ESTIMATOR_DISPUTED)
			restart(estimator, false);
		return;
	}
	estimator->disputed_count = 0;
	take(estimator, sample);
	if (is_lost(estimator))
		restart(estimator, true);
}

void estimator_shift(struct estimator *estimator, double seconds)
{
	for (unsigned int i = 0; i < ESTIMATOR_SAMPLES; i++)
		estimator->sample[i].offset_s -= seconds;
	for (unsigned int i = 0; i < ESTIMATOR_DISPUTED; i++)
		estimator->disputed[i].offset_s -= seconds;
	bank_shift(&estimator->bank, seconds);
	for (unsigned int i = 0; i < ESTIMATOR_PAST; i++)
		bank_shift(&estimator->past[i], seconds);
}

void estimator_predict(
	const struct estimator *estimator, uint64_t counter, struct estimate *ret_estimate)
{
	*ret_estimate = bank_estimate(&estimator->bank,
		timescale_seconds(estimator->timescale, estimator->filter_counter, counter));
}
