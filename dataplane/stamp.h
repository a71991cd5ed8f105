/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_STAMP_H
#define DATAPLANE_STAMP_H

/*
 * Receive stamps of the kernel, turned into counter values.
 *
 * The XDP program stamps with CLOCK_MONOTONIC, a socket with CLOCK_REALTIME; T2 is needed in
 * ticks of the counter. Both clocks are read once per burst, and a stamp is placed by its age: what
 * the kernel slews its clocks meanwhile is some parts per million of the microseconds a frame
 * waits, and at most a tenth of them, while a clock that is far off is slewed.
 */

#include <meridian/timemodel.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Older than this, a packet is not answered: the process was stopped or starved meanwhile. */
#define STAMP_AGE_MAX_NS UINT64_C(250000000)

/* As far ahead as the reading of the two clocks may be wrong; further is no stamp of ours. */
#define STAMP_AHEAD_MAX_NS UINT64_C(10000)

/* Conversion factors between ticks and ns, 2^-32 each, so that no packet costs a division. */
struct stamp_rate {
	uint64_t counter_hz; /* 0: not set */
	uint64_t ticks_per_ns_frac32;
	uint64_t ns_per_tick_frac32;
};

/* The counter and a kernel clock at one instant. */
struct stamp_clock {
	uint64_t counter;
	uint64_t clock_ns;
};

/* Sets the factors for `counter_hz` (not 0); cheap when it has not changed. */
void stamp_rate_set(struct stamp_rate *rate, uint64_t counter_hz);

/* Nanoseconds of `ticks`, saturating. Pure. */
static inline uint64_t stamp_rate_ns(const struct stamp_rate *rate, uint64_t ticks)
{
	meridian_u128 ns = (meridian_u128)ticks * rate->ns_per_tick_frac32 >> 32;

	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

/* Ticks of `ns`. Pure. */
static inline uint64_t stamp_rate_ticks(const struct stamp_rate *rate, uint64_t ns)
{
	return (uint64_t)((meridian_u128)ns * rate->ticks_per_ns_frac32 >> 32);
}

/* Reads counter `counter_id` and `clock` together. No system call where the vDSO has them. */
void stamp_clock_read(struct stamp_clock *ret_now, clockid_t clock, uint8_t counter_id,
	const struct stamp_rate *rate);

/*
 * Counter value at the instant `stamp_ns` of the clock read into `now`. A stamp up to
 * STAMP_AHEAD_MAX_NS in the future counts as now. Returns false, and writes nothing, when it lies
 * further ahead or more than STAMP_AGE_MAX_NS back. Pure.
 */
static inline bool stamp_counter(const struct stamp_clock *now, const struct stamp_rate *rate,
	uint64_t stamp_ns, uint64_t *ret_counter)
{
	uint64_t age_ns = now->clock_ns - stamp_ns; /* wraps to a huge age when in the future */

	if (stamp_ns - now->clock_ns <= STAMP_AHEAD_MAX_NS)
		age_ns = 0;
	if (age_ns > STAMP_AGE_MAX_NS)
		return false;
	*ret_counter = now->counter - stamp_rate_ticks(rate, age_ns);
	return true;
}

#endif
