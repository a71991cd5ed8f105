/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_PULSE_H
#define CONTROL_CORE_PULSE_H

/*
 * Which second does a pulse belong to? A pulse says exactly where in a second (or in a part of it)
 * UTC is, and nothing else; what else is known of the time completes it. Pure.
 */

#include <meridian/timemodel.h>
#include <stdbool.h>

struct pulse_signal {
	double rate_hz;
	double width_s; /* to tell the edge that counts from the other one; 0: there is only one */
};

/* UTC at the pulse as something else has it, and how far that may be off. */
struct pulse_guess {
	struct meridian_utc utc;
	double distance_s;
};

/* Moves the guess to the nearest time at which there may be a pulse: UTC is a multiple of the
 * pulses' interval plus `phase_s` then. Returns by how much it was off, of either sign. */
double pulse_snap(const struct pulse_signal *signal, double phase_s, struct pulse_guess *guess);

/* Whether a guess that had to move by `moved_s` tells the pulse's second:
 * a clock's does when no other pulse is within its distance; */
bool pulse_is_sure(
	const struct pulse_signal *signal, const struct pulse_guess *guess, double moved_s);

/* that of another reference clock, whose distance is an experience and no promise, when it is near
 * enough. */
bool pulse_is_near(
	const struct pulse_signal *signal, const struct pulse_guess *guess, double moved_s);

#endif
