/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CLOCK_H
#define DATAPLANE_CLOCK_H

/* From the published clock to what NTP packets say. All pure; inline what is done per packet. */

#include <meridian/ntp.h>
#include <meridian/timemodel.h>
#include <stdint.h>

/* The NTP timestamp of `utc` as a 64-bit number: seconds since 1900 modulo 2^32, so that it
 * begins anew in 2036 (RFC 5905 section 6), and 2^-32 s, rounded down. */
static inline uint64_t clock_ntp(struct meridian_utc utc)
{
	return ((uint64_t)utc.s + MERIDIAN_NTP_UNIX_OFFSET_S) << 32 | utc.frac64 >> 32;
}

/* meridian_timemodel_leap_indicator(), which need not be called while no leap second is known. */
static inline uint8_t clock_leap_indicator(
	const struct meridian_timemodel_data *model, struct meridian_utc utc)
{
	return model->leap_s == 0 ? MERIDIAN_NTP_LI_NONE
				  : meridian_timemodel_leap_indicator(model, utc);
}

/* An error of `ns` in the 32 bits of a packet's field, `fraction_bits` of them below a second:
 * never made smaller by rounding, and the greatest number for what is more. */
uint32_t clock_error(uint64_t ns, unsigned int fraction_bits);

/* Bits of an NTP timestamp that a clock of precision 2^log2 s cannot tell. */
uint64_t clock_noise_mask(int8_t precision_log2);

#endif
