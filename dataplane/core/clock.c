/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#define FRACTION_BITS 32

uint64_t clock_noise_mask(int8_t precision_log2)
{
	if (precision_log2 <= -FRACTION_BITS)
		return 0;
	if (precision_log2 >= 0)
		return UINT32_MAX;
	return (UINT64_C(1) << (FRACTION_BITS + precision_log2)) - 1;
}
