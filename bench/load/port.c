/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"
#include "kernel.h"
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_xdp.h>
#include <linux/mman.h>
#include <log.h>
#include <packet_pool.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#define POOL_SIZE  8191
#define POOL_CACHE 256
#define LINK_TRIES 100
#define LINK_NS    100000000

/* --- EAL ------------------------------------------------------------------------------------- */

struct arguments {
	char text[24][512];
	char *vector[25];
	int count;
};

__attribute__((format(printf, 2, 3))) static void add(
	struct arguments *arguments, const char *format, ...)
{
	char *text = arguments->text[arguments->count];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(arguments->text[0]), format, list);
	va_end(list);
	arguments->vector[arguments->count++] = text;
}

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
	struct arguments *arguments, const struct port *port, const cpu_set_t *allowed)
{
	char list[400] = "";
	size_t used = 0;

	for (unsigned int cpu = 0; cpu < CPU_SETSIZE && used + 8 < sizeof(list); cpu++) {
		if (CPU_ISSET(cpu, allowed))
			used += (size_t)snprintf(
				list + used, sizeof(list) - used, "%s%u", used ? "," : "", cpu);
	}
	add(arguments, "--lcores");
	add(arguments, "0@(%s),1@%" PRIu32, list, port->cpu);
	add(arguments, "--main-lcore");
	add(arguments, "0");
}

static bool hugepages_available(uint64_t memory_mb)
{
	size_t size = (size_t)memory_mb << 20;
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);

	if (addr == MAP_FAILED)
		return false;
	munmap(addr, size);
	return true;
}

static void add_memory(
	struct arguments *arguments, struct port *port, const struct load_options *options)
{
	port->hugepages = !options->no_huge && hugepages_available(options->memory_mb);
	add(arguments, "-m");
	add(arguments, "%" PRIu64, options->memory_mb);
	if (port->hugepages) {
		add(arguments, "--in-memory");
		add(arguments, "--single-file-segments"); /* memif's zero copy wants it */
		return;
	}
	if (!options->no_huge)
		log_notice("no %" PRIu64
			   " MB of hugepages to be had: using ordinary pages, which is "
			   "slower",
			options->memory_mb);
	add(arguments, "--no-huge");
	add(arguments, "--no-shconf");
}

static void add_port(
	struct arguments *arguments, const struct port *port, const struct load_options *options)
{
	if (options->port_kind == PORT_PCI) {
		add(arguments, "--allow=%s", options->port_name);
		return;
	}
	add(arguments, "--no-pci");
	if (options->port_kind == PORT_AF_XDP)
		add(arguments,
			"--vdev=net_af_xdp_load,iface=%s,start_queue=%" PRIu32
			",queue_count=1,busy_budget=0",
			port->interface, options->queue);
	else if (options->port_kind == PORT_AF_PACKET)
		add(arguments, "--vdev=net_af_packet_load,iface=%s,qdisc_bypass=1,framecnt=2048",
			port->interface);
	else
		add(arguments, "--vdev=%s", options->port_name);
}

__attribute__((format(printf, 2, 0))) static int libbpf_silent(
	enum libbpf_print_level level, const char *format, va_list list)
{
	(void)level;
	(void)format;
	(void)list;
	return 0;
}

/* libxdp warns of each way to attach a program that it tries before the one that works. */
__attribute__((format(printf, 2, 0))) static int libxdp_silent(
	enum libxdp_print_level level, const char *format, va_list list)
{
	(void)level;
	(void)format;
	(void)list;
	return 0;
}

static int eal_start(struct port *port, const struct load_options *options)
{
	struct arguments arguments = {.count = 0};
	cpu_set_t allowed;
	int r = cpu_choose(port, options, &allowed);

	if (r < 0)
		return r;
	libbpf_set_print(libbpf_silent);
	libxdp_set_print(libxdp_silent);
	add(&arguments, "meridian-load");
	add_lcores(&arguments, port, &allowed);
	add_memory(&arguments, port, options);
	add(&arguments, "--no-telemetry");
	add(&arguments, "--iova-mode=va");
	add(&arguments, "--log-level=error");
	add(&arguments, "--log-level=lib.eal:error");
	add_port(&arguments, port, options);
	if (rte_eal_init(arguments.count, arguments.vector) < 0) {
		log_error("DPDK does not start: %s", rte_strerror(rte_errno));
		return -EIO;
	}
	port->lcore = 1;
	return 0;
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

static int port_start(struct port *port)
{
	static const struct rte_eth_conf conf;
	struct rte_ether_addr mac;
	uint16_t rx = PORT_RING, tx = PORT_RING;
	int r = rte_eth_dev_configure(port->id, 1, 1, &conf);

	if (r == 0)
		r = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);
	if (r == 0)
		r = rte_eth_rx_queue_setup(
			port->id, 0, rx, (unsigned int)SOCKET_ID_ANY, NULL, port->pool);
	if (r == 0)
		r = rte_eth_tx_queue_setup(port->id, 0, tx, (unsigned int)SOCKET_ID_ANY, NULL);
	if (r == 0)
		r = rte_eth_dev_start(port->id);
	if (r < 0)
		return log_errno(r, "the port does not start");
	if (rte_eth_macaddr_get(port->id, &mac) == 0)
		memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
	rte_eth_promiscuous_enable(port->id); /* for --source-mac; not every driver can */
	return 0;
}

/* DPDK's driver keeps its socket to itself, so it is looked for among the open files. */
static int af_xdp_find(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	int found = -1;

	if (directory == NULL)
		return -1;
	while (found < 0 && (entry = readdir(directory)) != NULL) {
		int fd = atoi(entry->d_name), domain = 0;
		socklen_t length = sizeof(domain);

		if (entry->d_name[0] != '.' &&
			getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
			domain == AF_XDP)
			found = fd;
	}
	closedir(directory);
	return found;
}

int port_open(struct port *port, const struct load_options *options)
{
	int r;

	port->af_xdp_fd = -1;
	r = eal_start(port, options);
	if (r < 0)
		return r;
	if (rte_eth_dev_count_avail() != 1) {
		log_error("--port %s: DPDK knows %u such ports, not one", options->port,
			rte_eth_dev_count_avail());
		return -ENODEV;
	}
	port->id = (uint16_t)rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
	r = packet_pool_create(&port->pool, "load", POOL_SIZE, POOL_CACHE);
	if (r < 0)
		return log_errno(r, "packet memory (--memory %" PRIu64 ")", options->memory_mb);
	r = port_start(port);
	if (r < 0)
		return r;
	if (options->port_kind == PORT_AF_XDP)
		port->af_xdp_fd = af_xdp_find();
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
	struct xdp_statistics xdp = {0};
	socklen_t length = sizeof(xdp);
	uint32_t dropped = port->interface[0] ? kernel_dropped(port->interface) : 0;

	/* The driver's imissed of AF_XDP is a part of the socket's own count. */
	if (port->af_xdp_fd >= 0 &&
		getsockopt(port->af_xdp_fd, SOL_XDP, XDP_STATISTICS, &xdp, &length) == 0)
		return dropped + (uint32_t)(xdp.rx_dropped + xdp.rx_ring_full);
	if (rte_eth_stats_get(port->id, &stats) == 0)
		dropped += (uint32_t)(stats.imissed + stats.ierrors + stats.rx_nombuf);
	return dropped;
}
