/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"
#include <units.h>

#define FRACTION_BITS 32

uint32_t clock_error(uint64_t ns, unsigned int fraction_bits)
{
	uint64_t fraction =
		((ns % NS_PER_SECOND << fraction_bits) + NS_PER_SECOND - 1) / NS_PER_SECOND;
	uint64_t seconds = (ns / NS_PER_SECOND << fraction_bits) + fraction;

	return seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

uint64_t clock_noise_mask(int8_t precision_log2)
{
	if (precision_log2 <= -FRACTION_BITS)
		return 0;
	if (precision_log2 >= 0)
		return UINT32_MAX;
	return (UINT64_C(1) << (FRACTION_BITS + precision_log2)) - 1;
}
