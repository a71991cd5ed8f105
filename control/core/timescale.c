/* SPDX-License-Identifier: BSD-3-Clause */
#include "timescale.h"
#include <math.h>

static meridian_u128 utc_pack(struct meridian_utc utc)
{
	return (meridian_u128)(uint64_t)utc.s << 64 | utc.frac64;
}

static struct meridian_utc utc_unpack(meridian_u128 packed)
{
	return (struct meridian_utc){.s = (int64_t)(packed >> 64), .frac64 = (uint64_t)packed};
}

struct meridian_utc timescale_utc_add(struct meridian_utc utc, double seconds)
{
	double whole = floor(seconds), fraction = seconds - whole;
	/* A fraction just below 1 rounds up to it. */
	uint64_t frac64 = fraction < 1.0 ? (uint64_t)ldexp(fraction, 64) : UINT64_MAX;

	return utc_unpack(utc_pack(utc) +
		utc_pack((struct meridian_utc){.s = (int64_t)whole, .frac64 = frac64}));
}

double timescale_utc_diff(struct meridian_utc a, struct meridian_utc b)
{
	return ldexp((double)(timescale_i128)(utc_pack(a) - utc_pack(b)), -64);
}

struct meridian_utc timescale_utc(const struct timescale *timescale, uint64_t counter)
{
	int64_t ticks = (int64_t)(counter - timescale->counter);
	uint64_t size = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
	meridian_u128 span = (meridian_u128)(size / timescale->hz) << 64;

	span += ((meridian_u128)(size % timescale->hz) << 64) / timescale->hz;
	return utc_unpack(
		ticks < 0 ? utc_pack(timescale->utc) - span : utc_pack(timescale->utc) + span);
}

double timescale_seconds(const struct timescale *timescale, uint64_t from, uint64_t to)
{
	return (double)(int64_t)(to - from) / (double)timescale->hz;
}

int64_t timescale_ticks(const struct timescale *timescale, double seconds)
{
	return llround(seconds * (double)timescale->hz);
}
