/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DRIFTFILE_H
#define CONTROL_DRIFTFILE_H

#include "counter.h"

/* What is known of the counter before the first sample: UTC seconds per nominal second minus 1,
 * and how sure that is. */
struct drift_start {
	double frequency, frequency_sd;
};

/* Reads `path` ("": there is none). A missing file is normal; a bad one, or one about another
 * counter, is warned about and ignored. Always fills *ret_start. */
void driftfile_read(const char *path, const struct counter *counter, struct drift_start *ret_start);

/* Replaces `path` in one step. Returns 0 or a negative errno, after logging why. */
int driftfile_write(
	const char *path, const struct counter *counter, double frequency, double frequency_sd);

#endif
