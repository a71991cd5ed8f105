/* SPDX-License-Identifier: BSD-3-Clause */
#include "counter.h"
#include <errno.h>
#include <log.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <units.h>

#define CPUINFO     "/proc/cpuinfo"
#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

#define CALIBRATION_NS  (20 * 1000 * 1000)
#define BRACKET_READS   5
#define PRECISION_READS 32
#define PRECISION_MIN_S 1e-9
#define TSC_HZ_MIN      100000000.0

/* The words `words` all stand in the first line of `path` that starts with `key`. */
static bool file_line_has(const char *path, const char *key, const char *const *words)
{
	FILE *file = fopen(path, "re");
	char line[8192];
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strncmp(line, key, strlen(key)) == 0;
	fclose(file);
	for (; found && *words; words++)
		found = strstr(line, *words) != NULL;
	return found;
}

/* The kernel itself must trust the counter, too: it compares it with other clocks. */
static bool tsc_usable(void)
{
#if defined(__x86_64__)
	static const char *const flags[] = {" constant_tsc", " nonstop_tsc", NULL};
	static const char *const none[] = {NULL};

	return file_line_has(CPUINFO, "flags", flags) &&
		(file_line_has(CLOCKSOURCE, "tsc", none) ||
			file_line_has(CLOCKSOURCE, "kvm-clock", none));
#else
	return false;
#endif
}

struct counter_realtime counter_read_clock(const struct counter *counter, clockid_t clock)
{
	struct counter_realtime best = {.width = UINT64_MAX};

	for (int i = 0; i < BRACKET_READS; i++) {
		struct timespec time;
		uint64_t before = counter_read(counter), width;

		clock_gettime(clock, &time);
		width = counter_read(counter) - before;
		if (width < best.width)
			best = (struct counter_realtime){before + width / 2, width, time};
	}
	return best;
}

void counter_read_raw(const struct counter *counter, uint64_t *ret_counter, uint64_t *ret_raw_ns)
{
	struct counter_realtime now = counter_read_clock(counter, CLOCK_MONOTONIC_RAW);

	*ret_counter = now.counter;
	*ret_raw_ns = timespec_ns(&now.time);
}

static int tsc_measure_hz(struct counter *counter)
{
	struct timespec pause = {.tv_nsec = CALIBRATION_NS};
	uint64_t counter0 = 0, counter1 = 0, raw0_ns = 0, raw1_ns = 0;
	double hz;

	counter_read_raw(counter, &counter0, &raw0_ns);
	nanosleep(&pause, NULL);
	counter_read_raw(counter, &counter1, &raw1_ns);
	if (raw1_ns <= raw0_ns)
		return -ENOTSUP;
	hz = (double)(counter1 - counter0) * NS_PER_SECOND / (double)(raw1_ns - raw0_ns);
	if (!(hz >= TSC_HZ_MIN && hz < 1e11))
		return -ENOTSUP;
	counter->hz = (uint64_t)llround(hz);
	return 0;
}

/* The least step that is seen between two readings. */
static double measure_precision(const struct counter *counter)
{
	uint64_t least = UINT64_MAX, last = counter_read(counter);

	for (int i = 0; i < PRECISION_READS; i++) {
		uint64_t now = counter_read(counter);

		if (now > last && now - last < least)
			least = now - last;
		last = now;
	}
	return fmax((double)least / (double)counter->hz, PRECISION_MIN_S);
}

static int choose(struct counter *counter, uint8_t wanted)
{
	*counter = (struct counter){.id = MERIDIAN_COUNTER_TSC, .name = "tsc"};
	if (wanted != MERIDIAN_COUNTER_MONOTONIC_RAW && tsc_usable() &&
		tsc_measure_hz(counter) == 0)
		return 0;
	if (wanted == MERIDIAN_COUNTER_TSC) {
		log_error("counter tsc: the time stamp counter of this machine is not invariant, "
			  "or its kernel does not use it");
		return -ENOTSUP;
	}
	*counter = (struct counter){
		.id = MERIDIAN_COUNTER_MONOTONIC_RAW, .name = "monotonic-raw", .hz = NS_PER_SECOND};
	return 0;
}

int counter_init(struct counter *counter, const struct config *config)
{
	int r = choose(counter, config->counter_id);

	if (r < 0)
		return r;
	counter->precision_s = config->clock_precision_s > 0 ? config->clock_precision_s
							     : measure_precision(counter);
	counter->precision_s = fmin(counter->precision_s, 1.0);
	counter->precision_log2 = (int8_t)ceil(log2(counter->precision_s));
	log_info("counter %s, %.6f MHz, precision 2^%d s", counter->name, (double)counter->hz / 1e6,
		counter->precision_log2);
	return 0;
}

int counter_from_realtime(const struct counter *counter, const struct timespec *stamp,
	uint64_t earliest, uint64_t *ret_counter)
{
	struct counter_realtime now = counter_read_realtime(counter);
	double age_s = timespec_diff_s(stamp, &now.time);
	int64_t age = llround(age_s * (double)counter->hz);
	uint64_t result = now.counter - (uint64_t)age;

	/* The readings themselves are only as good as their bracket. */
	if ((int64_t)(result - earliest) < -(int64_t)now.width ||
		(int64_t)(result - now.counter) > (int64_t)now.width)
		return -ERANGE;
	*ret_counter = result;
	return 0;
}

/* CLOCK_BOOTTIME goes on meanwhile, where there is one. */
int64_t counter_suspended_ns(void)
{
	struct timespec boottime, monotonic;

	if (clock_gettime(CLOCK_BOOTTIME, &boottime) < 0 ||
		clock_gettime(CLOCK_MONOTONIC, &monotonic) < 0)
		return 0;
	return (boottime.tv_sec - monotonic.tv_sec) * NS_PER_SECOND + boottime.tv_nsec -
		monotonic.tv_nsec;
}

struct meridian_utc counter_utc(const struct timespec *time)
{
	return (struct meridian_utc){.s = time->tv_sec,
		.frac64 =
			(uint64_t)(((meridian_u128)(uint64_t)time->tv_nsec << 64) / NS_PER_SECOND)};
}
