/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"
#include "kernel.h"
#include <af_xdp_socket.h>
#include <device.h>
#include <eal_start.h>
#include <errno.h>
#include <inttypes.h>
#include <log.h>
#include <packet_pool.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define POOL_SIZE  8191
#define POOL_CACHE 256
#define LINK_TRIES 100
#define LINK_NS    100000000

/* --- EAL ------------------------------------------------------------------------------------- */

/* The polling CPU: as asked for, else the last one that this process may use. The main thread
 * sleeps and may be anywhere. */
static int cpu_choose(struct port *port, const struct load_options *options, cpu_set_t *ret_allowed)
{
	CPU_ZERO(ret_allowed);
	if (sched_getaffinity(0, sizeof(*ret_allowed), ret_allowed) < 0)
		return log_errno(-errno, "sched_getaffinity");
	if (options->core == UINT64_MAX) {
		for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, ret_allowed))
				port->cpu = cpu;
		return 0;
	}
	port->cpu = (uint32_t)options->core;
	if (options->core < CPU_SETSIZE && CPU_ISSET(port->cpu, ret_allowed))
		return 0;
	log_error("--core %" PRIu64 ": this process may not use that CPU, or there is none",
		options->core);
	return -EINVAL;
}

static void add_lcores(
	struct eal_arguments *arguments, const struct port *port, const cpu_set_t *allowed)
{
	char list[400] = "";
	size_t used = 0;

	for (unsigned int cpu = 0; cpu < CPU_SETSIZE && used + 8 < sizeof(list); cpu++) {
		if (CPU_ISSET(cpu, allowed))
			used += (size_t)snprintf(
				list + used, sizeof(list) - used, "%s%u", used ? "," : "", cpu);
	}
	eal_arguments_add(arguments, "--lcores");
	eal_arguments_add(arguments, "0@(%s),1@%" PRIu32, list, port->cpu);
	eal_arguments_add(arguments, "--main-lcore");
	eal_arguments_add(arguments, "0");
}

static void add_memory(
	struct eal_arguments *arguments, struct port *port, const struct load_options *options)
{
	port->hugepages = !options->no_huge && eal_hugepages_available(options->memory_mb);
	if (!port->hugepages && !options->no_huge)
		log_notice("no %" PRIu64
			   " MB of hugepages to be had: using ordinary pages, which is "
			   "slower",
			options->memory_mb);
	eal_arguments_memory(arguments, options->memory_mb, port->hugepages);
}

static void add_port(struct eal_arguments *arguments, const struct port *port,
	const struct load_options *options)
{
	if (options->port_kind == PORT_PCI) {
		eal_arguments_add(arguments, "--allow=%s", options->port_name);
		return;
	}
	eal_arguments_add(arguments, "--no-pci");
	if (options->port_kind == PORT_AF_XDP)
		eal_arguments_add(arguments,
			"--vdev=net_af_xdp_load,iface=%s,start_queue=%" PRIu32
			",queue_count=1,busy_budget=0",
			port->interface, options->queue);
	else if (options->port_kind == PORT_AF_PACKET)
		eal_arguments_add(arguments,
			"--vdev=net_af_packet_load,iface=%s,qdisc_bypass=1,framecnt=2048",
			port->interface);
	else
		eal_arguments_add(arguments, "--vdev=%s", options->port_name);
}

static int environment_start(struct port *port, const struct load_options *options)
{
	struct eal_arguments arguments = {.count = 0};
	cpu_set_t allowed;
	int r = cpu_choose(port, options, &allowed);

	if (r < 0)
		return r;
	eal_arguments_add(&arguments, "meridian-load");
	add_lcores(&arguments, port, &allowed);
	eal_arguments_add(&arguments, "--log-level=error");
	add_memory(&arguments, port, options);
	add_port(&arguments, port, options);
	port->lcore = 1;
	return eal_arguments_start(&arguments);
}

/* --- the port -------------------------------------------------------------------------------- */

static int link_wait(const struct port *port)
{
	static const struct timespec pause = {.tv_nsec = LINK_NS};
	struct rte_eth_link link = {0};

	for (int try = 0; try < LINK_TRIES; try++) {
		if (rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status)
			return 0;
		nanosleep(&pause, NULL);
	}
	log_error("the link of the port does not come up");
	return -ENOTCONN;
}

static int port_start(struct port *port, const char *name)
{
	static const struct rte_eth_conf conf;
	struct rte_ether_addr mac;
	int r = device_start(port->id, &conf, 1, PORT_RING, port->pool);

	if (r < 0)
		return log_errno(r, "--port %s does not start", name);
	if (rte_eth_macaddr_get(port->id, &mac) == 0)
		memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
	rte_eth_promiscuous_enable(port->id); /* for --source-mac; not every driver can */
	return 0;
}

int port_open(struct port *port, const struct load_options *options)
{
	int r;

	port->af_xdp_fd = -1;
	r = environment_start(port, options);
	if (r < 0)
		return r;
	if (rte_eth_dev_count_avail() != 1) {
		log_error("--port %s: DPDK knows %u such ports, not one", options->port,
			rte_eth_dev_count_avail());
		return -ENODEV;
	}
	port->id = (uint16_t)rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
	r = packet_pool_create(&port->pool, "load", POOL_SIZE, POOL_CACHE, SOCKET_ID_ANY);
	if (r < 0)
		return log_errno(r, "packet memory (--memory %" PRIu64 ")", options->memory_mb);
	r = port_start(port, options->port);
	if (r < 0)
		return r;
	if (options->port_kind == PORT_AF_XDP)
		port->af_xdp_fd = af_xdp_socket_find(NULL);
	return link_wait(port);
}

void port_close(struct port *port)
{
	rte_eth_dev_stop(port->id);
	rte_eth_dev_close(port->id);
	rte_eal_cleanup();
}

uint32_t port_dropped(const struct port *port)
{
	struct rte_eth_stats stats = {0};
	uint32_t dropped = port->interface[0] ? kernel_dropped(port->interface) : 0;

	/* The driver's imissed of AF_XDP is a part of the socket's own count. */
	if (port->af_xdp_fd >= 0)
		return dropped + (uint32_t)af_xdp_socket_missed(port->af_xdp_fd);
	if (rte_eth_stats_get(port->id, &stats) == 0)
		dropped += (uint32_t)(stats.imissed + stats.ierrors + stats.rx_nombuf);
	return dropped;
}
