/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TIMESTAMPS_H
#define DATAPLANE_TIMESTAMPS_H

/*
 * The receive (T2) and transmit (T3) timestamps of one worker's replies, as 64-bit NTP timestamps.
 * T2 is odd and T3 even, steps are of 2: chrony's marks, by which a client's origin timestamp tells
 * whether it asks for an interleaved reply. Bits below the clock's precision are random.
 * Inline: both ways through the reply path give the same timestamps because this is the only place
 * that makes them. All pure.
 */

#include "clock.h"
#include <meridian/timemodel.h>

/* Two timestamps this close, beyond the noise of both, may be of one stamp: enough for 128 frames
 * of a burst that all have the same and are told 2 apart. 2^-24 s. */
#define TIMESTAMPS_ONE_STAMP (UINT64_C(1) << 8)

/* As far from any timestamp as one can get: none was given out since the clock stepped. */
#define TIMESTAMPS_HALF_ERA (UINT64_C(1) << 63)

#define TIMESTAMPS_RECEIVE_MARK UINT64_C(1)

struct timestamps {
	uint64_t noise_mask;    /* bits below the published precision */
	uint64_t last_receive;  /* last T2 given out, before its leap second */
	uint64_t last_transmit; /* the same of T3 */
	uint64_t random;        /* state of the generator of the noise */
};

/* A clock of precision 2^precision_log2 s begins, or goes on. */
static inline void timestamps_precision(struct timestamps *timestamps, int8_t precision_log2)
{
	timestamps->noise_mask = clock_noise_mask(precision_log2);
}

/* The clock was set to `utc`: what was given out before does not hold it back. */
static inline void timestamps_restart(struct timestamps *timestamps, struct meridian_utc utc)
{
	timestamps->last_receive = timestamps->last_transmit = clock_ntp(utc) - TIMESTAMPS_HALF_ERA;
}

/* A linear congruential generator (Knuth's MMIX), of which only the upper bits are good: they are
 * what comes first. The noise need not be secret, only without pattern. */
static inline uint64_t timestamps_random(struct timestamps *timestamps)
{
	uint64_t x =
		timestamps->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

	timestamps->random = x;
	return x >> 32 | x << 32;
}

static inline uint64_t timestamps_of(struct timestamps *timestamps, uint64_t ntp)
{
	uint64_t mask = timestamps->noise_mask;

	return (ntp & ~mask) | (timestamps_random(timestamps) & mask);
}

/*
 * `t`, or the next value after `last` if `t` lies before that by no more than the noise and equal
 * stamps explain. What is further back is of an earlier instant, be it that another queue waited
 * or that the clock was set back, and stays as it is: a time is never made wrong to be unique.
 */
static inline uint64_t timestamps_after(
	const struct timestamps *timestamps, uint64_t last, uint64_t t)
{
	return last - t <= 2 * timestamps->noise_mask + TIMESTAMPS_ONE_STAMP ? last + 2 : t;
}

static inline uint64_t timestamps_leap(int8_t leap_offset_s)
{
	return (uint64_t)leap_offset_s << 32;
}

/* T2 at `ntp` (of clock_ntp()), which has a leap second `leap_offset_s` to apply. Never equal to
 * the origin timestamp beside it, which must not be a valid answer to itself. */
static inline uint64_t timestamps_receive(
	struct timestamps *timestamps, uint64_t ntp, int8_t leap_offset_s, uint64_t origin)
{
	uint64_t t = timestamps_of(timestamps, ntp) | TIMESTAMPS_RECEIVE_MARK;
	uint64_t leap = timestamps_leap(leap_offset_s);

	t = timestamps_after(timestamps, timestamps->last_receive, t);
	if (t + leap == origin)
		t += 2;
	timestamps->last_receive = t;
	return t + leap;
}

/* T3 at `ntp` of the reply with `receive` (T2, leap second applied) and `origin`: after its T2 and
 * the T3 of the reply before, and never equal to the origin. */
static inline uint64_t timestamps_transmit(struct timestamps *timestamps, uint64_t ntp,
	int8_t leap_offset_s, uint64_t receive, uint64_t origin)
{
	uint64_t t = timestamps_of(timestamps, ntp) & ~TIMESTAMPS_RECEIVE_MARK;
	uint64_t leap = timestamps_leap(leap_offset_s);

	t = timestamps_after(timestamps, timestamps->last_transmit, t);
	if ((int64_t)(t + leap - receive) <= 0)
		t = receive - leap + 1;
	if (t + leap == origin)
		t += 2;
	timestamps->last_transmit = t;
	return t + leap;
}

/* The measured transmit time of a reply with `receive` (T2 as told): `ntp`, after its T2. */
static inline uint64_t timestamps_measured(
	struct timestamps *timestamps, uint64_t ntp, uint64_t receive)
{
	uint64_t t = timestamps_of(timestamps, ntp) & ~TIMESTAMPS_RECEIVE_MARK;

	return (int64_t)(t - receive) > 0 ? t : receive + 1;
}

#endif
