/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_STAMP_DRIVER_H
#define DATAPLANE_STAMP_DRIVER_H

/*
 * What DPDK's drivers put into RTE_MBUF_DYNFIELD_TIMESTAMP of a received packet, and how they tell
 * when a packet was sent. DPDK defines neither unit nor clock of the former: this table is the one
 * place where they are known, and a driver that is not in it gives no stamps.
 */

#include <device_clock.h>
#include <stdbool.h>
#include <stdint.h>

/* Whose clock a driver's stamps are of. */
enum stamp_driver_clock {
	STAMP_DRIVER_REALTIME, /* CLOCK_REALTIME, counted from 1970 */
	STAMP_DRIVER_RAW,      /* the NIC's, by rte_eth_read_clock() */
	STAMP_DRIVER_TIMESYNC, /* the NIC's, by rte_eth_timesync_read_time() */
};

/* How a driver's stamps look. */
struct stamp_driver {
	const char *name; /* as DPDK reports it, "net_pcap" */
	bool receives;    /* stamps what it receives, if it says RTE_ETH_RX_OFFLOAD_TIMESTAMP */
	bool always;      /* stamps without being asked for that */
	bool transmits;   /* stamps a packet that is sent with RTE_MBUF_F_TX_IEEE1588_TMST, whatever
			     it is, on its usual way to the wire; one at a time */
	enum stamp_driver_clock clock;
	uint32_t unit_ns;              /* of REALTIME */
	struct device_clock_kind kind; /* of the others */
};

/* The driver called `name`; NULL: its stamps are not known, or it gives none. Static storage. */
const struct stamp_driver *stamp_driver_find(const char *name);

/*
 * Has the NIC run the clock that it stamps with. After the port was started. Main thread. Returns
 * 0, or a negative errno: there is no such clock here, and so no stamp can be believed.
 */
int stamp_driver_clock_start(const struct stamp_driver *driver, uint16_t port_id);

/* Reads that clock; stamps are of its low kind.bits. Main thread. Returns 0 or a negative errno. */
int stamp_driver_clock_read(
	const struct stamp_driver *driver, uint16_t port_id, uint64_t *ret_device);

/*
 * Reads, and forgets, when that clock saw the last packet leave which it was to stamp. Main thread;
 * may take some ten microseconds. Returns 0, or a negative errno: it has not left yet. A driver may
 * tell an old one again.
 */
int stamp_driver_transmit_read(
	const struct stamp_driver *driver, uint16_t port_id, uint64_t *ret_device);

#endif
