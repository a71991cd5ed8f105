/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_COUNTER_H
#define MERIDIAN_COUNTER_H

/*
 * The counter: the raw tick source that the time model maps to UTC. It is read the same way by
 * every process of the host; nothing steps or slews it. Readings are plain uint64_t ticks since
 * the machine started and do not wrap in practice (2^64 ticks at 5 GHz are 116 years).
 * Needs the GNU dialect or _GNU_SOURCE for CLOCK_MONOTONIC_RAW.
 */

#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MERIDIAN_COUNTER_NONE          0 /* not known yet */
#define MERIDIAN_COUNTER_TSC           1 /* x86 time stamp counter, only where it is invariant */
#define MERIDIAN_COUNTER_MONOTONIC_RAW 2 /* CLOCK_MONOTONIC_RAW in nanoseconds */
#define MERIDIAN_COUNTER_CNTVCT        3 /* arm64 virtual counter */

/* Reading of a CLOCK_* in nanoseconds; 0 only when the clock reads 0 or does not exist. */
static inline uint64_t meridian_clock_ns(clockid_t clock)
{
	struct timespec ts = {0, 0};

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* Reads counter `id` (MERIDIAN_COUNTER_*), in ticks. An id this machine lacks reads as
 * monotonic-raw. Safe from any thread; no system call (the vDSO at most). */
static inline uint64_t meridian_counter_read(uint8_t id)
{
#if defined(__x86_64__)
	if (id == MERIDIAN_COUNTER_TSC)
		return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	if (id == MERIDIAN_COUNTER_CNTVCT) {
		uint64_t ticks;

		__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks));
		return ticks;
	}
#endif
	(void)id;
	return meridian_clock_ns(CLOCK_MONOTONIC_RAW);
}

#ifdef __cplusplus
}
#endif

#endif
