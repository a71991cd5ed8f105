/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_FOLD_H
#define DATAPLANE_FOLD_H

/* What hashes of addresses are made of. All pure. */

#include <meridian/timemodel.h>
#include <stdint.h>

/* Both halves of a product. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	meridian_u128 product = (meridian_u128)a * b;

	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* The next of a sequence of random numbers (splitmix64), from any seed. */
static inline uint64_t fold_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#endif
