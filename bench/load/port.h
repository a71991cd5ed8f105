/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_PORT_H
#define LOAD_PORT_H

/* DPDK: its environment, one port with one queue each way, its packet memory. Main thread. */

#include "options.h"
#include <rte_mempool.h>

struct port {
	uint16_t id;
	struct rte_mempool *pool;
	const char *interface; /* that the kernel shares; "": none; set by the caller */
	int af_xdp_fd;         /* -1: none */
	uint32_t cpu;          /* of the polling thread */
	unsigned int lcore;
	bool hugepages;
	uint8_t mac[6];
};

/* Receive and transmit buffers that the port is asked for. */
#define PORT_RING 2048

/* Starts DPDK and the port and waits up to 10 s for the link. Logs what is wrong. Returns 0 or a
 * negative errno. */
int port_open(struct port *port, const struct load_options *options);
void port_close(struct port *port);

/* Packets for us that found no buffer or no room, so far; a counter that wraps. System calls. */
uint32_t port_dropped(const struct port *port);

#endif
