/* SPDX-License-Identifier: BSD-3-Clause */
#include "stamp_clock.h"
#include <errno.h>
#include <math.h>
#include <units.h>

#define SPAN_MIN_S 0.5
#define RATE_MAX   1e-3 /* of steering; what looks faster was set */
#define SETTING_S  1e-4 /* and a difference below this may be a slow read */

static double ticks_s(const struct stamp_clock *clock, uint64_t ticks)
{
	return (double)(int64_t)ticks / (double)clock->hz;
}

static void start(struct stamp_clock *clock, const struct counter_realtime *now)
{
	clock->base = *now;
	clock->started = true;
	clock->rate = 1;
	clock->rate_error = RATE_MAX;
	clock->rate_change_s = 0;
}

static void rate_measure(struct stamp_clock *clock, const struct counter_realtime *now,
	double span_s, double clock_s)
{
	double rate = clock_s / span_s;

	if (clock->rate_error < RATE_MAX)
		clock->rate_change_s = fabs(rate - clock->rate) * span_s;
	clock->rate_error = ticks_s(clock, clock->base.width + now->width) / 2 / span_s;
	clock->rate = rate;
	clock->base = *now;
}

int stamp_clock_note(struct stamp_clock *clock, const struct counter_realtime *now)
{
	double span_s = ticks_s(clock, now->counter - clock->base.counter);
	double clock_s = timespec_diff_s(&clock->base.time, &now->time);

	if (!clock->started) {
		start(clock, now);
		return 0;
	}
	if (fabs(clock_s - span_s) > RATE_MAX * span_s + SETTING_S) {
		start(clock, now);
		return -ERANGE;
	}
	if (span_s >= SPAN_MIN_S)
		rate_measure(clock, now, span_s, clock_s);
	return 0;
}

uint64_t stamp_clock_convert(const struct stamp_clock *clock, const struct counter_realtime *now,
	const struct timespec *stamp, double *ret_error_s)
{
	double age_s = timespec_diff_s(stamp, &now->time);

	*ret_error_s = ticks_s(clock, now->width) / 2 + fabs(age_s) * clock->rate_error +
		clock->rate_change_s;
	return now->counter - (uint64_t)llround(age_s / clock->rate * (double)clock->hz);
}
