/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_ERA_H
#define CONTROL_CORE_ERA_H

/*
 * NTP timestamps begin anew every 2^32 s (RFC 5905 section 6): on 2036-02-07, on 2172-03-15. Which
 * era one is of, our own clock tells, which has to be right to 68 years; and one that shows a time
 * before this program was written, as a machine without a battery does, is taken to be at
 * ERA_WRITTEN_S. So an unset clock is led right until 2094, any other one for ever.
 */

#include <meridian/ntp.h>
#include <stdint.h>

#define ERA_WRITTEN_S INT64_C(1767225600) /* 2026-01-01, UTC since 1970 */
#define ERA_S         (INT64_C(1) << 32)

/* UTC since 1970 of `ntp_s`, seconds of some era, for a clock that shows `clock_s`. */
static inline int64_t era_utc_s(uint32_t ntp_s, int64_t clock_s)
{
	int64_t near_s = clock_s > ERA_WRITTEN_S ? clock_s : ERA_WRITTEN_S;
	int64_t s = (int64_t)ntp_s - (int64_t)MERIDIAN_NTP_UNIX_OFFSET_S;

	/* `near_s` is past 2026, `s` is not above 2036: nothing here is negative. */
	return s + (near_s - s + ERA_S / 2) / ERA_S * ERA_S;
}

#endif
