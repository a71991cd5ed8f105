/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_clock.h"
#include <meridian/counter.h>

void port_clock_turn(struct port_clock *clock, uint8_t counter_id, uint64_t counter_hz)
{
	struct device_clock_reading reading[DEVICE_CLOCK_READINGS_MAX];
	struct device_line line;

	if (counter_id != clock->counter_id || counter_hz != clock->model.counter_hz) {
		clock->counter_id = counter_id;
		stamp_rate_set(&clock->rate, counter_hz);
		if (device_clock_init(&clock->model, &clock->kind, counter_hz) < 0)
			return;
	}
	device_clock_note(&clock->model, reading, clock->read(clock, reading));
	line = device_clock_line(&clock->model);
	device_line_publish(&clock->line, &line);
}

void port_clock_report(const struct port_clock *clock, struct meridian_stats_clock *ret_report)
{
	static const uint64_t states[] = {
		[DEVICE_CLOCK_LEARNING] = MERIDIAN_CLOCK_LEARNING,
		[DEVICE_CLOCK_GOOD] = MERIDIAN_CLOCK_GOOD,
		[DEVICE_CLOCK_DOUBTED] = MERIDIAN_CLOCK_DOUBTED,
	};
	const struct device_clock *model = &clock->model;
	struct device_line line = device_clock_line(model);
	uint64_t error_ns = device_line_error_ns(&line, meridian_counter_read(clock->counter_id));

	ret_report->state = states[device_clock_state(model)];
	ret_report->hz = model->kind.hz;
	ret_report->readings = model->readings;
	ret_report->refused = model->refused;
	ret_report->jumps = model->jumps;
	if (ret_report->state != MERIDIAN_CLOCK_GOOD)
		return;
	if (error_ns == UINT64_MAX) { /* the driver does not let it be read any more */
		ret_report->state = MERIDIAN_CLOCK_DOUBTED;
		return;
	}
	ret_report->error_ns = error_ns;
	ret_report->frequency_ppt = (int64_t)(model->filter.frequency * 1e12);
}
