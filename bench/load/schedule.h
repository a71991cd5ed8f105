/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

/*
 * When each request is to be sent, in ticks of a counter. Integer arithmetic with the remainder
 * carried on, so that request n of a constant schedule is due at start + floor(n * hz / rate),
 * however large n is. Pure; open loop: nothing that happens changes it.
 */

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_PATTERNS(X)                                                                       \
	X(constant)                                                                                \
	X(poisson)                                                                                 \
	X(burst)                                                                                   \
	X(ramp)

enum schedule_pattern {
#define X(name) SCHEDULE_##name,
	SCHEDULE_PATTERNS(X)
#undef X
};

/* Rates are in thousandths of a request per second, all above 0. */
struct schedule_spec {
	enum schedule_pattern pattern;
	uint64_t rate_milli;                     /* constant, poisson, burst */
	uint64_t ramp_from_milli, ramp_to_milli; /* ramp: linear over the duration, in 1024 steps */
	uint32_t burst;                          /* requests that are due at one instant */
	uint64_t duration_ticks;                 /* of the ramp; before and after it, its ends */
	uint64_t hz;                             /* of the counter, below 2^34 */
	uint64_t seed;                           /* poisson */
};

struct schedule {
	uint64_t next_ticks; /* when the next request is due */
	struct schedule_spec spec;
	uint64_t whole, part, part_of;    /* interval in ticks: whole + part / part_of */
	uint64_t remainder;               /* fraction of next_ticks, of part_of */
	uint32_t left;                    /* of the burst */
	uint64_t start_ticks, step_ticks; /* ramp: start, end of the step */
	uint64_t random;
};

void schedule_init(struct schedule *schedule, const struct schedule_spec *spec, uint64_t start);

/* The patterns but `constant`. */
void schedule_advance_other(struct schedule *schedule);

static inline void schedule_add_interval(struct schedule *schedule)
{
	schedule->next_ticks += schedule->whole;
	schedule->remainder += schedule->part;
	if (schedule->remainder >= schedule->part_of) {
		schedule->remainder -= schedule->part_of;
		schedule->next_ticks++;
	}
}

/* The next request was sent. */
static inline void schedule_advance(struct schedule *schedule)
{
	if (schedule->spec.pattern == SCHEDULE_constant)
		schedule_add_interval(schedule);
	else
		schedule_advance_other(schedule);
}

/* Number of requests that are due in `ticks`; exact for constant and burst, else what is to be
 * expected. */
double schedule_expected(const struct schedule_spec *spec, uint64_t ticks);

const char *schedule_pattern_name(enum schedule_pattern pattern);

#endif
