/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_CLOCK_H
#define DATAPLANE_PORT_CLOCK_H

/*
 * The clock that a NIC stamps with, read by the main thread for its model (device_clock.h): one of
 * a DPDK device in the way that stamp_driver.h knows, or one of the kernel's, /dev/ptpN.
 *
 * The dataplane reads both itself, as stamps are worth nothing a second after the last reading:
 * they go on while control restarts. Workers only take copies of the line.
 */

#include "stamp.h"
#include "stamp_driver.h"
#include <device_clock.h>
#include <meridian/stats.h>
#include <phc_read.h>

struct port_clock {
	/* Makes readings of the device by counter counter_id; returns how many. */
	size_t (*read)(struct port_clock *clock,
		struct device_clock_reading reading[DEVICE_CLOCK_READINGS_MAX]);
	union {
		struct {
			uint16_t port_id;
			const struct stamp_driver *driver;
		};
		struct {
			int fd;
			enum phc_method method;
			struct stamp_pace pace; /* of the clock of the kernel it is read by */
		};
	};
	struct device_clock_kind kind;
	struct device_clock model;
	uint8_t counter_id;
	struct stamp_rate rate;         /* of the counter */
	struct device_line_shared line; /* for the workers */
};

/* Of a started DPDK device. Returns 0, or the negative errno of a driver that has no such clock. */
int port_clock_open(struct port_clock *clock, uint16_t port_id, const struct stamp_driver *driver);

/* /dev/ptpINDEX. Returns 0 or a negative errno; port_clock_close_phc() closes it. */
int port_clock_open_phc(struct port_clock *clock, unsigned int index);
void port_clock_close_phc(struct port_clock *clock);

/* Reads the clock and publishes what is known of it now, by a counter of `counter_hz`. About ten
 * times a second; takes some ten microseconds, one reading of the device at a time. */
void port_clock_turn(struct port_clock *clock, uint8_t counter_id, uint64_t counter_hz);

/* Describes it, but for what workers count. */
void port_clock_report(const struct port_clock *clock, struct meridian_stats_clock *ret_report);

#endif
