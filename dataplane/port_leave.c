/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_leave.h"

#define FALL_LOG2       5
#define RISE_USUAL_LOG2 5 /* as it falls: half are longer */
#define RISE_SHORT_LOG2 8 /* an eighth of that: one is shorter, eight are longer */

static void follow(uint64_t *length_ticks, uint64_t step_ticks, unsigned int rise_log2)
{
	uint64_t length = *length_ticks != 0 ? *length_ticks : step_ticks;

	*length_ticks = step_ticks > length ? length + (length >> rise_log2) + 1
					    : length - (length >> FALL_LOG2);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What others did meanwhile on this core is not between two packets. */
struct port_leave_times port_leave_learn(
	struct port_leave *leave, unsigned int count, uint64_t step_ticks, uint8_t share)
{
	uint64_t usual_ticks = leave->usual_ticks != 0 ? leave->usual_ticks : step_ticks;
	uint64_t short_ticks = leave->short_ticks != 0 ? leave->short_ticks : step_ticks;

	follow(&leave->usual_ticks, step_ticks, RISE_USUAL_LOG2);
	if (count == 1)
		follow(&leave->short_ticks, step_ticks, RISE_SHORT_LOG2);
	return (struct port_leave_times){
		.first_ticks = least(step_ticks, short_ticks) * share >> 8,
		.step_ticks = least(step_ticks, usual_ticks + usual_ticks / 2),
	};
}
