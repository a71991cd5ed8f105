/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef UNITS_H
#define UNITS_H

/* What turns one unit of time into another. Pure. */

#include <stdint.h>
#include <time.h>

/* Signed, so that differences keep their sign; exact in a double. */
#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_US     INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)

/* Nanoseconds of a time that is not before its clock's epoch; enough until the year 2554. */
static inline uint64_t timespec_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * NS_PER_SECOND + (uint64_t)time->tv_nsec;
}

/* Seconds from one to the other, negative when `to` is earlier. */
static inline double timespec_diff_s(const struct timespec *from, const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) +
		(double)(to->tv_nsec - from->tv_nsec) / NS_PER_SECOND;
}

#endif
