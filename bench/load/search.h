/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_SEARCH_H
#define LOAD_SEARCH_H

/* The search for the highest rate that is served with no more than some loss, by halving (RFC
 * 2544 section 26.1). Pure: the caller measures. */

#include <stdbool.h>
#include <stdint.h>

#define SEARCH_STEPS_MAX 64
#define SEARCH_TRIES_MAX 10

struct search_step {
	uint64_t rate_milli; /* thousandths of a request per second */
	double loss, answered_per_s;
	bool limited; /* the generator was the limit */
	bool passed;
};

struct search {
	uint64_t loss_ppm, resolution_ppm;
	uint32_t tries; /* measurements that must fail before a rate has, at least 1 */
	uint64_t from_milli, to_milli;
	uint64_t passed_milli; /* highest rate that passed; 0: none */
	uint64_t failed_milli; /* lowest rate above it that failed; 0: none */
	struct search_step step[SEARCH_STEPS_MAX];
	unsigned int step_count;
};

void search_init(struct search *search, uint64_t loss_ppm, uint64_t from_milli, uint64_t to_milli,
	uint64_t resolution_ppm);

/* The rate to measure next. Returns false when the search has ended. The first is the highest;
 * then the lowest; then the middle of what is left. */
bool search_next(const struct search *search, uint64_t *ret_rate_milli);

/* Whether a rate is to be measured once more after the n-th time (from 1) gave that. A pause of the
 * machine is no reason to fail: where the generator was the limit the rate has two tries at least.
 */
bool search_again(const struct search *search, uint32_t n, double loss, bool limited);

/* What was measured at that rate. A step in which the generator was the limit has not passed. */
void search_take(struct search *search, uint64_t rate_milli, double loss, double answered_per_s,
	bool limited);

/* Whether it was the generator that failed at the lowest rate that failed: the server may do
 * more. */
bool search_generator_limited(const struct search *search);

#endif
