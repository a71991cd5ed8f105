/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev_queue.h"
#include "port_mbuf.h"
#include "port_watch.h"
#include <meridian/counter.h>
#include <prefetch.h>
#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>

#define CHECKSUM_FLAGS                                                                             \
	(RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_GOOD |  \
		RTE_MBUF_F_RX_L4_CKSUM_BAD)
#define CHECKSUM_GOOD (RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD)

_Static_assert(PORT_BURST <= PUNT_BURST, "a burst is punted at once");

static struct ethdev_queue *ethdev(struct port_queue *queue)
{
	return (struct ethdev_queue *)queue;
}

/* The classifier reads the frame up to the end of a basic request: two cache lines. */
static void frame_prefetch(const struct rte_mbuf *mbuf)
{
	const uint8_t *data = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	prefetch_write(data);
	prefetch_write(data + RTE_CACHE_LINE_SIZE);
}

static unsigned int ethdev_receive(struct port_queue *queue, struct port_packet packet[PORT_BURST])
{
	PORT_MBUF_UNSET struct rte_mbuf *mbuf[PORT_BURST];
	const struct ethdev_queue *own = ethdev(queue);
	unsigned int count = rte_eth_rx_burst(own->port_id, own->queue_id, mbuf, PORT_BURST);

	for (unsigned int i = 0; i < count; i++) {
		frame_prefetch(mbuf[i]);
		port_mbuf_describe(&packet[i], mbuf[i]);
		packet[i].checksum_good = (mbuf[i]->ol_flags & CHECKSUM_FLAGS) == CHECKSUM_GOOD;
		packet[i].has_stamp = packet[i].has_device_stamp = false;
		packet[i].stamp_ns = 0;
	}
	return count;
}

/* The same of a driver that stamps, though perhaps not every packet. */
static unsigned int ethdev_receive_stamped(
	struct port_queue *queue, struct port_packet packet[PORT_BURST])
{
	const struct ethdev_queue *own = ethdev(queue);
	unsigned int count = ethdev_receive(queue, packet);

	for (unsigned int i = 0; i < count; i++) {
		const struct rte_mbuf *mbuf = packet[i].buffer;
		uint64_t stamp =
			*RTE_MBUF_DYNFIELD(mbuf, own->stamp_offset, const rte_mbuf_timestamp_t *);

		packet[i].has_stamp = (mbuf->ol_flags & own->stamp_flag) != 0;
		packet[i].stamp_ns = stamp * own->stamp_unit;
	}
	return count;
}

/* The same of a device that stamps with a clock of its own. */
static unsigned int ethdev_receive_device_stamped(
	struct port_queue *queue, struct port_packet packet[PORT_BURST])
{
	const struct ethdev_queue *own = ethdev(queue);
	unsigned int count = ethdev_receive(queue, packet);

	for (unsigned int i = 0; i < count; i++) {
		const struct rte_mbuf *mbuf = packet[i].buffer;

		packet[i].has_device_stamp = (mbuf->ol_flags & own->stamp_flag) != 0;
		packet[i].stamp_device =
			*RTE_MBUF_DYNFIELD(mbuf, own->stamp_offset, const rte_mbuf_timestamp_t *);
	}
	return count;
}

static unsigned int ethdev_transmit(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	const struct ethdev_queue *own = ethdev(queue);

	return port_mbuf_transmit(own->port_id, own->queue_id, packet, count);
}

/* The same of a driver that can stamp a packet when it leaves: any of the burst, for all of them to
 * be represented. */
static unsigned int ethdev_transmit_sampled(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	unsigned int chosen, sent;
	struct rte_mbuf *mbuf;

	if (!port_sample_take(queue->transmit))
		return ethdev_transmit(queue, packet, count);
	chosen = (unsigned int)(queue->handed_counter % count);
	mbuf = packet[chosen].buffer;
	mbuf->tx_offload = 0;
	mbuf->ol_flags |= RTE_MBUF_F_TX_IEEE1588_TMST;
	sent = ethdev_transmit(queue, packet, count);
	port_sample_tell(queue->transmit, queue->handed_counter, chosen < sent);
	return sent;
}

/* The same of a driver that sends at a given time: drivers send in order, so that what follows the
 * first packet of a burst leaves right behind it. */
static unsigned int ethdev_transmit_timed(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	const struct ethdev_queue *own = ethdev(queue);
	struct rte_mbuf *first = packet[0].buffer;

	if (queue->timed) {
		*RTE_MBUF_DYNFIELD(first, own->time_offset, rte_mbuf_timestamp_t *) =
			port_transmit_device_time(queue);
		first->ol_flags |= own->time_flag;
	}
	return ethdev_transmit(queue, packet, count);
}

static void ethdev_watch(struct port_queue *queue, uint32_t ns)
{
	const struct ethdev_queue *own = ethdev(queue);

	port_watch(own->port_id, own->queue_id, ns);
}

/* How long what the kernel sends takes to the wire: the NIC times no frames but our replies, and
 * behind no others a frame may leave at once. */
static struct port_way kernel_way(const struct port_queue *queue)
{
	struct port_way way;

	if (queue->transmit_delay_ns != 0 || queue->transmit == NULL)
		return (struct port_way){.delay_ns = queue->transmit_delay_ns};
	way = port_transmit_way(queue->transmit);
	if (way.error_ns < way.delay_ns)
		way.error_ns = way.delay_ns;
	return way;
}

static void questions_note(
	const struct ethdev_queue *own, struct rte_mbuf *const *mbuf, unsigned int count)
{
	uint8_t counter_id = own->wire ? wire_stamps_counter(own->wire) : MERIDIAN_COUNTER_NONE;
	struct port_way way = kernel_way(&own->base);
	struct wire_stamps_way sent = {.delay_ns = way.delay_ns, .error_ns = way.error_ns};

	if (counter_id == MERIDIAN_COUNTER_NONE)
		return;
	sent.counter = meridian_counter_read(counter_id);
	for (unsigned int i = 0; i < count; i++)
		wire_stamps_note_sent(own->wire, rte_pktmbuf_mtod(mbuf[i], const uint8_t *),
			mbuf[i]->data_len, &sent);
}

static void answers_note(
	const struct ethdev_queue *own, const struct port_packet *packet, unsigned int count)
{
	for (unsigned int i = 0; own->wire && i < count; i++) {
		enum meridian_stamp source = port_stamp_source(&own->base, &packet[i]);
		struct wire_stamps_arrival arrival = {.counter = packet[i].stamp_counter,
			.error_ns =
				source == MERIDIAN_STAMP_counter ? 0 : own->base.arrival_error_ns,
			.source = source};

		wire_stamps_note_received(own->wire, packet[i].data, packet[i].length, &arrival);
	}
}

/* The NIC has no more room: what is left is dropped, as the kernel's own queues would. */
static void kernel_transmit(struct ethdev_queue *own)
{
	PORT_MBUF_UNSET struct rte_mbuf *mbuf[PORT_BURST];
	unsigned int count = punt_from_kernel(own->punt, mbuf, PORT_BURST), sent;

	if (count == 0)
		return;
	questions_note(own, mbuf, count);
	sent = rte_eth_tx_burst(own->port_id, own->queue_id, mbuf, (uint16_t)count);
	rte_pktmbuf_free_bulk(mbuf + sent, count - sent);
	meridian_stats_add(&own->from_kernel, sent);
	meridian_stats_add(&own->unsent, count - sent);
}

static unsigned int ethdev_receive_sending(
	struct port_queue *queue, struct port_packet packet[PORT_BURST])
{
	kernel_transmit(ethdev(queue));
	return ethdev(queue)->receive(queue, packet);
}

static unsigned int ethdev_punt(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	PORT_MBUF_UNSET struct rte_mbuf *mbuf[PORT_BURST];
	struct ethdev_queue *own = ethdev(queue);

	answers_note(own, packet, count);
	for (unsigned int i = 0; i < count; i++) {
		mbuf[i] = packet[i].buffer;
		queue->scattered_octets += mbuf[i]->nb_segs > 1 ? mbuf[i]->pkt_len : 0;
	}
	return punt_to_kernel(own->punt, &own->punted, mbuf, count);
}

static const struct port_operations ethdev_operations = {
	.receive = ethdev_receive,
	.transmit = ethdev_transmit,
	.release = port_mbuf_release,
};

void ethdev_queue_init(struct ethdev_queue *queue, uint16_t port_id, uint16_t queue_id)
{
	*queue = (struct ethdev_queue){.base.operations = &queue->operations,
		.operations = ethdev_operations,
		.base.stamp_clock = CLOCK_MONOTONIC,
		.base.stamp_source = MERIDIAN_STAMP_counter,
		.port_id = port_id,
		.queue_id = queue_id};
}

void ethdev_queue_stamp(struct ethdev_queue *queue, enum meridian_stamp source)
{
	if (source == MERIDIAN_STAMP_nic) {
		queue->operations.receive = ethdev_receive_device_stamped;
		return;
	}
	queue->operations.receive = ethdev_receive_stamped;
	queue->base.stamp_source = source;
}

void ethdev_queue_sample(struct ethdev_queue *queue, struct port_transmit *transmit)
{
	queue->base.transmit = transmit;
	queue->operations.transmit = ethdev_transmit_sampled;
}

void ethdev_queue_time(
	struct ethdev_queue *queue, struct port_transmit *transmit, int offset, uint64_t flag)
{
	queue->base.transmit = transmit;
	queue->time_offset = offset;
	queue->time_flag = flag;
	queue->operations.transmit = ethdev_transmit_timed;
}

void ethdev_queue_punt(struct ethdev_queue *queue, struct punt *punt, bool sends)
{
	queue->punt = punt;
	queue->operations.punt = ethdev_punt;
	if (!sends)
		return;
	queue->receive = queue->operations.receive;
	queue->operations.receive = ethdev_receive_sending;
}

void ethdev_queue_note(struct ethdev_queue *queue, struct wire_stamps *wire)
{
	queue->wire = wire;
}

void ethdev_queue_watch(struct ethdev_queue *queue)
{
	if (port_watch_possible(queue->port_id, queue->queue_id))
		queue->operations.watch = ethdev_watch;
}
