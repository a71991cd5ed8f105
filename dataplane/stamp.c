/* SPDX-License-Identifier: BSD-3-Clause */
#include "stamp.h"
#include <meridian/counter.h>
#include <meridian/timemodel.h>
#include <units.h>

#define BRACKET_TRIES  3
#define BRACKET_MAX_NS 500 /* wider than this, we were interrupted in between: read again */

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

void stamp_clock_read(struct stamp_clock *ret_now, clockid_t clock, uint8_t counter_id,
	const struct stamp_rate *rate)
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
			return;
	}
}
