/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_CLOCK_H
#define DATAPLANE_PORT_CLOCK_H

/*
 * The clock of a DPDK device, read by the main thread for its model (device_clock.h) in the way
 * that stamp_driver.h knows.
 */

#include "stamp_driver.h"
#include <device_clock.h>
#include <meridian/stats.h>

struct port_clock {
	uint16_t port_id;
	const struct stamp_driver *driver;
	struct device_clock model;
	uint8_t counter_id;
	struct device_line_shared line; /* for the workers */
};

/* Of a started device. Returns 0, or the negative errno of a driver that has no such clock. */
int port_clock_open(struct port_clock *clock, uint16_t port_id, const struct stamp_driver *driver);

/* Reads the clock and publishes what is known of it now, by a counter of `counter_hz`. About ten
 * times a second; takes some ten microseconds, one reading of the device at a time. */
void port_clock_turn(struct port_clock *clock, uint8_t counter_id, uint64_t counter_hz);

/* Describes it, but for what workers count. */
void port_clock_report(const struct port_clock *clock, struct meridian_stats_clock *ret_report);

#endif
