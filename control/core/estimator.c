/* SPDX-License-Identifier: BSD-3-Clause */
#include "estimator.h"
#include "bound.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WANDER_MIN    1e-20 /* the quietest oscillator of the bank, then steps of ten */
#define VAR_MIN       1e-18 /* (1 ns)^2: below it, rounding decides */
#define GAMMA_MEDIAN  1.678 /* median of the sum of two unit exponentials */
#define RERUN_SAMPLES 8
#define RESTART_SD    1e-6 /* of a frequency that is kept when the source's time moved */
#define SHIFT_RECENT  10   /* samples that must all be late before a path counts as longer */
#define SHIFT_AFTER   30   /* samples needed to know the old path */
#define SHIFT_SCALES  2.2  /* 10 samples above it by chance: 0.355^10 */

void estimator_init(struct estimator *estimator, const struct timescale *timescale,
	double frequency, double frequency_sd)
{
	memset(estimator, 0, sizeof(*estimator));
	estimator->timescale = timescale;
	estimator->start_frequency = frequency;
	estimator->start_frequency_sd = frequency_sd;
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

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
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

/* Spread of the round trips; far outliers count as eight scales. */
static double clipped_variance(const double *values, size_t count, double scale)
{
	double mean = 0, var = 0;

	for (size_t i = 0; i < count; i++)
		mean += values[i] / (double)count;
	for (size_t i = 0; i < count; i++) {
		double deviation = fmin(values[i] - mean, 8 * scale);

		var += deviation * deviation;
	}
	return var / (double)(count - 1);
}

/* All the youngest samples are later than queues explain. */
static bool path_got_longer(const struct estimator *estimator, const double *delay_s, size_t count)
{
	double limit_s = least(delay_s, count) + SHIFT_SCALES * estimator->delay_scale_s + 1e-9;

	return estimator->sample_count > SHIFT_AFTER && count > SHIFT_RECENT &&
		least(delay_s, SHIFT_RECENT) > limit_s;
}

static void path_measure(struct estimator *estimator)
{
	double delay_s[ESTIMATOR_SAMPLES];
	size_t count = path_delays(estimator, delay_s);
	double min_s;

	if (path_got_longer(estimator, delay_s, count)) {
		estimator->path_start = estimator->sample_count - SHIFT_RECENT;
		count = SHIFT_RECENT;
	}
	estimator->delay_min_s = min_s = least(delay_s, count);
	/* A new path keeps the old one's spread until it is known well: a last sample of the old
	 * path among the first of the new one would hide the shift. */
	if (estimator->path_start > 0 && count <= SHIFT_AFTER)
		return;
	qsort(delay_s, count, sizeof(delay_s[0]), compare_double);
	estimator->delay_scale_s = count > 3 ? (delay_s[count / 2] - min_s) / GAMMA_MEDIAN : min_s;
	estimator->delay_var = count > 3
		? clipped_variance(delay_s, count, estimator->delay_scale_s)
		: min_s * min_s;
}

/* Variance of a sample's offset under noise model 0 (Gaussian) or 1 (queues). The least of n
 * round trips is itself above the path's floor, by 1.25 scales / sqrt(n) on average. */
static double sample_var(
	const struct estimator *estimator, const struct sample *sample, unsigned int noise)
{
	uint64_t count = estimator->sample_count - estimator->path_start;
	double excess_s;

	if (sample->noise_s > 0)
		return sample->noise_s * sample->noise_s + VAR_MIN;
	if (noise == 0)
		return estimator->delay_var / 4 + VAR_MIN;
	if (count > ESTIMATOR_SAMPLES)
		count = ESTIMATOR_SAMPLES;
	excess_s = sample->delay_s - estimator->delay_min_s +
		1.25 * estimator->delay_scale_s / sqrt((double)count);
	return excess_s * excess_s / 12 + VAR_MIN;
}

double estimator_noise_sd(const struct estimator *estimator)
{
	return sqrt(estimator->delay_var / 4 + VAR_MIN);
}

/* The first sample: it may be off by half its round trip, and the frequency is a guess. */
static void bank_start(struct estimator *estimator, const struct sample *sample)
{
	double sd_s = fmax(fmax(sample->delay_s, sample->noise_s), 1e-9);

	for (unsigned int i = 0; i < ESTIMATOR_FILTERS; i++) {
		int step = (int)(i / ESTIMATOR_NOISES);

		estimator->filter[i] = (struct filter){.offset_s = sample->offset_s,
			.frequency = estimator->start_frequency,
			.var_offset = sd_s * sd_s,
			.var_frequency =
				estimator->start_frequency_sd * estimator->start_frequency_sd,
			.wander = WANDER_MIN * pow(10, step),
			.count = 1};
	}
	estimator->filter_counter = sample->counter;
}

static void bank_update(struct estimator *estimator, const struct sample *sample)
{
	double seconds =
		timescale_seconds(estimator->timescale, estimator->filter_counter, sample->counter);

	for (unsigned int i = 0; i < ESTIMATOR_FILTERS; i++) {
		struct filter *filter = &estimator->filter[i];

		filter_predict(filter, seconds);
		filter_update(filter, sample->offset_s,
			sample_var(estimator, sample, i % ESTIMATOR_NOISES));
	}
	estimator->filter_counter = sample->counter;
}

/* A few samples say little about the noise: as long as they are few, all of them are weighed
 * anew with what is known now. */
static void bank_rerun(struct estimator *estimator)
{
	uint64_t k = estimator->sample_count - 1;

	bank_start(estimator, kept_sample(estimator, k));
	while (k-- > 0)
		bank_update(estimator, kept_sample(estimator, k));
}

static void take(struct estimator *estimator, const struct sample *sample)
{
	estimator->sample[estimator->sample_count++ % ESTIMATOR_SAMPLES] = *sample;
	path_measure(estimator);
	if (estimator->sample_count <= RERUN_SAMPLES)
		bank_rerun(estimator);
	else
		bank_update(estimator, sample);
}

/* It was the source's time that moved, if what is known of the frequency agrees with the samples
 * since then; else it was the counter's frequency, if that is possible. */
static void restart_frequency(struct estimator *estimator, double known, const struct sample *first,
	const struct sample *last)
{
	double seconds = timescale_seconds(estimator->timescale, first->counter, last->counter);
	double measured = (last->offset_s - first->offset_s) / seconds;
	double error = (sample_distance(first) + sample_distance(last)) / seconds +
		estimator->timescale->wander;

	if (fabs(known) > ESTIMATOR_FREQUENCY_MAX)
		known = estimator->start_frequency;
	estimator->start_frequency = known;
	estimator->start_frequency_sd = RESTART_SD;
	if (fabs(measured) <= ESTIMATOR_FREQUENCY_MAX && fabs(measured - known) > error) {
		estimator->start_frequency = measured;
		estimator->start_frequency_sd = error;
	}
}

/* Starts anew with the youngest samples. */
static void restart(struct estimator *estimator)
{
	struct sample youngest[ESTIMATOR_DISPUTED];
	const struct sample *first = &youngest[0], *last = &youngest[ESTIMATOR_DISPUTED - 1];
	struct estimate before;

	for (unsigned int i = 0; i < ESTIMATOR_DISPUTED; i++)
		youngest[i] = *estimator_sample(estimator, ESTIMATOR_DISPUTED - 1 - i);
	estimator_predict(estimator, last->counter, &before);
	restart_frequency(estimator, before.frequency, first, last);
	estimator->restarted = true;
	estimator->restart_step_s = last->offset_s - before.offset_s;
	estimator->sample_count = estimator->path_start = estimator->disputed_count = 0;
	for (unsigned int i = 0; i < ESTIMATOR_DISPUTED; i++)
		take(estimator, &youngest[i]);
}

/* The samples exclude what the filters believe. */
static bool is_lost(const struct estimator *estimator)
{
	struct clock_line line = {.counter = estimator->filter_counter};
	struct estimate estimate;

	estimator_predict(estimator, line.counter, &estimate);
	line.offset_s = estimate.offset_s;
	line.frequency = estimate.frequency;
	return estimator->sample_count > ESTIMATOR_DISPUTED &&
		bound_of_line(estimator, &line).gap_s > 0;
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
	estimator->last_innovation_s = sample->offset_s - predicted.offset_s;
	if (bound_contradicts(estimator, sample)) {
		estimator->disputed[estimator->disputed_count++] = *sample;
		if (estimator->disputed_count == ESTIMATOR_DISPUTED)
			restart(estimator);
		return;
	}
	estimator->disputed_count = 0;
	take(estimator, sample);
	if (is_lost(estimator))
		restart(estimator);
}

void estimator_shift(struct estimator *estimator, double seconds)
{
	for (unsigned int i = 0; i < ESTIMATOR_SAMPLES; i++)
		estimator->sample[i].offset_s -= seconds;
	for (unsigned int i = 0; i < ESTIMATOR_DISPUTED; i++)
		estimator->disputed[i].offset_s -= seconds;
	for (unsigned int i = 0; i < ESTIMATOR_FILTERS; i++)
		estimator->filter[i].offset_s -= seconds;
}

/* Weights of the bank's filters, summing up to 1. */
static void bank_weights(const struct estimator *estimator, double weight[ESTIMATOR_FILTERS])
{
	double best = -INFINITY, sum = 0;

	for (unsigned int i = 0; i < ESTIMATOR_FILTERS; i++)
		best = fmax(best, estimator->filter[i].log_likelihood);
	for (unsigned int i = 0; i < ESTIMATOR_FILTERS; i++) {
		weight[i] = exp(estimator->filter[i].log_likelihood - best);
		sum += weight[i];
	}
	for (unsigned int i = 0; i < ESTIMATOR_FILTERS; i++)
		weight[i] /= sum;
}

void estimator_predict(
	const struct estimator *estimator, uint64_t counter, struct estimate *ret_estimate)
{
	struct filter filter[ESTIMATOR_FILTERS];
	double weight[ESTIMATOR_FILTERS];
	double seconds =
		timescale_seconds(estimator->timescale, estimator->filter_counter, counter);
	double offset_s = 0, frequency = 0, var_offset = 0, var_frequency = 0;

	memcpy(filter, estimator->filter, sizeof(filter));
	bank_weights(estimator, weight);
	for (unsigned int i = 0; i < ESTIMATOR_FILTERS; i++) {
		filter_predict(&filter[i], seconds);
		offset_s += weight[i] * filter[i].offset_s;
		frequency += weight[i] * filter[i].frequency;
	}
	for (unsigned int i = 0; i < ESTIMATOR_FILTERS; i++) {
		double apart_s = filter[i].offset_s - offset_s;
		double apart = filter[i].frequency - frequency;

		var_offset += weight[i] * (filter[i].var_offset + apart_s * apart_s);
		var_frequency += weight[i] * (filter[i].var_frequency + apart * apart);
	}
	*ret_estimate = (struct estimate){.offset_s = offset_s,
		.frequency = frequency,
		.offset_sd_s = sqrt(fmax(var_offset, 0)),
		.frequency_sd = sqrt(fmax(var_frequency, 0))};
}
