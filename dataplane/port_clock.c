/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_clock.h"
#include <meridian/counter.h>

#define READINGS 16 /* in a turn */

int port_clock_open(struct port_clock *clock, uint16_t port_id, const struct stamp_driver *driver)
{
	uint64_t device;
	int r;

	*clock = (struct port_clock){.port_id = port_id, .driver = driver};
	r = stamp_driver_clock_start(driver, port_id);
	return r < 0 ? r : stamp_driver_clock_read(driver, port_id, &device);
}

static size_t clock_read_all(
	const struct port_clock *clock, struct device_clock_reading reading[READINGS])
{
	size_t count = 0;

	for (int i = 0; i < READINGS; i++) {
		struct device_clock_reading *next = &reading[count];

		next->before = meridian_counter_read(clock->counter_id);
		if (stamp_driver_clock_read(clock->driver, clock->port_id, &next->device) < 0)
			continue;
		next->after = meridian_counter_read(clock->counter_id);
		count++;
	}
	return count;
}

void port_clock_turn(struct port_clock *clock, uint8_t counter_id, uint64_t counter_hz)
{
	struct device_clock_reading reading[READINGS];
	struct device_line line;

	if (counter_id != clock->counter_id || counter_hz != clock->model.counter_hz) {
		clock->counter_id = counter_id;
		if (device_clock_init(&clock->model, &clock->driver->kind, counter_hz) < 0)
			return;
	}
	device_clock_note(&clock->model, reading, clock_read_all(clock, reading));
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
