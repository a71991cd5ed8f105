/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"
#include <exit_code.h>
#include <fixture.h>
#include <meridian/counter.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <units.h>

void world_model_publish(struct meridian_timemodel *model, double hz)
{
	struct meridian_timemodel_data data = fixture_model();

	data.counter_id = MERIDIAN_COUNTER_TSC;
	data.counter_hz = (uint64_t)hz;
	data.line.counter = meridian_counter_read(data.counter_id);
	data.line.utc_s = (int64_t)(meridian_clock_ns(CLOCK_REALTIME) / NS_PER_SECOND);
	data.line.period_frac64 = UINT64_MAX / data.counter_hz;
	data.slew = data.line;
	data.published_counter = data.line.counter;
	data.valid_until_counter = data.line.counter + 3600 * data.counter_hz;
	data.precision_log2 = -30;
	meridian_timemodel_write(model, &data);
}

void world_core_take(const char *program, pthread_t thread, int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set) != 0) {
		fprintf(stderr, "%s: CPU %d is not to be had: two are needed\n", program, core);
		exit(EXIT_START);
	}
}
