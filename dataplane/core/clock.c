/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#define DAY_S         86400
#define FRACTION_BITS 32

uint8_t clock_leap_indicator_pending(
	const struct meridian_timemodel_data *model, struct meridian_utc utc)
{
	int64_t start_s = model->leap_s - (model->leap == MERIDIAN_NTP_LI_DELETE);

	if (model->leap == MERIDIAN_NTP_LI_NONE)
		return MERIDIAN_NTP_LI_NONE;
	if (model->leap == MERIDIAN_NTP_LI_INSERT && utc.s == model->leap_s)
		return MERIDIAN_NTP_LI_UNKNOWN;
	return utc.s >= model->leap_s - DAY_S && utc.s < start_s ? model->leap
								 : MERIDIAN_NTP_LI_NONE;
}

uint64_t clock_noise_mask(int8_t precision_log2)
{
	if (precision_log2 <= -FRACTION_BITS)
		return 0;
	if (precision_log2 >= 0)
		return UINT32_MAX;
	return (UINT64_C(1) << (FRACTION_BITS + precision_log2)) - 1;
}
