/* SPDX-License-Identifier: BSD-3-Clause */
#include "simulated_clock.h"
#include <math.h>

#define STEP_S 1e-3

static uint64_t random_next(struct simulated *device)
{
	uint64_t z = device->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

double simulated_random(struct simulated *device)
{
	return (double)(random_next(device) >> 11) * 0x1p-53;
}

void simulated_init(struct simulated *device, const struct simulated_spec *spec, uint64_t seed)
{
	*device = (struct simulated){.spec = *spec, .random = seed};
	device->first_counter = random_next(device) >> 8;
	device->first_device = random_next(device);
	simulated_pass(device, 1);
}

/* Of variance 1. */
static double normal(struct simulated *device)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += simulated_random(device);
	return sum;
}

void simulated_pass(struct simulated *device, unsigned int ms)
{
	const struct simulated_spec *spec = &device->spec;

	while (ms-- > 0) {
		double temperature = spec->cycle_s > 0
			? spec->cycle * sin(2 * M_PI * device->t_s / spec->cycle_s)
			: 0;

		device->walk += spec->wander * sqrt(STEP_S) * normal(device);
		device->ahead_before_s = device->ahead_s;
		device->ahead_s += (spec->frequency + device->walk + temperature) * STEP_S;
		device->t_s += STEP_S;
	}
}

uint64_t simulated_counter(const struct simulated *device, double share)
{
	long double ticks = ((long double)device->t_s - (long double)share * (long double)STEP_S) *
		(long double)SIMULATED_COUNTER_HZ;

	return device->first_counter + (uint64_t)floorl(ticks);
}

uint64_t simulated_device(const struct simulated *device, double share)
{
	long double ahead_s = device->ahead_s - share * (device->ahead_s - device->ahead_before_s);
	long double s = (long double)device->t_s - (long double)share * (long double)STEP_S;

	return device->first_device +
		(uint64_t)(int64_t)floorl((s + ahead_s + device->step_s) * device->spec.hz);
}

uint64_t simulated_stamp(struct simulated *device, double share)
{
	uint64_t stamp = simulated_device(device, share);

	if (device->spec.bits < 64)
		stamp ^= random_next(device) << device->spec.bits;
	return stamp;
}

void simulated_read(struct simulated *device, struct device_clock *clock, size_t count)
{
	const struct simulated_spec *spec = &device->spec;
	struct device_clock_reading reading[DEVICE_CLOCK_READINGS_MAX];

	for (size_t i = 0; i < count; i++) {
		double begin = 1 - (double)i / DEVICE_CLOCK_READINGS_MAX; /* shares of STEP_S */
		double width = spec->width_s / STEP_S *
			(simulated_random(device) < spec->disturbed ? 10 : 1);
		double at = spec->from + (spec->to - spec->from) * simulated_random(device);

		reading[i].before = simulated_counter(device, begin);
		reading[i].device = simulated_stamp(device, begin - width * at);
		reading[i].after = simulated_counter(device, begin - width);
	}
	device_clock_note(clock, reading, count);
}
