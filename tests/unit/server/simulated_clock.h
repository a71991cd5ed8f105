/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIMULATED_CLOCK_H
#define TESTS_SIMULATED_CLOCK_H

/*
 * A device's clock of which the truth is known: frequency off nominal, temperature, a random walk,
 * steps; read within brackets of the counter, by a bus that may favour either end.
 */

#include <device_clock.h>

/* Nominally; the counter itself runs true here. Not a round number in any unit. */
#define SIMULATED_COUNTER_HZ UINT64_C(2099987654)

struct simulated_spec {
	uint64_t hz;
	unsigned int bits;
	double frequency;      /* off nominal */
	double wander;         /* s/s, after a second */
	double cycle, cycle_s; /* temperature: amplitude (s/s) and period; 0: none */
	double width_s;        /* of a bracket */
	double disturbed;      /* share of the readings that take ten times as long */
	double from, to;       /* of a bracket, where the true instant is */
};

struct simulated {
	struct simulated_spec spec;
	uint64_t random;
	double t_s; /* now */
	uint64_t first_counter, first_device;
	double walk;            /* frequency */
	double ahead_s, step_s; /* device minus nominal; what steps added to it */
	double ahead_before_s;  /* a millisecond ago */
};

void simulated_init(struct simulated *device, const struct simulated_spec *spec, uint64_t seed);

/* 0 to 1. */
double simulated_random(struct simulated *device);

/* Lets `ms` milliseconds pass. */
void simulated_pass(struct simulated *device, unsigned int ms);

/* At an instant in the last millisecond, `share` of it ago: the counter, and the device. */
uint64_t simulated_counter(const struct simulated *device, double share);
uint64_t simulated_device(const struct simulated *device, double share);

/* What the driver tells: the bits above those of the clock are those of others. */
uint64_t simulated_stamp(struct simulated *device, double share);

/* Reads the clock `count` times and has `clock` note that. */
void simulated_read(struct simulated *device, struct device_clock *clock, size_t count);

#endif
