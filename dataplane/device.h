/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_DEVICE_H
#define DATAPLANE_DEVICE_H

/* Starting a port of DPDK. */

#include <rte_ethdev.h>

/*
 * Configures the port, gives it queues each way with rings of `ring`, or what the driver allows
 * that is nearest, received packets to be in buffers of `pool`, and starts it. Returns 0 or what
 * DPDK said, which may be -1 of a driver that has logged why.
 */
int device_start(uint16_t port_id, const struct rte_eth_conf *conf, uint16_t queue_count,
	uint16_t ring, struct rte_mempool *pool);

#endif
