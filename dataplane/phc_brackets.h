/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PHC_BRACKETS_H
#define DATAPLANE_PHC_BRACKETS_H

/*
 * Readings of a PTP hardware clock, which the kernel has made between two readings of a clock of
 * its own, as readings between two values of the counter.
 *
 * The kernel's clock is itself read against the counter right before and after. Somebody may slew
 * it meanwhile, but not by more than PHC_BRACKETS_RATE_MAX: what that leaves open makes the
 * brackets wider, so that the truth stays in them. Pure.
 */

#include "stamp.h"
#include <device_clock.h>
#include <phc_read.h>

#define PHC_BRACKETS_RATE_MAX_PPM 1000

/*
 * Of readings made after `begin` and before `end`, which are of the kernel's clock (`device` in
 * ns). Returns how many there are in `reading`, in order; those are left out during which the clock
 * was set, or that do not lie between the two.
 */
size_t phc_brackets(const struct phc_readings *readings, const struct device_clock_reading *begin,
	const struct device_clock_reading *end, const struct stamp_rate *rate,
	struct device_clock_reading reading[PHC_READINGS]);

#endif
