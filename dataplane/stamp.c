/* SPDX-License-Identifier: BSD-3-Clause */
#include "stamp.h"
#include <meridian/counter.h>
#include <meridian/timemodel.h>
#include <units.h>

#define BRACKET_TRIES  3
#define BRACKET_MAX_NS 500 /* wider than this, we were interrupted in between: read again */

#define PACE_KNOWN 2 /* intervals until there is one before, whose pace was known before it */

static uint64_t ratio_frac32(uint64_t numerator, uint64_t denominator)
{
	return (uint64_t)(((meridian_u128)numerator << 32) / denominator);
}

void stamp_rate_set(struct stamp_rate *rate, uint64_t counter_hz)
{
	if (rate->counter_hz == counter_hz)
		return;
	rate->counter_hz = counter_hz;
	rate->ticks_per_ns_frac32 = ratio_frac32(counter_hz, NS_PER_SECOND);
	rate->ns_per_tick_frac32 = ratio_frac32(NS_PER_SECOND, counter_hz);
}

static void pace_begin(
	struct stamp_pace *pace, const struct stamp_rate *rate, const struct stamp_clock *now)
{
	*pace = (struct stamp_pace){.counter_hz = rate->counter_hz,
		.counter = now->counter,
		.clock_ns = now->clock_ns,
		.ticks_per_ns_frac32 = rate->ticks_per_ns_frac32,
		.ns_per_tick_frac32 = rate->ns_per_tick_frac32};
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0 ? b - a : a - b;
}

/* In `ticks`, nominally `nominal_ns`, the clock has gone on by `ns`. One that was set has shown no
 * pace. */
static void pace_measure(struct stamp_pace *pace, const struct stamp_rate *rate,
	const struct stamp_clock *now, uint64_t nominal_ns)
{
	uint64_t ticks = now->counter - pace->counter, ns = now->clock_ns - pace->clock_ns;

	if (apart(ns, nominal_ns) > STAMP_PACES_APART(nominal_ns)) {
		pace_begin(pace, rate, now);
		return;
	}
	pace->ticks_per_ns_frac32 = ratio_frac32(ticks, ns);
	pace->ns_per_tick_frac32 = ratio_frac32(ns, ticks);
	pace->counter = now->counter;
	pace->clock_ns = now->clock_ns;
	pace->intervals += pace->intervals < PACE_KNOWN;
}

static uint64_t beyond_reading(uint64_t strayed_ns)
{
	return strayed_ns > STAMP_READING_NS ? strayed_ns : 0;
}

/* Returns how far the clock has strayed. */
static uint64_t pace_follow(
	struct stamp_pace *pace, const struct stamp_rate *rate, const struct stamp_clock *now)
{
	uint64_t ticks = now->counter - pace->counter;
	uint64_t expected_ns =
		pace->clock_ns + (uint64_t)((meridian_u128)ticks * pace->ns_per_tick_frac32 >> 32);
	uint64_t strayed_ns = apart(now->clock_ns, expected_ns), before_ns = pace->strayed_ns;
	uint64_t nominal_ns = stamp_rate_ns(rate, ticks);
	bool known = pace->intervals == PACE_KNOWN;

	if (nominal_ns >= STAMP_PACE_NS) {
		pace->strayed_ns = strayed_ns;
		pace_measure(pace, rate, now, nominal_ns);
	}
	if (!known)
		return UINT64_MAX;
	return beyond_reading(strayed_ns) + beyond_reading(before_ns);
}

void stamp_pace_note(
	struct stamp_pace *pace, const struct stamp_rate *rate, struct stamp_clock *now)
{
	uint64_t strayed_ns = UINT64_MAX;

	if (pace->counter_hz != rate->counter_hz || (int64_t)(now->counter - pace->counter) < 0)
		pace_begin(pace, rate, now);
	else
		strayed_ns = pace_follow(pace, rate, now);
	now->ticks_per_ns_frac32 = pace->ticks_per_ns_frac32;
	now->strayed_ns = strayed_ns;
}

void stamp_clock_read(struct stamp_clock *ret_now, struct stamp_pace *pace, clockid_t clock,
	uint8_t counter_id, const struct stamp_rate *rate)
{
	uint64_t narrowest = UINT64_MAX;

	for (int try = 0; try < BRACKET_TRIES; try++) {
		uint64_t before = meridian_counter_read(counter_id);
		uint64_t clock_ns = meridian_clock_ns(clock);
		uint64_t width = meridian_counter_read(counter_id) - before;

		if (width < narrowest) {
			narrowest = width;
			*ret_now = (struct stamp_clock){
				.counter = before + width / 2, .clock_ns = clock_ns};
		}
		if (stamp_rate_ns(rate, width) <= BRACKET_MAX_NS)
			break;
	}
	stamp_pace_note(pace, rate, ret_now);
}
