/* SPDX-License-Identifier: BSD-3-Clause */
#include "histogram.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#define SUB (UINT32_C(1) << HISTOGRAM_SUB_LOG2)

/* Percentile lines for each halving of what remains above. */
#define HGRM_TICKS 5

uint64_t histogram_bucket_low(uint32_t bucket)
{
	uint32_t octave = bucket >> HISTOGRAM_SUB_LOG2;

	if (octave < 2)
		return bucket;
	return (uint64_t)(bucket - ((octave - 1) << HISTOGRAM_SUB_LOG2)) << (octave - 1);
}

uint64_t histogram_bucket_high(uint32_t bucket)
{
	return histogram_bucket_low(bucket + 1) - 1;
}

static uint64_t within(const struct histogram *histogram, uint64_t value)
{
	if (value < histogram->min)
		return histogram->min;
	return value > histogram->max ? histogram->max : value;
}

static uint64_t bucket_middle(const struct histogram *histogram, uint32_t bucket)
{
	uint64_t low = histogram_bucket_low(bucket), high = histogram_bucket_high(bucket);

	return within(histogram, low + (high - low) / 2);
}

/* The value of rank 1..count. */
static uint64_t value_of_rank(const struct histogram *histogram, uint64_t rank)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->bucket[i];
		if (seen >= rank)
			return rank >= histogram->count ? histogram->max
							: bucket_middle(histogram, i);
	}
	return histogram->max;
}

static uint64_t rank_of(double quantile, uint64_t count)
{
	uint64_t rank = (uint64_t)ceil(quantile * (double)count);

	if (rank < 1)
		return 1;
	return rank > count ? count : rank;
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
	if (histogram->count == 0)
		return 0;
	return value_of_rank(histogram, rank_of(quantile, histogram->count));
}

double histogram_mean(const struct histogram *histogram)
{
	return histogram->count ? (double)histogram->sum / (double)histogram->count : 0;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (from->count == 0)
		return;
	if (into->count == 0 || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum += from->sum;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

void histogram_copy(struct histogram *ret_copy, const struct histogram *histogram)
{
	ret_copy->count = 0;
	ret_copy->min = __atomic_load_n(&histogram->min, __ATOMIC_RELAXED);
	ret_copy->max = __atomic_load_n(&histogram->max, __ATOMIC_RELAXED);
	ret_copy->sum = __atomic_load_n(&histogram->sum, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		ret_copy->bucket[i] = __atomic_load_n(&histogram->bucket[i], __ATOMIC_RELAXED);
		ret_copy->count += ret_copy->bucket[i];
	}
}

void histogram_subtract(struct histogram *from, const struct histogram *before)
{
	uint64_t max = from->max;

	from->count = from->min = from->max = 0;
	from->sum -= before->sum;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		from->bucket[i] -= before->bucket[i];
		if (from->bucket[i] == 0)
			continue;
		if (from->count == 0)
			from->min = histogram_bucket_low(i);
		from->max = histogram_bucket_high(i) < max ? histogram_bucket_high(i) : max;
		from->count += from->bucket[i];
	}
}

static void hgrm_line(const struct histogram *histogram, FILE *stream, double unit, double quantile)
{
	uint64_t rank = rank_of(quantile, histogram->count);
	double value = (double)value_of_rank(histogram, rank) / unit;

	if (quantile < 1)
		fprintf(stream, "%12.3f %2.12f %10llu %14.2f\n", value, quantile,
			(unsigned long long)rank, 1 / (1 - quantile));
	else
		fprintf(stream, "%12.3f %2.12f %10llu\n", value, quantile,
			(unsigned long long)rank);
}

static double deviation(const struct histogram *histogram)
{
	double mean = histogram_mean(histogram), sum = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		double distance = (double)bucket_middle(histogram, i) - mean;

		sum += distance * distance * (double)histogram->bucket[i];
	}
	return histogram->count ? sqrt(sum / (double)histogram->count) : 0;
}

int histogram_write_hgrm(const struct histogram *histogram, FILE *stream, double unit)
{
	double quantile = 0, step = 0.5 / HGRM_TICKS;

	fprintf(stream, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	for (int half = 0; histogram->count && half < 64; half++, step /= 2) {
		for (int tick = 0; tick < HGRM_TICKS; tick++, quantile += step)
			hgrm_line(histogram, stream, unit, quantile);
		if ((1 - quantile) * (double)histogram->count < 1)
			break;
	}
	if (histogram->count)
		hgrm_line(histogram, stream, unit, 1);
	fprintf(stream,
		"#[Mean    = %12.3f, StdDeviation   = %12.3f]\n"
		"#[Max     = %12.3f, Total count    = %12llu]\n"
		"#[Buckets = %12u, SubBuckets     = %12u]\n",
		histogram_mean(histogram) / unit, deviation(histogram) / unit,
		histogram->count ? (double)histogram->max / unit : 0,
		(unsigned long long)histogram->count, 40u - HISTOGRAM_SUB_LOG2, 2u * SUB);
	return ferror(stream) ? -EIO : 0;
}

int64_t histogram_signed_quantile(const struct histogram_signed *histogram, double quantile)
{
	const struct histogram *below = &histogram->below, *above = &histogram->above;
	uint64_t count = below->count + above->count, rank;

	if (count == 0)
		return 0;
	rank = rank_of(quantile, count);
	if (rank == 1 && below->count)
		return -(int64_t)below->max;
	if (rank <= below->count)
		return -(int64_t)value_of_rank(below, below->count - rank + 1);
	return (int64_t)value_of_rank(above, rank - below->count);
}

double histogram_signed_mean(const struct histogram_signed *histogram)
{
	uint64_t count = histogram->below.count + histogram->above.count;

	return count ? ((double)histogram->above.sum - (double)histogram->below.sum) / (double)count
		     : 0;
}
