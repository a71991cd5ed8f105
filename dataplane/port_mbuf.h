/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_MBUF_H
#define DATAPLANE_PORT_MBUF_H

/* What ports on DPDK devices have in common: packets to and from DPDK's packet buffers. */

#include "port.h"
#include <rte_ethdev.h>
#include <rte_mbuf.h>

/* For an array that is written before it is read: the build zeroes every other variable, which
 * would cost a burst's arrays more than filling them. */
#define PORT_MBUF_UNSET __attribute__((uninitialized))

/* Fills what the buffer itself says. The caller adds checksum_good and the stamp. */
static inline void port_mbuf_describe(struct port_packet *packet, struct rte_mbuf *mbuf)
{
	packet->buffer = mbuf;
	packet->data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	packet->length = mbuf->nb_segs == 1 ? mbuf->data_len : 0;
}

/* port_operations.transmit on a queue of a device. */
static inline unsigned int port_mbuf_transmit(
	uint16_t port_id, uint16_t queue_id, const struct port_packet *packet, unsigned int count)
{
	PORT_MBUF_UNSET struct rte_mbuf *mbuf[PORT_BURST];

	for (unsigned int i = 0; i < count; i++) {
		mbuf[i] = packet[i].buffer;
		mbuf[i]->data_len = (uint16_t)packet[i].length;
		mbuf[i]->pkt_len = packet[i].length;
	}
	return rte_eth_tx_burst(port_id, queue_id, mbuf, (uint16_t)count);
}

/* port_operations.release. */
static inline void port_mbuf_release(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	PORT_MBUF_UNSET struct rte_mbuf *mbuf[PORT_BURST];

	(void)queue;
	for (unsigned int i = 0; i < count; i++)
		mbuf[i] = packet[i].buffer;
	rte_pktmbuf_free_bulk(mbuf, count);
}

#endif
