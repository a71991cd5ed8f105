/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_DELAY_H
#define DATAPLANE_PORT_DELAY_H

/*
 * Learns how long a DPDK device's replies take to the wire, by transmit stamps of a few of them
 * (transmit_delay.h). NICs keep one such stamp at a time: a worker has one reply stamped when it is
 * told to, and the main thread reads the stamp a tenth of a second later, however long that takes.
 * Ten samples a second until the delay is known, then one.
 */

#include "port_transmit.h"
#include "stamp_driver.h"
#include <meridian/stats.h>
#include <transmit_delay.h>

struct port_delay {
	uint16_t port_id;
	const struct stamp_driver *driver;
	struct port_transmit *transmit;
	struct transmit_delay delay;
	unsigned int turns; /* until the next sample is wanted, or since one was sent */
	uint64_t lost;      /* samples whose stamp never came */
};

/* Of a started device whose clock runs. Nothing is sampled before the first turn. */
void port_delay_init(struct port_delay *delay, struct port_transmit *transmit, uint16_t port_id,
	const struct stamp_driver *driver);

/* Takes the stamp of the last sample, if it has come, publishes what is known, and has the next one
 * taken. `line` is the device's clock's; it is `now_counter`. About ten times a second. */
void port_delay_turn(
	struct port_delay *delay, const struct device_line *line, uint64_t now_counter);

/* The link has another speed: what was known of the way holds no more. */
void port_delay_restart(struct port_delay *delay);

/* Describes it, but not the delay where it is known by hand. */
void port_delay_report(const struct port_delay *delay, struct meridian_stats_clock *ret_report);

#endif
