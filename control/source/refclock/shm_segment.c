/* SPDX-License-Identifier: BSD-3-Clause */
#include "shm_segment.h"
#include <meridian/ntp.h>
#include <stdatomic.h>
#include <units.h>

_Static_assert(sizeof(time_t) != 8 || sizeof(struct shm_segment) == 96, "layout of driver 28");

/* Nanoseconds, where they go with the microseconds; -1: neither makes sense. */
static long parts_ns(int us, int ns, bool with_ns)
{
	if (us < 0 || us >= US_PER_SECOND)
		return -1;
	return with_ns ? ns : (long)us * NS_PER_US;
}

static bool ns_goes_with_us(int us, int ns)
{
	return ns >= 0 && ns < NS_PER_SECOND && ns / NS_PER_US == us;
}

static bool leap_is_known(int leap, uint8_t *ret_leap)
{
	static const uint8_t leaps[] = {
		MERIDIAN_NTP_LI_NONE, MERIDIAN_NTP_LI_INSERT, MERIDIAN_NTP_LI_DELETE};

	if (leap < 0 || leap > 2)
		return false;
	*ret_leap = leaps[leap];
	return true;
}

static bool sample_decode(const struct shm_segment *copy, struct shm_sample *ret_sample)
{
	bool with_ns = ns_goes_with_us(copy->clock_us, copy->clock_ns) &&
		ns_goes_with_us(copy->receive_us, copy->receive_ns);
	long clock_ns = parts_ns(copy->clock_us, copy->clock_ns, with_ns);
	long receive_ns = parts_ns(copy->receive_us, copy->receive_ns, with_ns);

	if (clock_ns < 0 || receive_ns < 0 || !leap_is_known(copy->leap, &ret_sample->leap))
		return false;
	ret_sample->clock = (struct meridian_utc){.s = copy->clock_s,
		.frac64 = (uint64_t)(((meridian_u128)(uint64_t)clock_ns << 64) / NS_PER_SECOND)};
	ret_sample->receive = (struct timespec){.tv_sec = copy->receive_s, .tv_nsec = receive_ns};
	ret_sample->resolution_s = with_ns ? 1e-9 : 1e-6;
	return true;
}

bool shm_segment_take(volatile struct shm_segment *segment, struct shm_sample *ret_sample)
{
	struct shm_segment copy;
	int count, mode = segment->mode;

	if (!segment->valid || (mode != SHM_SEGMENT_FREE && mode != SHM_SEGMENT_COUNT))
		return false;
	count = segment->count;
	atomic_thread_fence(memory_order_acquire);
	copy = *segment;
	atomic_thread_fence(memory_order_acquire);
	if (mode == SHM_SEGMENT_COUNT && (segment->count != count || !segment->valid))
		return false;
	segment->valid = 0;
	return sample_decode(&copy, ret_sample);
}
