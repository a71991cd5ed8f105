/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_STAMP_H
#define DATAPLANE_STAMP_H

/*
 * Receive stamps of the kernel, turned into counter values.
 *
 * The XDP program stamps with CLOCK_MONOTONIC (BPF can read no clock that is never slewed), a
 * socket with CLOCK_REALTIME; T2 is needed in ticks of the counter. Both clocks are read once per
 * burst, and a stamp is placed by its age, at the pace that the clock has now: while somebody slews
 * it, that is up to a tenth off.
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
	uint64_t ticks_per_ns_frac32; /* ticks of the counter in a ns of the clock, 2^-32 */
	uint64_t strayed_ns;          /* how far a stamp's age may be off by that, in ns of the
				       * clock; 0: as far as the two can be read together */
};

/* Clocks that the kernel stamps with: CLOCK_REALTIME and CLOCK_MONOTONIC, by their numbers. */
#define STAMP_CLOCKS 2

/*
 * How a kernel clock runs by the counter, as one thread's readings show. Starts zeroed.
 *
 * It is measured from one reading to another, STAMP_PACE_NS later or more. What the clock has
 * strayed since, from where it should be at that pace, is the most by which the age of a stamp from
 * in between is off, whenever in between the pace changed; of one from before, with what it strayed
 * in the interval before.
 */
struct stamp_pace {
	uint64_t counter_hz;          /* 0: nothing is known yet */
	uint64_t counter, clock_ns;   /* the reading it is measured from */
	uint64_t ticks_per_ns_frac32; /* the pace, both ways */
	uint64_t ns_per_tick_frac32;
	uint64_t strayed_ns;    /* in the interval before */
	unsigned int intervals; /* measured, as far as that matters */
};

/* More than an AF_XDP ring of 2048 holds back. */
#define STAMP_PACE_NS UINT64_C(10000000)

/* What two clocks that are read together may show without any slew. */
#define STAMP_READING_NS UINT64_C(250)

/* The fastest pace that Linux gives a clock is less than this share of an age off the slowest. */
#define STAMP_PACES_APART(age_ns) ((age_ns) / 4)

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

/* Takes a reading into account, and fills in what is known of the clock's pace then. Pure. */
void stamp_pace_note(
	struct stamp_pace *pace, const struct stamp_rate *rate, struct stamp_clock *now);

/* Reads counter `counter_id` and `clock`, whose pace is given, together. No system call where the
 * vDSO has them. */
void stamp_clock_read(struct stamp_clock *ret_now, struct stamp_pace *pace, clockid_t clock,
	uint8_t counter_id, const struct stamp_rate *rate);

/* How far off the receive times may be that are made of stamps from `oldest_ns` on, in ns, to a
 * microsecond. Pure. */
static inline uint64_t stamp_error_ns(const struct stamp_clock *now, uint64_t oldest_ns)
{
	int64_t age_ns = (int64_t)(now->clock_ns - oldest_ns);
	uint64_t most_ns = STAMP_PACES_APART(STAMP_AGE_MAX_NS);
	uint64_t error_ns;

	if (age_ns < (int64_t)STAMP_AGE_MAX_NS)
		most_ns = age_ns > 0 ? STAMP_PACES_APART((uint64_t)age_ns) : 0;
	error_ns = now->strayed_ns < most_ns ? now->strayed_ns : most_ns;
	error_ns += error_ns / 8; /* a ns of the slowest clock */
	return (error_ns + 999) / 1000 * 1000;
}

/*
 * Counter value at the instant `stamp_ns` of the clock read into `now`. A stamp up to
 * STAMP_AHEAD_MAX_NS in the future counts as now. Returns false, and writes nothing, when it lies
 * further ahead or more than STAMP_AGE_MAX_NS back. Pure.
 */
static inline bool stamp_counter(
	const struct stamp_clock *now, uint64_t stamp_ns, uint64_t *ret_counter)
{
	uint64_t age_ns = now->clock_ns - stamp_ns; /* wraps to a huge age when in the future */

	if (stamp_ns - now->clock_ns <= STAMP_AHEAD_MAX_NS)
		age_ns = 0;
	if (age_ns > STAMP_AGE_MAX_NS)
		return false;
	*ret_counter =
		now->counter - (uint64_t)((meridian_u128)age_ns * now->ticks_per_ns_frac32 >> 32);
	return true;
}

#endif
