/* SPDX-License-Identifier: BSD-3-Clause */
#include "drift.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PPM_MAX 10000.0 /* the model's own limit of rate */

int drift_parse(const char *text, struct drift *ret_drift)
{
	struct drift drift = {.hz = 0};
	int length = 0, fields;

	fields = sscanf(text, "%lf %lf %n%31s %" SCNu64 " %n", &drift.ppm, &drift.skew_ppm, &length,
		drift.counter, &drift.hz, &length);
	if ((fields != 2 && fields != 4) || text[length] != '\0')
		return -EINVAL;
	if (!(fabs(drift.ppm) <= PPM_MAX) || !(drift.skew_ppm >= 0 && drift.skew_ppm <= PPM_MAX))
		return -EINVAL;
	if (fields == 4 && drift.hz == 0)
		return -EINVAL;
	*ret_drift = drift;
	return 0;
}

int drift_format(const struct drift *drift, char *text, size_t size)
{
	return snprintf(text, size, "%20.6f %20.6f %s %" PRIu64 "\n", drift->ppm, drift->skew_ppm,
		drift->counter, drift->hz);
}
