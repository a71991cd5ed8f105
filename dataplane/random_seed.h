/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_RANDOM_SEED_H
#define DATAPLANE_RANDOM_SEED_H

#include <meridian/counter.h>
#include <sys/random.h>

/* A random number to begin with; while the kernel has no entropy yet, one of the clock, and of
 * `otherwise`: it can be guessed then. Does not wait. */
static inline uint64_t seed_random(uint64_t otherwise)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number))
		number = meridian_clock_ns(CLOCK_MONOTONIC) ^ otherwise;
	return number;
}

#endif
