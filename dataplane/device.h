/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_DEVICE_H
#define DATAPLANE_DEVICE_H

/* Getting and starting a port of DPDK. */

#include <rte_ethdev.h>
#include <stdbool.h>
#include <stddef.h>

/* Why DPDK's functions returned `r`. */
const char *device_reason(int r);

/* Makes the virtual device of `text`, "net_null0,size=64", whose name is then in `ret_name`. EAL is
 * up. Returns 0, or -ENODEV with a reason in `ret_error`, a string of `size` octets. */
int device_make(const char *text, char ret_name[static RTE_ETH_NAME_MAX_LEN], uint16_t *ret_port_id,
	char *ret_error, size_t size);

/* Finds the port of a PCI device, which EAL has probed when it started. Returns as device_make().
 */
int device_find(const char *address, uint16_t *ret_port_id, char *ret_error, size_t size);

/* RTE_ETH_RSS_* of the `possible` ones, by which a port spreads packets over its queues: where it
 * can, those of a client to one queue, if that is wanted. */
uint64_t device_hash(uint64_t possible, bool by_client);

/*
 * Configures the port and gives it queues each way with rings of `ring`, or what the driver allows
 * that is nearest, received packets to be in buffers of `pool`. Returns 0 or what DPDK said, which
 * may be -1 of a driver that has logged why.
 */
int device_configure(uint16_t port_id, const struct rte_eth_conf *conf, uint16_t queue_count,
	uint16_t ring, struct rte_mempool *pool);

/* The same, and starts it. */
int device_start(uint16_t port_id, const struct rte_eth_conf *conf, uint16_t queue_count,
	uint16_t ring, struct rte_mempool *pool);

#endif
