/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring_port.h"
#include <errno.h>
#include <prefetch.h>
#include <string.h>
#include <table_memory.h>

#define PREFETCH_AHEAD 48 /* slots: enough transfers at a time to hide how long each takes */

/* Both lines will be written: they are fetched to be owned. */
static void slot_prefetch(const struct ring_port *ring, uint64_t index)
{
	const uint8_t *line = (const uint8_t *)ring_slot(ring, index);

	prefetch_write(line);
	prefetch_write(line + 64);
}

static unsigned int ring_receive(struct port_queue *queue, struct port_packet packet[PORT_BURST])
{
	struct ring_port *ring = (struct ring_port *)queue;
	uint64_t room;

	if (ring->known - ring->taken < PORT_BURST + PREFETCH_AHEAD)
		ring->known = __atomic_load_n(&ring->filled, __ATOMIC_ACQUIRE);
	room = ring->known - ring->taken;
	if (room > PORT_BURST)
		room = PORT_BURST;
	for (uint64_t i = 0; i < room; i++) {
		struct ring_slot *slot = ring_slot(ring, ring->taken + i);

		if (ring->taken + i + PREFETCH_AHEAD < ring->known)
			slot_prefetch(ring, ring->taken + i + PREFETCH_AHEAD);
		packet[i] = (struct port_packet){.buffer = slot,
			.data = slot->data,
			.length = slot->length,
			.has_stamp = true,
			.stamp_ns = slot->stamp_ns};
	}
	ring->taken += room;
	ring->on_loan += (unsigned int)room;
	return (unsigned int)room;
}

/* Once the whole burst is done with, the generator may have it. */
static void hand_back(struct ring_port *ring, unsigned int count)
{
	ring->on_loan -= count;
	if (ring->on_loan == 0)
		__atomic_store_n(&ring->returned, ring->taken, __ATOMIC_RELEASE);
}

static unsigned int ring_transmit(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		((struct ring_slot *)packet[i].buffer)->length = (uint8_t)packet[i].length;
	hand_back((struct ring_port *)queue, count);
	return count;
}

static void ring_release(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		((struct ring_slot *)packet[i].buffer)->length = 0;
	hand_back((struct ring_port *)queue, count);
}

static const struct port_operations ring_operations = {
	.receive = ring_receive,
	.transmit = ring_transmit,
	.release = ring_release,
};

int ring_port_init(struct ring_port *ring, const uint8_t mac[6])
{
	memset(ring, 0, sizeof(*ring));
	ring->slot = table_memory_new(RING_SLOTS * sizeof(*ring->slot));
	if (ring->slot == NULL)
		return -ENOMEM;
	ring->base.operations = &ring_operations;
	ring->base.stamp_clock = CLOCK_MONOTONIC;
	ring->base.stamp_source = MERIDIAN_STAMP_nic;
	memcpy(ring->base.mac, mac, sizeof(ring->base.mac));
	return 0;
}

void ring_port_fini(struct ring_port *ring)
{
	table_memory_free(ring->slot, RING_SLOTS * sizeof(*ring->slot));
	ring->slot = NULL;
}
