/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DRIFTFILE_H
#define CONTROL_DRIFTFILE_H

#include "counter.h"
#include <math.h>

/* Temperature moves it. */
#define DRIFT_ADOPTED_SD 1e-6

/* What is known of the counter before the first sample: UTC seconds per nominal second minus 1,
 * and how sure that is. */
struct drift_start {
	double frequency, frequency_sd;
};

/* Reads `path` (absolute; "": there is none). A missing file is normal, and a directory in which
 * whoever starts could not write it is warned about; a bad file, or one about another counter, is
 * warned about and ignored. Always fills *ret_start. */
void driftfile_read(const char *path, const struct counter *counter, struct drift_start *ret_start);

/* Takes over the frequency that a clock had, where that is known better. */
static inline void drift_adopt(struct drift_start *start, double frequency, double frequency_sd)
{
	double sd = fmax(frequency_sd, DRIFT_ADOPTED_SD);

	if (sd < start->frequency_sd)
		*start = (struct drift_start){frequency, sd};
}

/* Replaces `path` in one step; of a failure nothing is left. Returns 0 or a negative errno, after
 * logging why. */
int driftfile_write(
	const char *path, const struct counter *counter, double frequency, double frequency_sd);

#endif
