/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

static int queue_setup(uint16_t port_id, uint16_t queue_id, uint16_t receive, uint16_t transmit,
	struct rte_mempool *pool)
{
	/* -1 of a device that is nowhere is DPDK's "any" too. */
	unsigned int socket = (unsigned int)rte_eth_dev_socket_id(port_id);
	int r = rte_eth_rx_queue_setup(port_id, queue_id, receive, socket, NULL, pool);

	return r < 0 ? r : rte_eth_tx_queue_setup(port_id, queue_id, transmit, socket, NULL);
}

int device_start(uint16_t port_id, const struct rte_eth_conf *conf, uint16_t queue_count,
	uint16_t ring, struct rte_mempool *pool)
{
	uint16_t receive = ring, transmit = ring;
	int r = rte_eth_dev_configure(port_id, queue_count, queue_count, conf);

	if (r == 0)
		r = rte_eth_dev_adjust_nb_rx_tx_desc(port_id, &receive, &transmit);
	for (uint16_t i = 0; r == 0 && i < queue_count; i++)
		r = queue_setup(port_id, i, receive, transmit, pool);
	return r < 0 ? r : rte_eth_dev_start(port_id);
}
