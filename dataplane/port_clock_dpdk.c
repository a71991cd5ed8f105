/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_clock.h"
#include <meridian/counter.h>

#define READINGS 16 /* in a turn */

static size_t dpdk_read_all(
	struct port_clock *clock, struct device_clock_reading reading[DEVICE_CLOCK_READINGS_MAX])
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

int port_clock_open(struct port_clock *clock, uint16_t port_id, const struct stamp_driver *driver)
{
	uint64_t device;
	int r;

	*clock = (struct port_clock){
		.read = dpdk_read_all, .port_id = port_id, .driver = driver, .kind = driver->kind};
	r = stamp_driver_clock_start(driver, port_id);
	return r < 0 ? r : stamp_driver_clock_read(driver, port_id, &device);
}
