/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_QUEUEING_H
#define CONTROL_CORE_QUEUEING_H

/*
 * What is known of a path's delays: its floor, and how what lies above it is distributed, in each
 * direction for itself.
 *
 * Request and answer took f and b longer than the least they can. A sample shows the sum, its
 * excess s = f + b; if its offset is wrong by e, then f = s / 2 + e and b = s / 2 - e. So the
 * likelihood of e is the product of the two directions' densities there. With exponential queues
 * of equal mean it is flat on [-s / 2, s / 2]. Where one direction is seldom busy, a sample with a
 * large excess has two likely errors, near the ends, and what is known before tells which one.
 *
 * A density is a mixture of exponentials whose weights are learned from the samples.
 */

#include <stdbool.h>
#include <stddef.h>

#define QUEUEING_SCALES 5

enum queueing_direction {
	QUEUEING_THERE,
	QUEUEING_BACK,
	QUEUEING_DIRECTIONS,
};

struct queueing {
	double floor_s;                                     /* round trip without any queueing */
	double scale_s;                                     /* typical queueing of one direction */
	double edge_s;                                      /* how uncertain the floor is */
	double mean_s;                                      /* of the round trips */
	double var;                                         /* of the round trips */
	double count[QUEUEING_DIRECTIONS][QUEUEING_SCALES]; /* samples of each scale, lately */
};

/* What a sample says: it shows `offset_s`, with so much excess above the floor. */
struct queueing_sample {
	double offset_s, excess_s;
	double noise_s; /* standard deviation where that is known: the excess does not count */
};

/* Forgets what was learned: queues are likely exponential. */
void queueing_forget(struct queueing *queueing);

/* Measures floor, scale and spread: `delay_s` has `count` > 0 round trips and is sorted here. */
void queueing_measure(struct queueing *queueing, double *delay_s, size_t count);

/* Half of the offsets' range that the sample allows, with the tail of the floor's uncertainty. */
double queueing_reach(const struct queueing *queueing, const struct queueing_sample *sample);

/* A belief about the offset, before or after a sample. */
struct belief {
	double offset_s, var;
	double log_likelihood; /* of the sample */
};

/* What `belief` becomes by the sample. */
struct belief queueing_judge(const struct queueing *queueing, const struct queueing_sample *sample,
	const struct belief *belief);

/* The same if delays are symmetric and normal, or the noise is known. */
struct belief queueing_judge_normal(const struct queueing *queueing,
	const struct queueing_sample *sample, const struct belief *belief);

/* Learns the distributions from a sample, given what was believed before it. One of known noise
 * has nothing to teach. */
void queueing_learn(struct queueing *queueing, const struct queueing_sample *sample,
	const struct belief *belief);

#endif
