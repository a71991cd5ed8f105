/* SPDX-License-Identifier: BSD-3-Clause */
#include "phc_brackets.h"
#include <units.h>

/* Of a time that is cut off to whole nanoseconds. */
#define GRAIN_NS 1

/* Ticks in which the kernel's clock surely has not, or surely has, passed `ns`. */
static uint64_t ticks_least(const struct stamp_rate *rate, uint64_t ns)
{
	uint64_t sure_ns = ns > GRAIN_NS ? ns - GRAIN_NS : 0;

	return stamp_rate_ticks(rate, sure_ns - sure_ns * PHC_BRACKETS_RATE_MAX_PPM / 1000000);
}

static uint64_t ticks_most(const struct stamp_rate *rate, uint64_t ns)
{
	return stamp_rate_ticks(
		rate, ns + GRAIN_NS + (ns * PHC_BRACKETS_RATE_MAX_PPM + 999999) / 1000000 + 1);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) > 0 ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0 ? a : b;
}

/* The kernel's clock has run as clocks do: what passed by it can have passed by the counter. */
static bool is_steady(const struct device_clock_reading *begin,
	const struct device_clock_reading *end, const struct stamp_rate *rate)
{
	uint64_t ns = end->device - begin->device;

	return (int64_t)ns >= 0 && ns < NS_PER_SECOND &&
		end->after - begin->before >= ticks_least(rate, ns) &&
		(int64_t)(end->before - begin->after) <= (int64_t)ticks_most(rate, ns);
}

/* From where the kernel's clock can have shown `from_ns` to where it can have shown `to_ns`, by
 * both of its readings. */
static bool place(const struct device_clock_reading *begin, const struct device_clock_reading *end,
	const struct stamp_rate *rate, uint64_t from_ns, uint64_t to_ns,
	struct device_clock_reading *ret_reading)
{
	uint64_t before, after;

	if (from_ns < begin->device || to_ns < from_ns || to_ns > end->device)
		return false;
	before = later(begin->before + ticks_least(rate, from_ns - begin->device),
		end->before - ticks_most(rate, end->device - from_ns));
	after = earlier(begin->after + ticks_most(rate, to_ns - begin->device),
		end->after - ticks_least(rate, end->device - to_ns));
	ret_reading->before = before;
	ret_reading->after = after;
	return (int64_t)(after - before) >= 0;
}

/* Half of what is allowed for within a turn, for the pace may have changed in the middle of what it
 * was measured over. */
static bool is_same_pace(uint64_t before_frac32, uint64_t now_frac32)
{
	uint64_t most = before_frac32 / 1000000 * PHC_BRACKETS_RATE_MAX_PPM / 2;

	return now_frac32 - before_frac32 + most <= 2 * most;
}

bool phc_brackets_rate(struct stamp_pace *pace, const struct stamp_rate *nominal,
	const struct device_clock_reading *begin, struct stamp_rate *ret_rate)
{
	struct stamp_clock now = {.counter = begin->before + (begin->after - begin->before) / 2,
		.clock_ns = begin->device};
	uint64_t before_frac32 = pace->ticks_per_ns_frac32;
	bool known = pace->intervals > 0;

	stamp_pace_note(pace, nominal, &now);
	*ret_rate = *nominal;
	ret_rate->ticks_per_ns_frac32 = now.ticks_per_ns_frac32;
	return known && is_same_pace(before_frac32, now.ticks_per_ns_frac32);
}

size_t phc_brackets(const struct phc_readings *readings, const struct device_clock_reading *begin,
	const struct device_clock_reading *end, const struct stamp_rate *rate,
	struct device_clock_reading reading[PHC_READINGS])
{
	size_t count = 0;

	if (!is_steady(begin, end, rate))
		return 0;
	for (size_t i = 0; i < readings->count; i++) {
		const struct phc_bracket *bracket = &readings->bracket[i];
		uint64_t from_ns = timespec_ns(&bracket->before);

		reading[count].device = timespec_ns(&bracket->device);
		count += place(begin, end, rate, from_ns, from_ns + (uint64_t)bracket->width_ns,
			&reading[count]);
	}
	return count;
}
