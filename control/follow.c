/* SPDX-License-Identifier: BSD-3-Clause */
#include "follow.h"
#include <math.h>

#define WANDER         1e-13 /* 1/s: whoever steers the clock changes its rate at will */
#define STAMP_SD_S     1e-9
#define RESTART_MIN_S  1e-6
#define RESTART_WIDTHS 10   /* of a bracket: a larger surprise is another rate, or another time */
#define RATE_MAX       1e-3 /* of steering; what looks faster is a clock that was set */

/* The rate is what the last two reads say: it was changed since, if not in between. */
static void restart(struct follow *follow, double offset_s, double seconds, double width_s)
{
	double frequency = (offset_s - follow->last_offset_s) / seconds;
	double sd = 2 * width_s / seconds;

	if (follow->filter.count == 0 || !(fabs(frequency) < RATE_MAX)) {
		frequency = follow->filter.frequency;
		sd = RATE_MAX;
	}
	follow->filter = (struct filter){.offset_s = offset_s,
		.frequency = frequency,
		.var_offset = width_s * width_s,
		.var_frequency = sd * sd,
		.covariance = width_s * sd / 2,
		.wander = WANDER,
		.count = 1};
}

struct model_target follow_target(struct follow *follow, double seconds, double *ret_error_s)
{
	struct counter_realtime now = counter_read_realtime(follow->counter);
	double width_s = (double)now.width / (double)follow->counter->hz;
	double passed_s = timescale_seconds(follow->timescale, follow->last_counter, now.counter);
	double offset_s = timescale_utc_diff(
		counter_utc(&now.time), timescale_utc(follow->timescale, now.counter));
	struct filter *filter = &follow->filter;

	filter_predict(filter, passed_s);
	if (filter->count == 0 ||
		fabs(offset_s - filter->offset_s) > fmax(RESTART_WIDTHS * width_s, RESTART_MIN_S)) {
		restart(follow, offset_s, passed_s, width_s);
	} else {
		filter->count = 1; /* a read is never an outlier: nothing is clipped */
		filter_update(filter, offset_s, width_s * width_s / 12 + STAMP_SD_S * STAMP_SD_S);
	}
	follow->last_counter = now.counter;
	follow->last_offset_s = offset_s;
	*ret_error_s = fabs(offset_s - filter->offset_s) + width_s;
	return (struct model_target){.counter = now.counter,
		.utc = timescale_utc_add(
			timescale_utc(follow->timescale, now.counter), filter->offset_s),
		.rate = 1 + filter->frequency,
		.slew_s = seconds,
		.may_slew = true};
}
