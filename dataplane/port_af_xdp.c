/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_af_xdp.h"
#include "af_xdp_socket.h"
#include "device.h"
#include "packet_pool.h"
#include "port_mbuf.h"
#include "port_watch.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <meridian/frame_stamp.h>
#include <prefetch.h>
#include <rte_dev.h>
#include <rte_log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The kernel holds RING_SIZE buffers for receiving; the rest is for replies on their way out and
 * the pool's cache.
 */
#define RING_SIZE  2048
#define POOL_SIZE  4095
#define POOL_CACHE 128

#define PROGRAM_MAPS_MAX 16

_Static_assert(PORT_AF_XDP_MAX <= RTE_MAX_ETHPORTS, "a device per queue");

/*
 * With a busy budget the driver enters the kernel at each empty poll, and a send polls for
 * packets before it sends. In copy mode there is nothing to gain from that (veth, 500 requests/s:
 * 99 % of the replies were on the wire 7 us after T3 without, up to 27 us with a budget). In
 * zero-copy mode it is needed: without one the driver sleeps in poll(2) for up to 1 s when the
 * kernel had run out of buffers.
 */
#define BUSY_BUDGET_COPY      0
#define BUSY_BUDGET_ZERO_COPY 64

/*
 * In copy mode a packet is copied and handed to the driver within the call, and on a veth its peer
 * receives it before the call returns. An instant after 0.42 of what the shorter calls take comes
 * nearest to the peer's stamp of a reply (veth, medians: 0.8 to 1.4 us early in 5 runs of 300
 * replies, up to 0.3 late in 8 of 1500 polls of chronyd, where the counter before the call was 3.2
 * to 4.3 early). A share of each call's own length, or of the median, was 6 us late as
 * soon as calls became longer by waking whoever waits for the reply. On a NIC it may be more, of a
 * shorter call.
 */
#define LEAVE_SHARE_COPY 108

struct af_xdp_queue {
	struct port_queue base;
	uint16_t port_id;
	char device[RTE_ETH_NAME_MAX_LEN];
	struct rte_mempool *pool;
	int fd; /* of its socket, for questions; the driver owns it; -1: none */
	bool zero_copy;
	struct af_xdp_queue *next;
};

/* Queues that are open. Main thread only. */
static struct af_xdp_queue *queues;

static struct af_xdp_queue *af_xdp(struct port_queue *queue)
{
	return (struct af_xdp_queue *)queue;
}

/* The kernel wrote the frame, on another core perhaps: what is read of it, and written, is three
 * cache lines, the first of them with the stamps before it. */
static void frame_prefetch(const struct rte_mbuf *mbuf)
{
	const uint8_t *data = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	prefetch_write(data - RTE_CACHE_LINE_SIZE);
	prefetch_write(data);
	prefetch_write(data + RTE_CACHE_LINE_SIZE);
}

/* Takes the XDP program's stamps out of the headroom. The buffer comes back with the next frame
 * that uses it, perhaps without new ones, so the old ones are wiped. */
static void stamps_take(const struct rte_mbuf *mbuf, struct port_packet *packet)
{
	struct meridian_frame_stamp_nic stamps;
	uint8_t *data = rte_pktmbuf_mtod(mbuf, uint8_t *);

	packet->has_stamp = packet->has_device_stamp = false;
	if (rte_pktmbuf_headroom(mbuf) < sizeof(stamps))
		return;
	memcpy(&stamps, data - sizeof(stamps), sizeof(stamps));
	if (stamps.stamp.magic != MERIDIAN_FRAME_STAMP_MAGIC)
		return;
	memset(data - sizeof(stamps.stamp), 0, sizeof(stamps.stamp));
	packet->has_stamp = true;
	packet->stamp_ns = stamps.stamp.monotonic_ns;
	packet->has_device_stamp = (stamps.stamp.flags & MERIDIAN_FRAME_STAMP_NIC) != 0;
	packet->stamp_device = stamps.nic_ns;
}

static unsigned int af_xdp_receive(struct port_queue *queue, struct port_packet packet[PORT_BURST])
{
	PORT_MBUF_UNSET struct rte_mbuf *mbuf[PORT_BURST];
	unsigned int count = rte_eth_rx_burst(af_xdp(queue)->port_id, 0, mbuf, PORT_BURST);

	for (unsigned int i = 0; i < count; i++)
		frame_prefetch(mbuf[i]);
	for (unsigned int i = 0; i < count; i++) {
		port_mbuf_describe(&packet[i], mbuf[i]);
		packet[i].checksum_good = false;
		stamps_take(mbuf[i], &packet[i]);
	}
	return count;
}

static unsigned int af_xdp_transmit(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	return port_mbuf_transmit(af_xdp(queue)->port_id, 0, packet, count);
}

static void af_xdp_watch(struct port_queue *queue, uint32_t ns)
{
	port_watch(af_xdp(queue)->port_id, 0, ns);
}

/* In zero-copy mode it is the driver that would have to be polled. */
static int af_xdp_wake_fd(const struct port_queue *queue)
{
	const struct af_xdp_queue *af_xdp = (const struct af_xdp_queue *)queue;

	return af_xdp->zero_copy ? -1 : af_xdp->fd;
}

static const struct port_operations af_xdp_operations = {
	.receive = af_xdp_receive,
	.transmit = af_xdp_transmit,
	.release = port_mbuf_release,
	.wake_fd = af_xdp_wake_fd,
};
static const struct port_operations af_xdp_watchable_operations = {
	.receive = af_xdp_receive,
	.transmit = af_xdp_transmit,
	.release = port_mbuf_release,
	.watch = af_xdp_watch,
	.wake_fd = af_xdp_wake_fd,
};

/* Whether program `id` uses map `map_id`. The pinned programs of control have few maps. */
static bool program_has_map(uint32_t id, uint32_t map_id)
{
	uint32_t map_ids[PROGRAM_MAPS_MAX] = {0};
	struct bpf_prog_info info = {.nr_map_ids = PROGRAM_MAPS_MAX, .map_ids = (uintptr_t)map_ids};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	bool has = false;

	if (fd < 0)
		return false;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0) {
		for (uint32_t i = 0; i < info.nr_map_ids && i < PROGRAM_MAPS_MAX; i++)
			has |= map_ids[i] == map_id;
	}
	close(fd);
	return has;
}

bool port_af_xdp_ready(const struct meridian_policy_nic *nic)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};

	return bpf_xdp_query((int)nic->ifindex, 0, &query) == 0 &&
		query.prog_id == nic->xdp_program_id &&
		program_has_map(query.prog_id, nic->xsks_map_id);
}

static int pool_create(struct af_xdp_queue *queue, const char *nic, uint16_t index)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "%s_%u", nic, index);
	return packet_pool_create(&queue->pool, name, POOL_SIZE, POOL_CACHE, SOCKET_ID_ANY);
}

static int device_create(struct af_xdp_queue *queue, const struct meridian_policy_nic *nic,
	uint16_t index, int busy_budget)
{
	char arguments[128];

	snprintf(queue->device, sizeof(queue->device), "net_af_xdp_%s_%u", nic->name, index);
	snprintf(arguments, sizeof(arguments),
		"iface=%s,start_queue=%u,queue_count=1,busy_budget=%d", nic->name, index,
		busy_budget);
	if (rte_eal_hotplug_add("vdev", queue->device, arguments) < 0 ||
		rte_eth_dev_get_port_by_name(queue->device, &queue->port_id) < 0) {
		queue->device[0] = '\0';
		return -EBUSY;
	}
	return 0;
}

static bool socket_known(int fd)
{
	for (const struct af_xdp_queue *queue = queues; queue; queue = queue->next) {
		if (queue->fd == fd)
			return true;
	}
	return false;
}

static int socket_open(struct af_xdp_queue *queue, const struct meridian_policy_nic *nic,
	uint16_t index, int busy_budget)
{
	static const struct rte_eth_conf conf;
	int r = device_create(queue, nic, index, busy_budget);

	if (r == 0 && device_start(queue->port_id, &conf, 1, RING_SIZE, queue->pool) < 0)
		r = -EBUSY;
	queue->fd = af_xdp_socket_find(socket_known);
	queue->zero_copy = r == 0 && af_xdp_socket_zero_copy(queue->fd);
	return r;
}

/*
 * Control may detach or swap its program at any instant. The check afterwards finds the socket
 * that was bound without it, for which libxdp attached its own: closing it takes that away again.
 */
static int queue_start(struct af_xdp_queue *queue, const struct meridian_policy_nic *nic,
	uint16_t index, int busy_budget)
{
	int r = pool_create(queue, nic->name, index);

	if (r < 0)
		return r;
	if (!port_af_xdp_ready(nic))
		return -EAGAIN;
	r = socket_open(queue, nic, index, busy_budget);
	return port_af_xdp_ready(nic) ? r : -EAGAIN;
}

/* The driver tries to detach control's program and complains that it cannot: nobody listens. */
static void device_remove(struct af_xdp_queue *queue)
{
	/* Of the type that the driver has registered this only tells the number. */
	int type = rte_log_register("pmd.net.af_xdp");
	int level = rte_log_get_level((uint32_t)type);

	rte_log_set_level((uint32_t)type, RTE_LOG_CRIT);
	rte_eth_dev_stop(queue->port_id);
	rte_eal_hotplug_remove("vdev", queue->device);
	rte_log_set_level((uint32_t)type, (uint32_t)level);
	queue->device[0] = '\0';
}

static void queue_stop(struct af_xdp_queue *queue)
{
	if (queue->device[0] != '\0')
		device_remove(queue);
	/* The driver of DPDK 22.11 leaves its socket open, which keeps the queue busy. */
	if (queue->fd >= 0 && af_xdp_socket_is(queue->fd))
		close(queue->fd);
	queue->fd = -1;
	rte_mempool_free(queue->pool);
	queue->pool = NULL;
}

int port_af_xdp_open(
	struct port_queue **ret_queue, const struct meridian_policy_nic *nic, uint16_t index)
{
	struct af_xdp_queue *queue;
	int r;

	/* The name becomes part of a list "iface=NAME,start_queue=0". */
	if (strpbrk(nic->name, ",=[]() \t") != NULL)
		return -EINVAL;
	queue = calloc(1, sizeof(*queue));
	if (queue == NULL)
		return -ENOMEM;
	queue->fd = -1;
	queue->base.operations = &af_xdp_operations;
	queue->base.stamp_clock = CLOCK_MONOTONIC;
	queue->base.stamp_source = MERIDIAN_STAMP_xdp;
	memcpy(queue->base.mac, nic->mac, sizeof(queue->base.mac));
	r = queue_start(queue, nic, index, BUSY_BUDGET_COPY);
	if (r == 0 && queue->zero_copy) { /* which only a bound socket tells */
		queue_stop(queue);
		r = queue_start(queue, nic, index, BUSY_BUDGET_ZERO_COPY);
	}
	if (r < 0) {
		port_af_xdp_close(&queue->base);
		return r;
	}
	queue->base.leave_share = queue->zero_copy ? 0 : LEAVE_SHARE_COPY;
	if (port_watch_possible(queue->port_id, 0))
		queue->base.operations = &af_xdp_watchable_operations;
	queue->next = queues;
	queues = queue;
	*ret_queue = &queue->base;
	return 0;
}

void port_af_xdp_close(struct port_queue *queue)
{
	struct af_xdp_queue **link = &queues;

	while (*link && *link != af_xdp(queue))
		link = &(*link)->next;
	if (*link)
		*link = af_xdp(queue)->next;
	queue_stop(af_xdp(queue));
	free(queue);
}

uint64_t port_af_xdp_missed(const struct port_queue *queue)
{
	return af_xdp_socket_missed(((const struct af_xdp_queue *)queue)->fd);
}

bool port_af_xdp_zero_copy(const struct port_queue *queue)
{
	return ((const struct af_xdp_queue *)queue)->zero_copy;
}
