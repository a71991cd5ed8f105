/* SPDX-License-Identifier: BSD-3-Clause */
#include "pulse.h"
#include "timescale.h"
#include <math.h>

#define SURE 0.5 /* of the interval between pulses */
#define NEAR 0.4

double pulse_snap(const struct pulse_signal *signal, double phase_s, struct pulse_guess *guess)
{
	double intervals =
		(ldexp((double)guess->utc.frac64, -64) - fmod(phase_s, 1)) * signal->rate_hz;
	double moved_s = (intervals - round(intervals)) / signal->rate_hz;

	guess->utc = timescale_utc_add(guess->utc, -moved_s);
	return moved_s;
}

/* Of a wrong edge the guess is as far off as the pulse is wide, or the gap between two. */
static bool edge_is_right(const struct pulse_signal *signal, double off_s)
{
	double gap_s = 1 / signal->rate_hz - signal->width_s;

	return signal->width_s <= 0 || off_s <= fmin(signal->width_s, gap_s) / 2;
}

bool pulse_is_sure(
	const struct pulse_signal *signal, const struct pulse_guess *guess, double moved_s)
{
	return guess->distance_s < SURE / signal->rate_hz &&
		edge_is_right(signal, fmax(fabs(moved_s), guess->distance_s));
}

bool pulse_is_near(
	const struct pulse_signal *signal, const struct pulse_guess *guess, double moved_s)
{
	return fabs(moved_s) + guess->distance_s <= NEAR / signal->rate_hz &&
		edge_is_right(signal, fabs(moved_s));
}
