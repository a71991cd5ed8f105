/* SPDX-License-Identifier: BSD-3-Clause */
#include "phc_clock.h"
#include <errno.h>
#include <math.h>
#include <units.h>

#define NARROW_RATIO 1.5 /* a bracket wider than that times the narrowest was disturbed */
#define SD_MIN_S     2e-9

/* The counter at a time of the clock that the brackets are of. */
static uint64_t system_counter(const struct phc_clock *clock, const struct phc_readings *readings,
	const struct counter_realtime *now, const struct timespec *time)
{
	double error_s;

	if (readings->clock == CLOCK_MONOTONIC_RAW &&
		clock->counter->id == MERIDIAN_COUNTER_MONOTONIC_RAW)
		return timespec_ns(time);
	return stamp_clock_convert(&clock->stamps, now, time, &error_s);
}

/* One reading out of the brackets that were not disturbed: their mean, and how far they scatter. */
static void combine(const struct phc_clock *clock, const struct phc_readings *readings,
	const struct counter_realtime *now, struct hwclock_reading *ret_reading)
{
	const struct phc_bracket *best = phc_narrowest(readings);
	double sum = 0, sum2 = 0, hz = (double)clock->counter->hz;
	uint64_t base = system_counter(clock, readings, now, &best->before) +
		(uint64_t)((double)best->width_ns / 2e9 * hz);
	size_t count = 0;

	for (size_t i = 0; i < readings->count; i++) {
		const struct phc_bracket *bracket = &readings->bracket[i];
		uint64_t at;
		double ahead_s;

		if ((double)bracket->width_ns > (double)best->width_ns * NARROW_RATIO)
			continue;
		at = system_counter(clock, readings, now, &bracket->before);
		ahead_s = timespec_diff_s(&best->device, &bracket->device) -
			(double)(int64_t)(at - base) / hz - (double)bracket->width_ns / 2e9;
		sum += ahead_s;
		sum2 += ahead_s * ahead_s;
		count++;
	}
	*ret_reading = (struct hwclock_reading){.counter = base,
		.device = timescale_utc_add(counter_utc(&best->device), sum / (double)count),
		.sd_s = clock->sd_s,
		.within_s = (double)best->width_ns / 2e9};
	if (count > 1)
		ret_reading->sd_s = fmax(SD_MIN_S,
			sqrt(fmax(0, sum2 / (double)count - sum * sum / (double)(count * count)) /
				(double)(count - 1)));
}

void phc_clock_init(struct phc_clock *clock, const struct counter *counter, int fd,
	enum phc_method method, double sd_s)
{
	*clock = (struct phc_clock){.counter = counter, .fd = fd, .method = method, .sd_s = sd_s};
	stamp_clock_init(&clock->stamps, counter);
	hwclock_init(&clock->model, counter->hz);
}

int phc_clock_read(struct phc_clock *clock)
{
	struct phc_readings readings;
	struct hwclock_reading reading;
	struct counter_realtime now;
	int r = phc_read(clock->fd, clock->method, &readings);

	if (r < 0)
		return r;
	now = counter_read_clock(clock->counter, readings.clock);
	r = stamp_clock_note(&clock->stamps, &now);
	if (r < 0)
		return r;
	combine(clock, &readings, &now, &reading);
	hwclock_note(&clock->model, &reading);
	return 0;
}

int phc_clock_counter(const struct phc_clock *clock, const struct timespec *time,
	uint64_t *ret_counter, double *ret_error_s)
{
	if (!hwclock_is_ready(&clock->model))
		return -EAGAIN;
	*ret_counter = hwclock_counter(&clock->model, counter_utc(time), ret_error_s);
	return 0;
}
