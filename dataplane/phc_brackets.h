/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PHC_BRACKETS_H
#define DATAPLANE_PHC_BRACKETS_H

/*
 * Readings of a PTP hardware clock, which the kernel has made between two readings of a clock of
 * its own, as readings between two values of the counter.
 *
 * The kernel's clock is itself read against the counter right before and after. Somebody may slew
 * it: how fast it runs is measured from one turn to the next, and what it may do otherwise within
 * one, PHC_BRACKETS_RATE_MAX, makes the brackets wider, so that the truth stays in them. Pure.
 */

#include "stamp.h"
#include <device_clock.h>
#include <phc_read.h>

#define PHC_BRACKETS_RATE_MAX_PPM 1000

/*
 * The rate, for phc_brackets(), by which the kernel's clock runs in the turn of readings that
 * begins with `begin`, as `pace` has followed it from turn to turn; `nominal` is the counter's.
 * Returns false where it is not known: in the first two turns, and when it has changed since.
 */
bool phc_brackets_rate(struct stamp_pace *pace, const struct stamp_rate *nominal,
	const struct device_clock_reading *begin, struct stamp_rate *ret_rate);

/*
 * Of readings made after `begin` and before `end`, which are of the kernel's clock (`device` in
 * ns). Returns how many there are in `reading`, in order; those are left out during which the clock
 * was set, or that do not lie between the two.
 */
size_t phc_brackets(const struct phc_readings *readings, const struct device_clock_reading *begin,
	const struct device_clock_reading *end, const struct stamp_rate *rate,
	struct device_clock_reading reading[PHC_READINGS]);

#endif
