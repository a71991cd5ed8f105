/* SPDX-License-Identifier: BSD-3-Clause */
#include "hwclock.h"
#include <math.h>

#define WANDER        1e-18 /* of two crystals against each other, 1/s */
#define FREQUENCY_SD  1e-4  /* of a clock that nobody has steered yet */
#define OUTLIER_SIGMA 6.0
#define OUTLIERS_MAX  3
#define ERROR_SIGMA   3.0
/* How quickly the noise is learnt, and how much of one surprise. */
#define NOISE_GAIN   0.1
#define SURPRISE_MAX 9.0
#define SD_MIN_S     1e-9

void hwclock_init(struct hwclock *clock, uint64_t hz)
{
	*clock = (struct hwclock){.timescale = {.hz = hz}};
}

static void start(struct hwclock *clock, const struct hwclock_reading *reading)
{
	clock->timescale.counter = clock->counter = reading->counter;
	clock->timescale.utc = reading->device;
	clock->filter = (struct filter){.var_offset = reading->sd_s * reading->sd_s,
		.var_frequency = FREQUENCY_SD * FREQUENCY_SD,
		.wander = WANDER,
		.count = 1};
	clock->noise_var = reading->sd_s * reading->sd_s;
	clock->within_s = reading->within_s;
	clock->outliers = 0;
}

/* Predictions that are better than the noise lets expect mean less noise, and the other way. */
static void noise_learn(
	struct hwclock *clock, const struct filter *predicted, double offset_s, double sd_max_s)
{
	double apart_s = offset_s - predicted->offset_s;
	double surprise = apart_s * apart_s / (predicted->var_offset + clock->noise_var);

	if (clock->filter.count < HWCLOCK_READINGS_MIN)
		return;
	clock->noise_var *= 1 + NOISE_GAIN * (fmin(surprise, SURPRISE_MAX) - 1);
	clock->noise_var = fmax(fmin(clock->noise_var, sd_max_s * sd_max_s), SD_MIN_S * SD_MIN_S);
}

/* The clock was set, or the reading is a bad one. */
static bool is_outlier(const struct filter *filter, double offset_s, double var, double within_s)
{
	return fabs(offset_s - filter->offset_s) >
		OUTLIER_SIGMA * sqrt(filter->var_offset + var) + within_s;
}

void hwclock_note(struct hwclock *clock, const struct hwclock_reading *reading)
{
	struct filter filter = clock->filter;
	double sd_s = fmax(reading->sd_s, SD_MIN_S), offset_s;

	if (clock->filter.count == 0) {
		start(clock, reading);
		return;
	}
	if ((int64_t)(reading->counter - clock->counter) <= 0)
		return;
	filter_predict(
		&filter, timescale_seconds(&clock->timescale, clock->counter, reading->counter));
	offset_s = timescale_utc_diff(
		reading->device, timescale_utc(&clock->timescale, reading->counter));
	if (is_outlier(&filter, offset_s, sd_s * sd_s, reading->within_s)) {
		if (++clock->outliers == OUTLIERS_MAX)
			start(clock, reading);
		return;
	}
	noise_learn(clock, &filter, offset_s, sd_s);
	filter_update(&filter, offset_s, clock->noise_var);
	clock->filter = filter;
	clock->counter = reading->counter;
	clock->within_s = reading->within_s;
	clock->outliers = 0;
}

uint64_t hwclock_counter(
	const struct hwclock *clock, struct meridian_utc device, double *ret_error_s)
{
	struct filter filter = clock->filter;
	struct meridian_utc shown = timescale_utc_add(
		timescale_utc(&clock->timescale, clock->counter), filter.offset_s);
	double since_s = timescale_utc_diff(device, shown) / (1 + filter.frequency);

	filter_predict(&filter, fabs(since_s));
	*ret_error_s = clock->within_s + ERROR_SIGMA * sqrt(filter.var_offset);
	return clock->counter + (uint64_t)timescale_ticks(&clock->timescale, since_s);
}
