/* SPDX-License-Identifier: BSD-3-Clause */
#include "candm.h"
#include <math.h>

#define FLOAT_COEFFICIENT_BITS 25
#define FLOAT_COEFFICIENT_MAX  ((1 << (FLOAT_COEFFICIENT_BITS - 1)) - 1)
#define FLOAT_EXPONENT_MIN     (-64)
#define FLOAT_EXPONENT_MAX     63

uint32_t candm_float_encode(double value)
{
	int exponent;
	long coefficient;

	if (isnan(value) || value == 0)
		return 0;
	frexp(value, &exponent);
	exponent++; /* the coefficient has a sign bit */
	if (exponent < FLOAT_EXPONENT_MIN)
		exponent = FLOAT_EXPONENT_MIN;
	if (isinf(value) || exponent > FLOAT_EXPONENT_MAX) {
		exponent = FLOAT_EXPONENT_MAX;
		coefficient = value < 0 ? -FLOAT_COEFFICIENT_MAX - 1 : FLOAT_COEFFICIENT_MAX;
	} else {
		coefficient = lround(ldexp(value, FLOAT_COEFFICIENT_BITS - exponent));
	}
	if (coefficient > FLOAT_COEFFICIENT_MAX) { /* rounded up to a power of two */
		if (exponent < FLOAT_EXPONENT_MAX) {
			coefficient /= 2;
			exponent++;
		} else {
			coefficient = FLOAT_COEFFICIENT_MAX;
		}
	}
	if (coefficient == 0)
		return 0;
	return (uint32_t)exponent << FLOAT_COEFFICIENT_BITS |
		((uint32_t)coefficient & ((1u << FLOAT_COEFFICIENT_BITS) - 1));
}

double candm_float_decode(uint32_t wire)
{
	int exponent = (int)(wire >> FLOAT_COEFFICIENT_BITS);
	int coefficient = (int)(wire & ((1u << FLOAT_COEFFICIENT_BITS) - 1));

	if (exponent > FLOAT_EXPONENT_MAX)
		exponent -= 1 << 7;
	if (coefficient > FLOAT_COEFFICIENT_MAX)
		coefficient -= 1 << FLOAT_COEFFICIENT_BITS;
	return ldexp(coefficient, exponent - FLOAT_COEFFICIENT_BITS);
}
