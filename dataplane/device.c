/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include <errno.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <stdio.h>
#include <string.h>

/* A client has one address, but a port of its own for each request. */
#define RSS_ADDRESSES (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6)
#define RSS_PORTS     (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP)

/* DPDK's functions return a negative errno, or -1 of a driver that has logged what is wrong. */
const char *device_reason(int r)
{
	return r == -1 ? "what it said before tells why" : rte_strerror(-r);
}

int device_make(const char *text, char ret_name[static RTE_ETH_NAME_MAX_LEN], uint16_t *ret_port_id,
	char *ret_error, size_t size)
{
	size_t length = strcspn(text, ",");
	const char *arguments = text + length + (text[length] == ',');
	int r;

	snprintf(ret_name, RTE_ETH_NAME_MAX_LEN, "%.*s", (int)length, text);
	r = rte_eal_hotplug_add("vdev", ret_name, arguments);
	if (r == 0)
		r = rte_eth_dev_get_port_by_name(ret_name, ret_port_id);
	if (r == 0)
		return 0;
	snprintf(ret_error, size, "DPDK does not make the device with arguments \"%s\": %s",
		arguments, device_reason(r));
	ret_name[0] = '\0';
	return -ENODEV;
}

/* Its ports need not have its name. Returns how many there are. */
static unsigned int ports_find(const char *address, uint16_t *ret_port_id)
{
	struct rte_eth_dev_info info;
	unsigned int count = 0;

	for (uint16_t port_id = 0; port_id < RTE_MAX_ETHPORTS; port_id++) {
		if (!rte_eth_dev_is_valid_port(port_id) ||
			rte_eth_dev_info_get(port_id, &info) < 0 ||
			strcmp(rte_dev_name(info.device), address) != 0)
			continue;
		*ret_port_id = port_id;
		count++;
	}
	return count;
}

/* EAL has probed the device when it started, but it may have been closed since. */
int device_find(const char *address, uint16_t *ret_port_id, char *ret_error, size_t size)
{
	unsigned int count = ports_find(address, ret_port_id);

	if (count == 0 && rte_eal_hotplug_add("pci", address, "") == 0)
		count = ports_find(address, ret_port_id);
	if (count == 1)
		return 0;
	snprintf(ret_error, size, "%s",
		count == 0 ? "no driver of DPDK has taken it: what was said before tells why"
			   : "it has several ports, and which of them is meant cannot be said");
	return -ENODEV;
}

/* Drivers either hash any IP packet's addresses, or UDP by its source address alone if asked so, or
 * can only hash ports along. */
uint64_t device_hash(uint64_t possible, bool by_client)
{
	uint64_t by_source = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_L3_SRC_ONLY;

	if (by_client && (possible & by_source) == by_source)
		return (RSS_PORTS & possible) | RTE_ETH_RSS_L3_SRC_ONLY;
	if (by_client && (possible & RSS_ADDRESSES) == RSS_ADDRESSES)
		return RSS_ADDRESSES;
	return RSS_PORTS & possible;
}

static int queue_setup(uint16_t port_id, uint16_t queue_id, uint16_t receive, uint16_t transmit,
	struct rte_mempool *pool)
{
	/* -1 of a device that is nowhere is DPDK's "any" too. */
	unsigned int socket = (unsigned int)rte_eth_dev_socket_id(port_id);
	int r = rte_eth_rx_queue_setup(port_id, queue_id, receive, socket, NULL, pool);

	return r < 0 ? r : rte_eth_tx_queue_setup(port_id, queue_id, transmit, socket, NULL);
}

int device_configure(uint16_t port_id, const struct rte_eth_conf *conf, uint16_t queue_count,
	uint16_t ring, struct rte_mempool *pool)
{
	uint16_t receive = ring, transmit = ring;
	int r = rte_eth_dev_configure(port_id, queue_count, queue_count, conf);

	if (r == 0)
		r = rte_eth_dev_adjust_nb_rx_tx_desc(port_id, &receive, &transmit);
	for (uint16_t i = 0; r == 0 && i < queue_count; i++)
		r = queue_setup(port_id, i, receive, transmit, pool);
	return r;
}

int device_start(uint16_t port_id, const struct rte_eth_conf *conf, uint16_t queue_count,
	uint16_t ring, struct rte_mempool *pool)
{
	int r = device_configure(port_id, conf, queue_count, ring, pool);

	return r < 0 ? r : rte_eth_dev_start(port_id);
}
