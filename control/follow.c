/* SPDX-License-Identifier: BSD-3-Clause */
#include "follow.h"
#include <math.h>

#define WANDER        1e-13 /* 1/s: whoever steers the clock changes its rate at will */
#define STAMP_SD_S    1e-9
#define RESTART_S     1e-3 /* a larger surprise: the clock was set */
#define FREQUENCY_VAR 1e-10

static void restart(struct follow *follow, double offset_s, double sd_s)
{
	follow->filter = (struct filter){.offset_s = offset_s,
		.frequency = follow->filter.frequency,
		.var_offset = sd_s * sd_s,
		.var_frequency = FREQUENCY_VAR,
		.wander = WANDER,
		.count = 1};
}

struct model_target follow_target(struct follow *follow, double seconds)
{
	struct counter_realtime now = counter_read_realtime(follow->counter);
	double width_s = (double)now.width / (double)follow->counter->hz;
	double offset_s = timescale_utc_diff(
		counter_utc(&now.time), timescale_utc(follow->timescale, now.counter));
	struct filter *filter = &follow->filter;

	filter_predict(
		filter, timescale_seconds(follow->timescale, follow->last_counter, now.counter));
	if (filter->count == 0 || fabs(offset_s - filter->offset_s) > RESTART_S)
		restart(follow, offset_s, width_s);
	else
		filter_update(filter, offset_s, width_s * width_s / 12 + STAMP_SD_S * STAMP_SD_S);
	follow->last_counter = now.counter;
	return (struct model_target){.counter = now.counter,
		.utc = timescale_utc_add(
			timescale_utc(follow->timescale, now.counter), filter->offset_s),
		.rate = 1 + filter->frequency,
		.slew_s = seconds,
		.may_slew = true};
}
