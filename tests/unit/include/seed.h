/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_SEED_H
#define TEST_SEED_H

/* Random numbers that can be had again: the seed is printed, and taken from TEST_SEED if set. */

#include <stdint.h>

struct seed {
	uint64_t state;
};

struct seed seed_init(const char *test);

/* The same numbers each time, unless TEST_SEED is set: where limits are statistical, and one draw
 * in hundreds passes them. */
struct seed seed_init_fixed(const char *test);

uint64_t seed_next(struct seed *seed);

/* 0 .. limit - 1 */
static inline uint32_t seed_below(struct seed *seed, uint32_t limit)
{
	return (uint32_t)(seed_next(seed) % limit);
}

#endif
