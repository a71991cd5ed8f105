/* SPDX-License-Identifier: BSD-3-Clause */
#include "holdover.h"
#include <math.h>

#define DRIFT_MIN    1e-12
#define RETURN_POLLS 2
#define SILENT_POLLS 7 /* as bits: the one under way, and two more */

static double until_limit_s(const struct holdover_limits *limits, double bound_s, double drift)
{
	return (limits->max_error_s - bound_s) / fmax(drift, DRIFT_MIN);
}

double holdover_valid_s(const struct holdover_limits *limits, double bound_s, double drift)
{
	return fmin(until_limit_s(limits, bound_s, drift), limits->length_s);
}

bool holdover_admits(const struct holdover_limits *limits, bool synchronised, double bound_s,
	double drift, int8_t poll_log2)
{
	double least_s = synchronised ? 0 : ldexp(RETURN_POLLS, poll_log2);

	return until_limit_s(limits, bound_s, drift) >= least_s;
}

bool holdover_is_silent(uint8_t reach)
{
	return (reach & SILENT_POLLS) == 0;
}
