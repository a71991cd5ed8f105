/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_HELD_H
#define CONTROL_CORE_HELD_H

/*
 * What is known of the published clock but for the sources that are heard now: how far it was off
 * at most when they last led it, and how that grows. Pure.
 */

#include "bound.h"
#include <meridian/timemodel.h>
#include <stdint.h>

struct held {
	uint64_t counter; /* the distance is of this instant */
	struct root_distance distance;
	double drift; /* s/s */
};

/* What the page of an earlier run says of itself. */
struct held held_of_model(const struct meridian_timemodel_data *data);

struct root_distance held_distance(
	const struct held *held, const struct timescale *timescale, uint64_t now);

#endif
