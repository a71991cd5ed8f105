/* SPDX-License-Identifier: BSD-3-Clause */
#include "bank.h"
#include <math.h>

#define WANDER_MIN  1e-22 /* the quietest oscillator of the bank, then steps of ten */
#define OVEN_COUNT  2     /* of them are in ovens, */
#define OVEN_WEIGHT 0.01  /* before the first sample so likely as one that is not */
#define SWITCH      0.002 /* probability that an assumption changes between two samples */

enum noise {
	NOISE_QUEUES,
	NOISE_NORMAL,
};

/* How likely a filter's assumptions are before there is a sample. */
static double prior(unsigned int filter)
{
	double weight = filter / BANK_NOISES < OVEN_COUNT ? OVEN_WEIGHT : 1;

	return weight / (BANK_NOISES * (BANK_WANDERS - OVEN_COUNT + OVEN_COUNT * OVEN_WEIGHT));
}

void bank_start(struct bank *bank, const struct estimate *start)
{
	for (unsigned int i = 0; i < BANK_FILTERS; i++) {
		unsigned int wander = i / BANK_NOISES;

		bank->filter[i] = (struct filter){.offset_s = start->offset_s,
			.frequency = start->frequency,
			.var_offset = start->offset_sd_s * start->offset_sd_s,
			.var_frequency = start->frequency_sd * start->frequency_sd,
			.wander = WANDER_MIN * pow(10, wander)};
		bank->probability[i] = prior(i);
	}
}

/* The mixture of the filters by `weight`, which sums up to 1. */
static struct filter mix(const struct bank *bank, const double weight[BANK_FILTERS])
{
	struct filter mixed = {.offset_s = 0};

	for (unsigned int i = 0; i < BANK_FILTERS; i++) {
		mixed.offset_s += weight[i] * bank->filter[i].offset_s;
		mixed.frequency += weight[i] * bank->filter[i].frequency;
	}
	for (unsigned int i = 0; i < BANK_FILTERS; i++) {
		const struct filter *filter = &bank->filter[i];
		double apart_s = filter->offset_s - mixed.offset_s;
		double apart = filter->frequency - mixed.frequency;

		mixed.var_offset += weight[i] * (filter->var_offset + apart_s * apart_s);
		mixed.covariance += weight[i] * (filter->covariance + apart_s * apart);
		mixed.var_frequency += weight[i] * (filter->var_frequency + apart * apart);
	}
	return mixed;
}

/* How likely the oscillator or the path changes from what one filter assumes to another's. */
static double transition(unsigned int from, unsigned int to)
{
	return (from == to ? 1 - SWITCH : 0) + SWITCH * prior(to);
}

/* Each filter takes over from the others what may have become its own. */
static void interact(struct bank *bank)
{
	struct bank before = *bank;

	for (unsigned int to = 0; to < BANK_FILTERS; to++) {
		double weight[BANK_FILTERS], sum = 0;
		struct filter mixed;

		for (unsigned int from = 0; from < BANK_FILTERS; from++)
			sum += weight[from] = transition(from, to) * before.probability[from];
		for (unsigned int from = 0; from < BANK_FILTERS; from++)
			weight[from] /= sum;
		mixed = mix(&before, weight);
		mixed.wander = before.filter[to].wander;
		bank->filter[to] = mixed;
		bank->probability[to] = sum;
	}
}

/* Weighs the filters by how likely each found the sample. */
static void weigh(struct bank *bank, const double log_likelihood[BANK_FILTERS])
{
	double best = -INFINITY, sum = 0;

	for (unsigned int i = 0; i < BANK_FILTERS; i++)
		best = fmax(best, log_likelihood[i]);
	for (unsigned int i = 0; i < BANK_FILTERS; i++) {
		bank->probability[i] *= exp(log_likelihood[i] - best);
		sum += bank->probability[i];
	}
	for (unsigned int i = 0; i < BANK_FILTERS; i++)
		bank->probability[i] /= sum;
}

void bank_update(struct bank *bank, double seconds, const struct queueing *queueing,
	const struct queueing_sample *sample)
{
	double log_likelihood[BANK_FILTERS];

	interact(bank);
	for (unsigned int i = 0; i < BANK_FILTERS; i++) {
		struct filter *filter = &bank->filter[i];
		struct belief belief;

		filter_predict(filter, seconds);
		belief = (struct belief){.offset_s = filter->offset_s, .var = filter->var_offset};
		belief = i % BANK_NOISES == NOISE_QUEUES
			? queueing_judge(queueing, sample, &belief)
			: queueing_judge_normal(queueing, sample, &belief);
		filter_set_offset(filter, belief.offset_s, belief.var);
		log_likelihood[i] = belief.log_likelihood;
	}
	weigh(bank, log_likelihood);
}

struct estimate bank_estimate(const struct bank *bank, double seconds)
{
	struct bank ahead = *bank;
	struct filter mixed;

	for (unsigned int i = 0; i < BANK_FILTERS; i++)
		filter_predict(&ahead.filter[i], seconds);
	mixed = mix(&ahead, bank->probability);
	return (struct estimate){.offset_s = mixed.offset_s,
		.frequency = mixed.frequency,
		.offset_sd_s = sqrt(fmax(mixed.var_offset, 0)),
		.frequency_sd = sqrt(fmax(mixed.var_frequency, 0))};
}

void bank_shift(struct bank *bank, double seconds)
{
	for (unsigned int i = 0; i < BANK_FILTERS; i++)
		bank->filter[i].offset_s -= seconds;
}
