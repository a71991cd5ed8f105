/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_MODEL_H
#define CONTROL_CORE_MODEL_H

/*
 * The model: what the estimators believe, as the two segments that readers follow. A new line is
 * approached from where the published clock stands, at most MODEL_SLEW_MAX faster or slower than
 * the line, so that the clock neither jumps nor runs backwards; only a correction too large to
 * slew is a step, and counted as a disruption.
 */

#include "bound.h"
#include "timescale.h"
#include <stdbool.h>

#define MODEL_SLEW_MAX   500e-6
#define MODEL_STEP_MIN_S 0.1

/* More is no error of reading two clocks, but sleep. */
#define MODEL_SUSPEND_MIN_NS INT64_C(1000000000)

/* The longest a slew may be asked to take; a larger correction takes longer at MODEL_SLEW_MAX. */
#define MODEL_SLEW_SECONDS_MAX 64.0

struct model {
	struct meridian_timemodel_data data; /* as published; all zero before the first line */
	struct timescale timescale;          /* for nominal seconds */
	uint64_t folded_counter; /* when a leap second moved it in or out; 0: never (leap.h) */
};

/* Where the published clock shall go: the UTC at `counter`, and the seconds of UTC per nominal
 * second of the counter from then on. */
struct model_target {
	uint64_t counter;
	struct meridian_utc utc;
	double rate;
	double slew_s; /* how long the approach should take */
	bool may_slew; /* false: step, whatever the size */
};

/* What is said about the line. */
struct model_facts {
	double root_delay_s;
	double root_dispersion_s; /* at the target's counter, without the remaining slew */
	double dispersion_rate;   /* its growth, s/s */
	double valid_s;           /* how long readers may trust it */
	struct meridian_utc reference;
	uint32_t refid;
	uint8_t status, stratum;
};

/* The root distance at the target's counter. */
static inline double model_facts_distance_s(const struct model_facts *facts)
{
	return facts->root_delay_s / 2 + facts->root_dispersion_s;
}

void model_init(struct model *model, const struct timescale *timescale, uint8_t counter_id,
	int8_t precision_log2);

/* Takes over what an earlier run published. 0, or -EINVAL when it describes another counter. */
int model_adopt(struct model *model, const struct meridian_timemodel_data *data);

/* The page of an earlier run still told the time when this one starts, at `counter`: the counter
 * has not begun anew, and the host, suspended for `suspended_ns` so far, has not slept since, over
 * which a counter may have stood still. */
bool model_is_current(
	const struct meridian_timemodel_data *data, uint64_t counter, int64_t suspended_ns);

/* Sources led the clock of this page, even if it is `local` now. Where it follows CLOCK_REALTIME,
 * its reference time is the time of publication. */
bool model_was_led(const struct meridian_timemodel_data *data, bool may_be_local);

/* Leads the clock to `target`. Returns the step in seconds, 0 when there was none. */
double model_steer(struct model *model, const struct model_target *target);

/* Sets the facts as of `counter`; the line stays. The remaining slew is added to the bound. */
void model_state(struct model *model, uint64_t counter, const struct model_facts *facts);

/* How far the published clock may be off at `counter`, in seconds. */
double model_distance_s(const struct model *model, uint64_t counter);

/* The line that readers will be on when a slew has ended, against `timescale`, at `counter`. */
struct clock_line model_line(
	const struct model *model, const struct timescale *timescale, uint64_t counter);

/* Published clock minus final line at `counter`, in seconds; 0 once the slew has ended. */
double model_residue(const struct model *model, uint64_t counter);

/* Seconds of UTC per nominal second of the final line. */
double model_rate(const struct model *model);

#endif
