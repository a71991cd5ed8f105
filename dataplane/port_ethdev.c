/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_ethdev.h"
#include "bifurcation.h"
#include "device.h"
#include "ethdev_queue.h"
#include "log.h"
#include "packet_memory.h"
#include "packet_pool.h"
#include "port_clock.h"
#include "port_delay.h"
#include "stamp_driver.h"
#include "takeover.h"
#include <errno.h>
#include <meridian/counter.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_mbuf_dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Rings of a queue, where the driver lets us choose. Drivers that keep buffers in their rings
 * (a zero-copy memif client with rsize up to 11, virtio) take up to half of QUEUE_BUFFERS; the
 * rest is for replies on their way out and the worker's cache.
 */
#define RING_SIZE     1024
#define QUEUE_BUFFERS 8192
#define POOL_CACHE    256

#define RECEIVE_OFFLOADS (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)

struct port_ethdev {
	char name[RTE_ETH_NAME_MAX_LEN]; /* "": not made yet */
	char driver[RTE_ETH_NAME_MAX_LEN];
	struct rte_mempool *pool;
	uint16_t port_id, queue_count;
	bool has_clock;
	struct port_clock clock;
	bool samples; /* transmit stamps */
	struct port_transmit transmit;
	struct port_delay delay;
	bool taken_over;
	struct takeover takeover; /* if taken_over */
	bool is_pci, is_shared;
	struct bifurcation *bifurcation; /* of a device that is shared, once it was started */
	struct ethdev_queue queue[];
};

static int pool_make(struct port_ethdev *device, char *ret_error, size_t size)
{
	int r = packet_pool_place(&device->pool, device->name,
		device->queue_count * QUEUE_BUFFERS - 1U, POOL_CACHE, port_ethdev_socket(device));

	if (r < 0)
		snprintf(ret_error, size,
			"its packet buffers, about %u MB, do not fit into what is left of the "
			"packet memory: configure a larger `memory`, or 0 for as much as is needed",
			packet_memory_device_mb(device->queue_count));
	return r;
}

/* How the device will stamp what it receives; NULL: not, as far as we know. */
static const struct stamp_driver *stamps_of(const struct rte_eth_dev_info *info)
{
	const struct stamp_driver *driver = stamp_driver_find(info->driver_name);
	bool can = (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP) != 0;

	return driver && driver->receives && (driver->always || can) ? driver : NULL;
}

/* Before the device starts: it fills the field that is registered by then. */
static int stamps_take(struct port_ethdev *device, const struct stamp_driver *driver)
{
	uint64_t flag;
	int offset;

	if (rte_mbuf_dyn_rx_timestamp_register(&offset, &flag) < 0)
		return -rte_errno;
	for (uint16_t i = 0; i < device->queue_count; i++) {
		struct ethdev_queue *queue = &device->queue[i];

		queue->stamp_offset = offset;
		queue->stamp_flag = flag;
		queue->stamp_unit = driver->clock == STAMP_DRIVER_REALTIME ? driver->unit_ns : 1;
		if (driver->clock != STAMP_DRIVER_REALTIME)
			continue; /* once its clock is open */
		queue->base.stamp_clock = CLOCK_REALTIME;
		ethdev_queue_stamp(queue, MERIDIAN_STAMP_kernel);
	}
	return 0;
}

/* A device that stamps with a clock which cannot be read is as one that does not stamp. */
static int clock_start(struct port_ethdev *device, const struct stamp_driver *driver, bool receives)
{
	int r = port_clock_open(&device->clock, device->port_id, driver);

	if (r < 0) {
		log_warning("%s: its clock cannot be read (%s): no stamps in hardware",
			device->name, device_reason(r));
		return r;
	}
	device->has_clock = true;
	device->samples = driver->transmits && device->transmit.ahead_ns == 0;
	port_delay_init(&device->delay, &device->transmit, device->port_id, driver);
	for (uint16_t i = 0; i < device->queue_count; i++) {
		struct ethdev_queue *queue = &device->queue[i];

		if (receives) {
			queue->base.device_line = &device->clock.line;
			ethdev_queue_stamp(queue, MERIDIAN_STAMP_nic);
		}
		if (device->samples)
			ethdev_queue_sample(queue, &device->transmit);
	}
	if (device->transmit.ahead_ns != 0)
		device->transmit.line = &device->clock.line;
	return 0;
}

/* Before the device starts, and its clock is read. */
static int times_take(struct port_ethdev *device, const struct rte_eth_dev_info *info,
	char *ret_error, size_t size)
{
	const struct stamp_driver *clock = stamp_driver_find(info->driver_name);
	bool can = (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_SEND_ON_TIMESTAMP) != 0;
	uint64_t flag;
	int offset;

	if (!can || clock == NULL || clock->clock == STAMP_DRIVER_REALTIME) {
		snprintf(ret_error, size,
			"its driver, %s, does not send at a given time%s: leave out `txtime`",
			info->driver_name, can ? " of a clock that is known how to read" : "");
		return -ENODEV;
	}
	if (rte_mbuf_dyn_tx_timestamp_register(&offset, &flag) < 0)
		return -rte_errno;
	for (uint16_t i = 0; i < device->queue_count; i++)
		ethdev_queue_time(&device->queue[i], &device->transmit, offset, flag);
	return 0;
}

/* Nothing may come but by flow rules, once it starts. */
static int shared_start(
	struct port_ethdev *device, const struct rte_eth_conf *conf, char *ret_error, size_t size)
{
	int r = device_configure(
		device->port_id, conf, device->queue_count, RING_SIZE, device->pool);

	if (r == 0)
		r = bifurcation_isolate(device->port_id, ret_error, size);
	return r < 0 ? r : rte_eth_dev_start(device->port_id);
}

static int queues_start(struct port_ethdev *device, const struct rte_eth_dev_info *info,
	char *ret_error, size_t size)
{
	struct rte_eth_conf conf = {.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE};
	const struct stamp_driver *stamps = stamps_of(info);
	const struct stamp_driver *clock = stamp_driver_find(info->driver_name);
	bool times = device->transmit.ahead_ns != 0;
	int r = stamps ? stamps_take(device, stamps) : 0;

	if (r < 0)
		return r;
	if (times)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_SEND_ON_TIMESTAMP;
	if (device->taken_over) {
		conf.rxmode.mtu = device->takeover.mtu;
		conf.rxmode.offloads = info->rx_offload_capa & RECEIVE_OFFLOADS;
		if (device->takeover.scatters) {
			conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
			conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
		}
	}
	if (device->is_shared) {
		conf.rxmode.offloads = info->rx_offload_capa & RECEIVE_OFFLOADS;
		/* Unasked, mlx5 and mlx4 do not tell that the NIC is lost. */
		conf.intr_conf.rmv = (*info->dev_flags & RTE_ETH_DEV_INTR_RMV) != 0;
	}
	if (stamps && !stamps->always)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	conf.rx_adv_conf.rss_conf.rss_hf =
		device_hash(info->flow_type_rss_offloads, device->taken_over);
	if (device->queue_count > 1 && conf.rx_adv_conf.rss_conf.rss_hf != 0)
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	r = device->is_shared ? shared_start(device, &conf, ret_error, size)
			      : device_start(device->port_id, &conf, device->queue_count, RING_SIZE,
					device->pool);
	if (r < 0 || clock == NULL || clock->clock == STAMP_DRIVER_REALTIME)
		return r;
	if (stamps || clock->transmits || times)
		r = clock_start(device, clock, stamps != NULL);
	return times ? r : 0;
}

static int ethdev_start(struct port_ethdev *device, char *ret_error, size_t size)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	uint16_t most;
	int r = rte_eth_dev_info_get(device->port_id, &info);

	ret_error[0] = '\0';
	if (r == 0)
		r = rte_eth_macaddr_get(device->port_id, &mac);
	if (r == 0) {
		snprintf(device->driver, sizeof(device->driver), "%s", info.driver_name);
		most = info.max_rx_queues < info.max_tx_queues ? info.max_rx_queues
							       : info.max_tx_queues;
		if (device->queue_count > most) {
			snprintf(ret_error, size, "queues: it has room for %u, not for %u", most,
				device->queue_count);
			return -ENODEV;
		}
		if (device->transmit.ahead_ns != 0)
			r = times_take(device, &info, ret_error, size);
		if (r == 0)
			r = queues_start(device, &info, ret_error, size);
		if (r < 0 && ret_error[0] != '\0')
			return r;
	}
	if (r < 0) {
		snprintf(ret_error, size, "DPDK does not start the device (queues: %u): %s",
			device->queue_count, device_reason(r));
		return -ENODEV;
	}
	for (uint16_t i = 0; i < device->queue_count; i++) {
		memcpy(device->queue[i].base.mac, mac.addr_bytes, sizeof(mac.addr_bytes));
		/* Watching the queue's memory, a worker would not see what the kernel sends. */
		if (!device->taken_over)
			ethdev_queue_watch(&device->queue[i]);
	}
	return 0;
}

static void queues_init(struct port_ethdev *device)
{
	for (uint16_t i = 0; i < device->queue_count; i++)
		ethdev_queue_init(&device->queue[i], device->port_id, i);
}

static struct port_ethdev *device_new(
	const struct meridian_policy_nic *nic, char *ret_error, size_t size)
{
	struct port_ethdev *device =
		calloc(1, sizeof(*device) + nic->queue_count * sizeof(device->queue[0]));

	if (device == NULL) {
		snprintf(ret_error, size, "%s", strerror(ENOMEM));
		return NULL;
	}
	device->queue_count = nic->queue_count;
	device->transmit.ahead_ns = nic->txtime_ns;
	return device;
}

static int device_open(struct port_ethdev *device, char *ret_error, size_t size)
{
	int r = pool_make(device, ret_error, size);

	if (r < 0)
		return r;
	queues_init(device);
	return ethdev_start(device, ret_error, size);
}

int port_ethdev_open(struct port_ethdev **ret_device, const char *text,
	const struct meridian_policy_nic *nic, char *ret_error, size_t size)
{
	struct port_ethdev *device = device_new(nic, ret_error, size);
	int r;

	if (device == NULL)
		return -ENOMEM;
	r = device_make(text, device->name, &device->port_id, ret_error, size);
	if (r == 0)
		r = device_open(device, ret_error, size);
	if (r < 0) {
		port_ethdev_close(device);
		return r;
	}
	*ret_device = device;
	return 0;
}

/* From now on it is ours to close. */
static void pci_take(struct port_ethdev *device, const struct meridian_policy_nic *nic)
{
	snprintf(device->name, sizeof(device->name), "%s", nic->name);
	device->is_pci = true;
}

static int punt_start(struct port_ethdev *device, const struct meridian_policy_nic *nic,
	char *ret_error, size_t size)
{
	int r = takeover_start(&device->takeover, nic, device->pool, ret_error, size);

	if (r < 0)
		return r;
	for (uint16_t i = 0; i < device->queue_count; i++)
		ethdev_queue_punt(&device->queue[i], device->takeover.punt, i == 0);
	return 0;
}

int port_ethdev_take_over(struct port_ethdev **ret_device, const struct meridian_policy_nic *nic,
	char *ret_error, size_t size)
{
	struct port_ethdev *device = device_new(nic, ret_error, size);
	int r;

	if (device == NULL)
		return -ENOMEM;
	r = device_find(nic->name, &device->port_id, ret_error, size);
	if (r == 0)
		r = takeover_open(&device->takeover, nic, device->port_id, ret_error, size);
	if (r == 0) {
		pci_take(device, nic);
		device->taken_over = true;
		r = device_open(device, ret_error, size);
	}
	if (r == 0)
		r = punt_start(device, nic, ret_error, size);
	if (r < 0) {
		port_ethdev_close(device);
		return r;
	}
	*ret_device = device;
	return 0;
}

bool port_ethdev_note(struct port_ethdev *device, struct wire_stamps *wire)
{
	for (uint16_t i = 0; device->taken_over && i < device->queue_count; i++)
		ethdev_queue_note(&device->queue[i], wire);
	return device->taken_over;
}

int port_ethdev_share(struct port_ethdev **ret_device, const char *text,
	const struct meridian_policy_nic *nic, const struct meridian_policy_blob *blob,
	char *ret_error, size_t size)
{
	struct port_ethdev *device = device_new(nic, ret_error, size);
	int r;

	if (device == NULL)
		return -ENOMEM;
	device->is_shared = true;
	r = text ? device_make(text, device->name, &device->port_id, ret_error, size)
		 : device_find(nic->name, &device->port_id, ret_error, size);
	if (r == 0 && text == NULL)
		pci_take(device, nic);
	if (r == 0)
		r = device_open(device, ret_error, size);
	if (r == 0)
		r = bifurcation_open(&device->bifurcation, nic->name, device->port_id,
			device->queue_count, blob, ret_error, size);
	if (r < 0) {
		port_ethdev_close(device);
		return r;
	}
	*ret_device = device;
	return 0;
}

const char *port_ethdev_follow(struct port_ethdev *device, const struct meridian_policy_blob *blob)
{
	if (device->is_shared)
		return bifurcation_turn(device->bifurcation, blob);
	return device->taken_over ? takeover_turn(&device->takeover) : NULL;
}

void port_ethdev_withdraw(struct port_ethdev *device)
{
	if (device->is_shared)
		bifurcation_withdraw(device->bifurcation);
}

int port_ethdev_socket(const struct port_ethdev *device)
{
	return rte_eth_dev_socket_id(device->port_id);
}

void port_ethdev_close(struct port_ethdev *device)
{
	if (device->taken_over)
		takeover_close(&device->takeover);
	bifurcation_close(device->bifurcation);
	if (device->name[0] != '\0') {
		rte_eth_dev_stop(device->port_id);
		if (device->is_pci)
			rte_eth_dev_close(device->port_id); /* its buffers, before their pool */
		rte_eal_hotplug_remove(device->is_pci ? "pci" : "vdev", device->name);
	}
	rte_mempool_free(device->pool);
	free(device);
}

struct port_queue *port_ethdev_queue(struct port_ethdev *device, uint16_t index)
{
	return &device->queue[index].base;
}

const char *port_ethdev_driver(const struct port_ethdev *device)
{
	return device->driver;
}

static void link_follow(struct port_ethdev *device)
{
	struct rte_eth_link link;
	uint32_t octet_ps = 0;

	if (rte_eth_link_get_nowait(device->port_id, &link) == 0 && link.link_speed != 0 &&
		link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
		octet_ps = PORT_OCTET_PS_MBPS / link.link_speed;
	if (octet_ps != device->queue[0].base.octet_ps)
		port_delay_restart(&device->delay);
	for (uint16_t i = 0; i < device->queue_count; i++)
		__atomic_store_n(&device->queue[i].base.octet_ps, octet_ps, __ATOMIC_RELAXED);
}

void port_ethdev_turn(struct port_ethdev *device, uint8_t counter_id, uint64_t counter_hz)
{
	struct device_line line;

	if (!device->has_clock)
		return;
	port_clock_turn(&device->clock, counter_id, counter_hz);
	link_follow(device);
	line = device_clock_line(&device->clock.model);
	if (device->samples && device->queue[0].base.transmit_delay_ns == 0)
		port_delay_turn(&device->delay, &line, meridian_counter_read(counter_id));
}

void port_ethdev_clock_report(
	const struct port_ethdev *device, struct meridian_stats_clock *ret_report)
{
	if (!device->has_clock)
		return;
	port_clock_report(&device->clock, ret_report);
	port_delay_report(&device->delay, ret_report);
	if (device->transmit.line == NULL || ret_report->state != MERIDIAN_CLOCK_GOOD)
		return;
	ret_report->transmit = MERIDIAN_TRANSMIT_TIMED;
	ret_report->transmit_delay_ns = device->transmit.ahead_ns;
	ret_report->transmit_error_ns = ret_report->error_ns;
}

uint64_t port_ethdev_missed(const struct port_ethdev *device)
{
	struct rte_eth_stats stats;

	if (rte_eth_stats_get(device->port_id, &stats) < 0)
		return 0;
	return stats.imissed + stats.rx_nombuf;
}

void port_ethdev_flow_report(
	const struct port_ethdev *device, struct meridian_stats_port *ret_report)
{
	if (device->is_shared)
		bifurcation_report(device->bifurcation, ret_report);
}

static void punted_add(const struct meridian_stats_punt *punted,
	struct meridian_stats_takeover *takeover, struct meridian_stats_punt *classes)
{
	for (unsigned int i = 0; i < MERIDIAN_PUNT_COUNT; i++) {
		uint64_t to_kernel = meridian_stats_get(&punted->to_kernel[i]);
		uint64_t limited = meridian_stats_get(&punted->limited[i]);

		classes->to_kernel[i] += to_kernel;
		classes->limited[i] += limited;
		takeover->to_kernel += to_kernel;
		takeover->limited += limited;
	}
}

void port_ethdev_takeover_report(const struct port_ethdev *device,
	struct meridian_stats_takeover *ret_report, struct meridian_stats_punt *ret_classes)
{
	if (!device->taken_over)
		return;
	takeover_report(&device->takeover, ret_report);
	for (uint16_t i = 0; i < device->queue_count; i++) {
		const struct ethdev_queue *queue = &device->queue[i];

		punted_add(&queue->punted.counts, ret_report, ret_classes);
		ret_report->from_kernel += meridian_stats_get(&queue->from_kernel);
		ret_report->unsent += meridian_stats_get(&queue->unsent);
	}
}
