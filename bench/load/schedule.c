/* SPDX-License-Identifier: BSD-3-Clause */
#include "schedule.h"
#include <math.h>
#include <stddef.h>

__extension__ typedef unsigned __int128 u128;

#define MILLI      1000
#define RAMP_STEPS 1024

/* -ln(m) for m in [0.5, 1), at the ends of 256 intervals, in 2^-32. */
#define LOG_STEPS_LOG2 8
static uint64_t log_table[(1 << LOG_STEPS_LOG2) + 1];
static uint64_t log_2;

static void log_table_init(void)
{
	double scale = 4294967296.0;

	log_2 = (uint64_t)(log(2) * scale + 0.5);
	for (int i = 0; i <= 1 << LOG_STEPS_LOG2; i++)
		log_table[i] = (uint64_t)(-log(0.5 + i / 512.0) * scale + 0.5);
}

/* An interval of `numerator` / `rate_milli` ticks. */
static void interval_set(struct schedule *schedule, u128 numerator, uint64_t rate_milli)
{
	schedule->whole = (uint64_t)(numerator / rate_milli);
	schedule->part = (uint64_t)(numerator % rate_milli);
	if (schedule->part_of) /* the fraction so far, in new units */
		schedule->remainder =
			(uint64_t)((u128)schedule->remainder * rate_milli / schedule->part_of);
	schedule->part_of = rate_milli;
}

static u128 second(const struct schedule *schedule)
{
	return (u128)schedule->spec.hz * MILLI;
}

/* Sets the rate of the step of the ramp that `next_ticks` lies in: that of its middle. */
static void ramp_step(struct schedule *schedule)
{
	const struct schedule_spec *spec = &schedule->spec;
	uint64_t at = schedule->next_ticks - schedule->start_ticks;
	uint64_t step = (uint64_t)((u128)at * RAMP_STEPS / spec->duration_ticks);
	double from = (double)spec->ramp_from_milli, to = (double)spec->ramp_to_milli;
	double rate;

	if (step >= RAMP_STEPS)
		step = RAMP_STEPS - 1;
	schedule->step_ticks = at >= spec->duration_ticks ? UINT64_MAX
							  : schedule->start_ticks +
			(uint64_t)((u128)(step + 1) * spec->duration_ticks / RAMP_STEPS) + 1;
	rate = from + (to - from) * ((double)step + 0.5) / RAMP_STEPS;
	interval_set(schedule, second(schedule), rate < 1 ? 1 : (uint64_t)rate);
}

/* Marsaglia's xorshift64*. */
static uint64_t random_next(struct schedule *schedule)
{
	uint64_t x = schedule->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	schedule->random = x;
	return x * UINT64_C(2685821657736338717);
}

/* Exponentially distributed with mean 1, in 2^-32: the logarithm of a uniform number, by its
 * binary exponent and a table for the mantissa. */
static uint64_t exponential(struct schedule *schedule)
{
	uint64_t uniform = random_next(schedule) | 1;
	unsigned int exponent = (unsigned int)__builtin_clzll(uniform);
	uint64_t mantissa = uniform << exponent << 1;
	uint32_t index = (uint32_t)(mantissa >> (64 - LOG_STEPS_LOG2));
	uint64_t between = mantissa << LOG_STEPS_LOG2 >> 32;
	uint64_t fall = log_table[index] - log_table[index + 1];

	return exponent * log_2 + log_table[index] - (fall * between >> 32);
}

/* The interval, times a random factor. */
static void poisson_advance(struct schedule *schedule)
{
	uint64_t factor = exponential(schedule);
	u128 ticks = (u128)factor * schedule->whole + schedule->remainder;

	ticks += (u128)factor * schedule->part / schedule->part_of;
	schedule->next_ticks += (uint64_t)(ticks >> 32);
	schedule->remainder = (uint32_t)ticks;
}

void schedule_init(struct schedule *schedule, const struct schedule_spec *spec, uint64_t start)
{
	*schedule = (struct schedule){.next_ticks = start,
		.start_ticks = start,
		.spec = *spec,
		.random = spec->seed ? spec->seed : 1,
		.left = spec->burst};
	if (log_2 == 0)
		log_table_init();
	if (spec->pattern == SCHEDULE_ramp)
		ramp_step(schedule);
	else if (spec->pattern == SCHEDULE_burst)
		interval_set(schedule, second(schedule) * spec->burst, spec->rate_milli);
	else
		interval_set(schedule, second(schedule), spec->rate_milli);
	if (spec->pattern == SCHEDULE_poisson)
		poisson_advance(schedule);
}

static void burst_advance(struct schedule *schedule)
{
	if (--schedule->left > 0)
		return;
	schedule->left = schedule->spec.burst;
	schedule_add_interval(schedule);
}

void schedule_advance_other(struct schedule *schedule)
{
	switch (schedule->spec.pattern) {
	case SCHEDULE_constant:
		schedule_add_interval(schedule);
		break;
	case SCHEDULE_poisson:
		poisson_advance(schedule);
		break;
	case SCHEDULE_burst:
		burst_advance(schedule);
		break;
	case SCHEDULE_ramp:
		schedule_add_interval(schedule);
		if (schedule->next_ticks >= schedule->step_ticks)
			ramp_step(schedule);
		break;
	}
}

double schedule_expected(const struct schedule_spec *spec, uint64_t ticks)
{
	double rate = (double)spec->rate_milli;

	if (spec->pattern == SCHEDULE_ramp)
		rate = ((double)spec->ramp_from_milli + (double)spec->ramp_to_milli) / 2;
	return rate / MILLI * ((double)ticks / (double)spec->hz);
}

const char *schedule_pattern_name(enum schedule_pattern pattern)
{
	static const char *const names[] = {
#define X(name) #name,
		SCHEDULE_PATTERNS(X)
#undef X
	};

	return names[pattern];
}
