/* SPDX-License-Identifier: BSD-3-Clause */
#include "median.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COMBINED      0.6 /* share of the readings that is averaged */
#define ERROR_RATIO   1.5 /* readings with larger errors than that of the best are left out, */
#define ERROR_CHOOSE  4   /* if so many remain */
#define MAD_SD        1.4826
#define SPREAD_FACTOR 2.0 /* what a few dozen readings did not show yet */

/* A reading as a point: seconds since the first one, and offset of UTC from the timescale above
 * the first one's. */
struct point {
	double age_s, offset_s;
	double straight_s; /* offset without the drift */
	double error_s;
};

void median_init(struct median *median, size_t capacity)
{
	memset(median, 0, sizeof(*median));
	median->capacity = capacity;
}

const struct median_reading *median_last(const struct median *median)
{
	return median->last_count > 0 ? &median->last[0] : NULL;
}

void median_shift(struct median *median, double seconds)
{
	for (size_t i = 0; i < MEDIAN_READINGS_MAX; i++)
		median->reading[i].offset_s -= seconds;
	for (size_t i = 0; i < 3; i++)
		median->last[i].offset_s -= seconds;
}

/* The middle one of the last three against the line through the others, as a reading's own. */
static void jitter_note(struct median *median, const struct timescale *timescale)
{
	const struct median_reading *last = median->last;
	double whole_s = timescale_seconds(timescale, last[2].counter, last[0].counter);
	double share = timescale_seconds(timescale, last[2].counter, last[1].counter) / whole_s;
	double line_s = last[2].offset_s + share * (last[0].offset_s - last[2].offset_s);
	double apart_s = fabs(last[1].offset_s - line_s);

	median->jitter_s[median->jitter_count++ % MEDIAN_JITTERS] =
		apart_s / sqrt(1 + share * share + (1 - share) * (1 - share));
}

bool median_add(struct median *median, const struct timescale *timescale,
	const struct median_reading *reading)
{
	if (median->last_count > 0 && (int64_t)(reading->counter - median->last[0].counter) <= 0)
		return false;
	median->last[2] = median->last[1];
	median->last[1] = median->last[0];
	median->last[0] = *reading;
	if (median->last_count < 3)
		median->last_count++;
	if (median->last_count == 3)
		jitter_note(median, timescale);
	median->reading[median->next] = *reading;
	median->next = (median->next + 1) % median->capacity;
	if (median->count < median->capacity)
		median->count++;
	return true;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static size_t jitters_known(const struct median *median)
{
	return median->jitter_count < MEDIAN_JITTERS ? median->jitter_count : MEDIAN_JITTERS;
}

double median_noise_s(const struct median *median)
{
	double jitter_s[MEDIAN_JITTERS];
	size_t count = jitters_known(median);

	if (count == 0)
		return 0;
	memcpy(jitter_s, median->jitter_s, sizeof(jitter_s));
	qsort(jitter_s, count, sizeof(jitter_s[0]), compare_double);
	return MAD_SD * jitter_s[count / 2];
}

double median_spread_s(const struct median *median)
{
	double most_s = 0;

	for (size_t i = 0; i < jitters_known(median); i++)
		most_s = fmax(most_s, median->jitter_s[i]);
	return SPREAD_FACTOR * most_s;
}

static size_t points_fill(const struct median *median, const struct timescale *timescale,
	struct point point[MEDIAN_READINGS_MAX])
{
	size_t oldest = (median->next + median->capacity - median->count) % median->capacity;
	const struct median_reading *first = &median->reading[oldest];

	for (size_t i = 0; i < median->count; i++) {
		const struct median_reading *reading =
			&median->reading[(oldest + i) % median->capacity];

		point[i] = (struct point){
			.age_s = timescale_seconds(timescale, first->counter, reading->counter),
			.offset_s = reading->offset_s - first->offset_s,
			.error_s = reading->error_s};
	}
	return median->count;
}

/* Leaves out what was read with much more error than the best; returns how many remain. */
static size_t points_choose(struct point *point, size_t count)
{
	double least_s = INFINITY;
	size_t good = 0;

	for (size_t i = 0; i < count; i++)
		least_s = fmin(least_s, point[i].error_s);
	for (size_t i = 0; i < count; i++)
		good += point[i].error_s <= ERROR_RATIO * least_s;
	if (good < ERROR_CHOOSE || good == count)
		return count;
	good = 0;
	for (size_t i = 0; i < count; i++) {
		if (point[i].error_s <= ERROR_RATIO * least_s)
			point[good++] = point[i];
	}
	return good;
}

/* The median of the slopes between all pairs (Theil and Sen): outliers do not tilt it. */
static double points_slope(const struct point *point, size_t count)
{
	static double slope[MEDIAN_READINGS_MAX * (MEDIAN_READINGS_MAX - 1) / 2];
	size_t pairs = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t j = i + 1; j < count; j++)
			slope[pairs++] = (point[j].offset_s - point[i].offset_s) /
				(point[j].age_s - point[i].age_s);
	}
	if (pairs == 0)
		return 0;
	qsort(slope, pairs, sizeof(slope[0]), compare_double);
	return slope[pairs / 2];
}

static int compare_point(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return (x->straight_s > y->straight_s) - (x->straight_s < y->straight_s);
}

/* How many to leave out at each end: with three or more, the extremes at least. */
static size_t points_trimmed(size_t count)
{
	size_t trimmed = (size_t)((double)count * (1 - COMBINED) / 2);

	if (count < 3)
		return 0;
	return trimmed < 1 ? 1 : trimmed;
}

static size_t points_average(struct point *point, size_t count, struct point *ret_mean)
{
	double slope = points_slope(point, count);
	size_t trimmed = points_trimmed(count), combined = count - 2 * trimmed;

	for (size_t i = 0; i < count; i++)
		point[i].straight_s = point[i].offset_s - slope * point[i].age_s;
	qsort(point, count, sizeof(point[0]), compare_point);
	*ret_mean = (struct point){.age_s = 0};
	for (size_t i = trimmed; i < count - trimmed; i++) {
		ret_mean->age_s += point[i].age_s / (double)combined;
		ret_mean->offset_s += point[i].offset_s / (double)combined;
		ret_mean->error_s = fmax(ret_mean->error_s, point[i].error_s);
	}
	return combined;
}

bool median_take(
	struct median *median, const struct timescale *timescale, struct sample *ret_sample)
{
	size_t oldest = (median->next + median->capacity - median->count) % median->capacity;
	const struct median_reading *first = &median->reading[oldest];
	struct point point[MEDIAN_READINGS_MAX], mean;
	size_t combined;

	if (median->count == 0 || median->jitter_count < MEDIAN_JITTERS_MIN) {
		median->count = 0;
		return false;
	}
	combined = points_average(
		point, points_choose(point, points_fill(median, timescale, point)), &mean);
	*ret_sample = (struct sample){
		.counter = first->counter + (uint64_t)timescale_ticks(timescale, mean.age_s),
		.offset_s = first->offset_s + mean.offset_s,
		.noise_s = median_noise_s(median) / sqrt((double)combined),
		.dispersion_s = mean.error_s + median_spread_s(median)};
	median->count = 0;
	return true;
}
