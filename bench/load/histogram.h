/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

/*
 * Log-linear histogram of nanoseconds in the manner of HdrHistogram: 256 buckets for each power
 * of two, so that a value is told to 1/256 of itself, and exactly below 512. Minimum, maximum and
 * mean are exact. One writer; a reader beside it sees a state that may be a few values behind.
 */

#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_SUB_LOG2 8
#define HISTOGRAM_VALUE_MAX                                                                        \
	((UINT64_C(1) << 40) - 1) /* 18 minutes; what is above counts as that                      \
				   */
#define HISTOGRAM_BUCKETS ((40 - HISTOGRAM_SUB_LOG2 + 1) << HISTOGRAM_SUB_LOG2)

struct histogram {
	uint64_t count, sum, min, max; /* min and max mean nothing while count is 0 */
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

static inline uint32_t histogram_bucket(uint64_t value)
{
	int shift = 63 - HISTOGRAM_SUB_LOG2 - __builtin_clzll(value | 1 << HISTOGRAM_SUB_LOG2);

	return ((uint32_t)shift << HISTOGRAM_SUB_LOG2) + (uint32_t)(value >> shift);
}

static inline void histogram_add(struct histogram *histogram, uint64_t value, uint64_t times)
{
	if (value > HISTOGRAM_VALUE_MAX)
		value = HISTOGRAM_VALUE_MAX;
	histogram->bucket[histogram_bucket(value)] += times;
	histogram->sum += value * times;
	if (histogram->count == 0 || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->count += times;
}

/* The least and the greatest value of a bucket. */
uint64_t histogram_bucket_low(uint32_t bucket);
uint64_t histogram_bucket_high(uint32_t bucket);

/* The value that a share `quantile` (0..1) of the values do not exceed, as the middle of its
 * bucket and within minimum and maximum. 0 for an empty histogram. */
uint64_t histogram_quantile(const struct histogram *histogram, double quantile);
double histogram_mean(const struct histogram *histogram);

void histogram_merge(struct histogram *into, const struct histogram *from);

/* Copies what another thread goes on adding to: a consistent state of a moment ago, but for the
 * sum and the extremes, which may be a few values ahead or behind. */
void histogram_copy(struct histogram *ret_copy, const struct histogram *histogram);

/* What came since `before`, an earlier copy; minimum and maximum to the resolution. */
void histogram_subtract(struct histogram *from, const struct histogram *before);

/* HdrHistogram's text of percentiles; `unit` divides the values (1000: microseconds). Returns 0
 * or a negative errno. */
int histogram_write_hgrm(const struct histogram *histogram, FILE *stream, double unit);

/* Signed values: one histogram for each side. */
struct histogram_signed {
	struct histogram below, above; /* below 0, by size; 0 and above */
};

static inline void histogram_signed_add(struct histogram_signed *histogram, int64_t value)
{
	if (value < 0)
		histogram_add(&histogram->below, 0 - (uint64_t)value, 1);
	else
		histogram_add(&histogram->above, (uint64_t)value, 1);
}

int64_t histogram_signed_quantile(const struct histogram_signed *histogram, double quantile);
double histogram_signed_mean(const struct histogram_signed *histogram);

#endif
