/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_STAMP_DRIVER_H
#define DATAPLANE_STAMP_DRIVER_H

/*
 * What DPDK's drivers put into RTE_MBUF_DYNFIELD_TIMESTAMP of a received packet. DPDK defines
 * neither unit nor clock of that number: this table is the one place where they are known, and a
 * driver that is not in it gives no stamps.
 */

#include <stdbool.h>
#include <stdint.h>

/* How a driver's stamps look. */
struct stamp_driver {
	const char *name; /* as DPDK reports it, "net_pcap" */
	bool always;      /* stamps without being asked for RTE_ETH_RX_OFFLOAD_TIMESTAMP */
	uint32_t unit_ns; /* of the number; it counts from 1970, as CLOCK_REALTIME does */
};

/* The driver called `name`; NULL: its stamps are not known, or it gives none. Static storage. */
const struct stamp_driver *stamp_driver_find(const char *name);

#endif
