/* SPDX-License-Identifier: BSD-3-Clause */
#include "queueing.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINTS      64    /* of a numeric integral */
#define RANGE_SIGMA 5.0   /* of a belief that is integrated */
#define EDGE_REACH  12.0  /* edges: beyond, a sample says nothing */
#define OUTLIER     0.01  /* probability that a sample says nothing at all */
#define MEMORY      0.98  /* of what was learned, a sample later */
#define VAR_MIN     1e-18 /* (1 ns)^2: below it, rounding decides */

#define GAMMA_MEDIAN 1.678 /* median of the sum of two unit exponentials */

/* How far the least of n round trips lies above the floor, in distances from it to the eighth: 0.14
 * on average where one direction is mostly idle (exponential), 0.46 where both queue (Gamma). */
#define EDGE_RANK  8
#define EDGE_RATIO 0.23

/* The exponentials' means, in scales, and how many samples' worth each is believed in before. */
static const double scale[QUEUEING_SCALES] = {1.0 / 16, 1.0 / 4, 1, 4, 16};
static const double prior[QUEUEING_SCALES] = {0.125, 0.25, 4, 0.25, 0.125};

void queueing_forget(struct queueing *queueing)
{
	memset(queueing->count, 0, sizeof(queueing->count));
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Spread of the round trips; far outliers count as eight scales. */
static void measure_spread(struct queueing *queueing, const double *delay_s, size_t count)
{
	double mean_s = 0, var = 0;

	for (size_t i = 0; i < count; i++)
		mean_s += delay_s[i] / (double)count;
	for (size_t i = 0; i < count; i++) {
		double deviation_s = fmin(delay_s[i] - mean_s, 8 * queueing->scale_s);

		var += deviation_s * deviation_s / (double)(count - 1);
	}
	queueing->mean_s = mean_s;
	queueing->var = var;
}

void queueing_measure(struct queueing *queueing, double *delay_s, size_t count)
{
	double least_s;

	qsort(delay_s, count, sizeof(delay_s[0]), compare_double);
	least_s = delay_s[0];
	if (count <= 3) {
		queueing->scale_s = queueing->mean_s = queueing->edge_s = least_s;
		queueing->var = least_s * least_s;
	} else {
		queueing->scale_s = (delay_s[count / 2] - least_s) / GAMMA_MEDIAN + 1e-9;
		measure_spread(queueing, delay_s, count);
		queueing->edge_s = 0.6 * queueing->scale_s / sqrt((double)count);
		if (count >= 2 * EDGE_RANK)
			queueing->edge_s = EDGE_RATIO * (delay_s[EDGE_RANK - 1] - least_s);
		queueing->edge_s += 1e-9;
	}
	queueing->floor_s = least_s - queueing->edge_s;
}

double queueing_reach(const struct queueing *queueing, const struct queueing_sample *sample)
{
	return sample->excess_s / 2 + EDGE_REACH * queueing->edge_s;
}

/* Height of each exponential where it begins; before that, all fall off within an edge. */
static void heights(const struct queueing *queueing, enum queueing_direction direction,
	double ret_height[QUEUEING_SCALES])
{
	double sum = 0;

	for (size_t k = 0; k < QUEUEING_SCALES; k++)
		sum += queueing->count[direction][k] + prior[k];
	for (size_t k = 0; k < QUEUEING_SCALES; k++)
		ret_height[k] = (queueing->count[direction][k] + prior[k]) / sum /
			(scale[k] * queueing->scale_s + queueing->edge_s / 2);
}

/* Density of a delay, and each exponential's part of it. Each scale is a quarter of the next one,
 * so that its exponential is the fourth power. */
static double density(const struct queueing *queueing, const double height[QUEUEING_SCALES],
	double queue_s, double part[QUEUEING_SCALES])
{
	double longest_s = scale[QUEUEING_SCALES - 1] * queueing->scale_s;
	double fall = exp(queue_s < 0 ? queue_s / (queueing->edge_s / 2) : -queue_s / longest_s);
	double sum = 0;

	for (size_t k = QUEUEING_SCALES; k-- > 0;) {
		part[k] = height[k] * fall;
		sum += part[k];
		if (queue_s >= 0)
			fall = fall * fall * fall * fall;
	}
	return sum;
}

/* An integral over what a belief and a sample have in common. */
struct integral {
	double mass, offset_s, square; /* sums of 1, x - mean, (x - mean)^2 */
	double part[QUEUEING_DIRECTIONS][QUEUEING_SCALES];
};

static void add_parts(double sum[QUEUEING_SCALES], const double part[QUEUEING_SCALES], double mass)
{
	for (size_t k = 0; k < QUEUEING_SCALES; k++)
		sum[k] += mass * part[k];
}

static struct integral integrate(const struct queueing *queueing,
	const struct queueing_sample *sample, const struct belief *belief)
{
	double sd_s = sqrt(belief->var), reach_s = queueing_reach(queueing, sample);
	double low_s = fmax(belief->offset_s - RANGE_SIGMA * sd_s, sample->offset_s - reach_s);
	double high_s = fmin(belief->offset_s + RANGE_SIGMA * sd_s, sample->offset_s + reach_s);
	double step_s = (high_s - low_s) / POINTS;
	double height[QUEUEING_DIRECTIONS][QUEUEING_SCALES];
	struct integral integral = {.mass = 0};

	heights(queueing, QUEUEING_THERE, height[QUEUEING_THERE]);
	heights(queueing, QUEUEING_BACK, height[QUEUEING_BACK]);
	for (size_t i = 0; i < POINTS && step_s > 0; i++) {
		double x_s = low_s + ((double)i + 0.5) * step_s - belief->offset_s;
		double error_s = sample->offset_s - belief->offset_s - x_s;
		double there[QUEUEING_SCALES], back[QUEUEING_SCALES];
		double p_there = density(
			queueing, height[QUEUEING_THERE], sample->excess_s / 2 + error_s, there);
		double p_back = density(
			queueing, height[QUEUEING_BACK], sample->excess_s / 2 - error_s, back);
		double before = exp(-x_s * x_s / (2 * belief->var)) / (sd_s * sqrt(2 * M_PI));
		double weight = before * step_s, mass = weight * p_there * p_back;

		integral.mass += mass;
		integral.offset_s += mass * x_s;
		integral.square += mass * x_s * x_s;
		add_parts(integral.part[QUEUEING_THERE], there, weight * p_back);
		add_parts(integral.part[QUEUEING_BACK], back, weight * p_there);
	}
	return integral;
}

/* Density of a sample that says nothing. Its offset is spread wider than what is expected, however
 * wide that is: on a path without jitter even the first samples, expected anywhere, would count as
 * such else. */
static double outlier_density(const struct queueing *queueing, const struct belief *belief)
{
	double longest = scale[QUEUEING_SCALES - 1], range_s = 2 * longest * queueing->scale_s;

	return OUTLIER / (range_s * fmax(range_s, 2 * longest * sqrt(belief->var)));
}

/* By a normal sample of `var` whose density has the further factor `other`; it may say nothing. */
static struct belief judge_normal(const struct queueing_sample *sample, const struct belief *belief,
	double var, double other, double outlier)
{
	double innovation_s = sample->offset_s - belief->offset_s;
	double var_innovation = belief->var + var, gain = belief->var / var_innovation;
	double in = (1 - OUTLIER) * other *
		exp(-innovation_s * innovation_s / (2 * var_innovation)) /
		sqrt(2 * M_PI * var_innovation);
	double inlier = in / (in + outlier), apart_s = gain * innovation_s;

	return (struct belief){.offset_s = belief->offset_s + inlier * apart_s,
		.var = fmax((1 - inlier * gain) * belief->var +
				inlier * (1 - inlier) * apart_s * apart_s,
			VAR_MIN),
		.log_likelihood = log(in + outlier)};
}

/* What says nothing is spread wider than what is expected, however wide that is. */
static struct belief judge_known(const struct queueing_sample *sample, const struct belief *belief)
{
	double var = sample->noise_s * sample->noise_s + VAR_MIN;
	double range_s = 2 * scale[QUEUEING_SCALES - 1] * sqrt(belief->var + var);

	return judge_normal(sample, belief, var, 1, OUTLIER / range_s);
}

struct belief queueing_judge(const struct queueing *queueing, const struct queueing_sample *sample,
	const struct belief *belief)
{
	struct integral integral;
	double outlier = outlier_density(queueing, belief), mass;
	double moved_s, square;

	if (sample->noise_s > 0)
		return judge_known(sample, belief);
	integral = integrate(queueing, sample, belief);
	mass = integral.mass + outlier;
	moved_s = integral.offset_s / mass;
	square = (integral.square + outlier * belief->var) / mass;
	return (struct belief){.offset_s = belief->offset_s + moved_s,
		.var = fmax(square - moved_s * moved_s, VAR_MIN),
		.log_likelihood = log(mass)};
}

struct belief queueing_judge_normal(const struct queueing *queueing,
	const struct queueing_sample *sample, const struct belief *belief)
{
	double var = queueing->var + 4 * VAR_MIN;
	double late_s = sample->excess_s + queueing->floor_s - queueing->mean_s;

	if (sample->noise_s > 0)
		return judge_known(sample, belief);
	return judge_normal(sample, belief, var / 4,
		exp(-late_s * late_s / (2 * var)) / sqrt(2 * M_PI * var),
		outlier_density(queueing, belief));
}

void queueing_learn(struct queueing *queueing, const struct queueing_sample *sample,
	const struct belief *belief)
{
	struct integral integral;
	double mass;

	if (sample->noise_s > 0)
		return;
	integral = integrate(queueing, sample, belief);
	mass = integral.mass + outlier_density(queueing, belief);
	for (size_t d = 0; d < QUEUEING_DIRECTIONS; d++) {
		for (size_t k = 0; k < QUEUEING_SCALES; k++)
			queueing->count[d][k] =
				MEMORY * queueing->count[d][k] + integral.part[d][k] / mass;
	}
}
