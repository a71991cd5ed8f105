/* SPDX-License-Identifier: BSD-3-Clause */
#include "recycle_port.h"
#include <errno.h>
#include <meridian/counter.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(RECYCLE_SLOTS % PORT_BURST == 0, "bursts are whole");

static unsigned int recycle_receive(struct port_queue *queue, struct port_packet packet[PORT_BURST])
{
	struct recycle_port *port = (struct recycle_port *)queue;
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);

	for (unsigned int i = 0; i < PORT_BURST; i++) {
		struct recycle_slot *slot = &port->slot[port->next + i];

		packet[i] = (struct port_packet){.buffer = slot,
			.data = slot->data,
			.length = port->length,
			.has_stamp = true,
			.stamp_ns = now_ns};
	}
	port->next = (port->next + PORT_BURST) % RECYCLE_SLOTS;
	return PORT_BURST;
}

/* Requests are longer than one line and shorter than two. */
static void rewrite(struct recycle_port *port, struct recycle_slot *slot)
{
	*slot = port->request[slot - port->slot];
}

static unsigned int recycle_transmit(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	struct recycle_port *port = (struct recycle_port *)queue;

	for (unsigned int i = 0; i < count; i++) {
		port->lost += packet[i].length != port->length;
		rewrite(port, packet[i].buffer);
	}
	return count;
}

static void recycle_release(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	struct recycle_port *port = (struct recycle_port *)queue;

	port->lost += count;
	for (unsigned int i = 0; i < count; i++)
		rewrite(port, packet[i].buffer);
}

static const struct port_operations recycle_operations = {
	.receive = recycle_receive,
	.transmit = recycle_transmit,
	.release = recycle_release,
};

static void request_make(
	struct recycle_slot *slot, uint32_t *ret_length, uint32_t client, bool ipv6)
{
	uint8_t payload[PKT_NTP_SIZE];
	struct pkt pkt;
	unsigned int at;

	pkt_ntp(payload, 0x23, client + 1);
	pkt_build(&pkt, (struct pkt_spec){.ipv6 = ipv6}, payload, sizeof(payload));
	at = pkt.ip + (ipv6 ? 8 + 6 : 12 + 2); /* the subnet, or the host of 10.0.0.0/8 */
	if (!ipv6)
		pkt.data[pkt.ip + 12] = 10;
	pkt.data[at] = (uint8_t)(client >> 8);
	pkt.data[at + 1] = (uint8_t)client;
	pkt_checksum(&pkt);
	memcpy(slot->data, pkt.data, sizeof(slot->data));
	*ret_length = pkt.length;
}

int recycle_port_init(struct recycle_port *port, bool ipv6)
{
	const size_t size = RECYCLE_SLOTS * sizeof(struct recycle_slot);

	memset(port, 0, sizeof(*port));
	port->slot = aligned_alloc(64, size);
	port->request = aligned_alloc(64, size);
	if (port->slot == NULL || port->request == NULL) {
		recycle_port_fini(port);
		return -ENOMEM;
	}
	port->base.operations = &recycle_operations;
	port->base.stamp_clock = CLOCK_MONOTONIC;
	port->base.stamp_source = MERIDIAN_STAMP_nic;
	memcpy(port->base.mac, pkt_server_mac, sizeof(port->base.mac));
	for (uint32_t i = 0; i < RECYCLE_SLOTS; i++)
		request_make(&port->request[i], &port->length, i, ipv6);
	memcpy(port->slot, port->request, size);
	return 0;
}

void recycle_port_fini(struct recycle_port *port)
{
	free(port->slot);
	free(port->request);
	port->slot = port->request = NULL;
}
