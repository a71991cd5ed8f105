/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_stamps.h"

#define FCS_SIZE 4

/* The counter `ns` (of either sign) later; not after `most`. */
static uint64_t later(const struct device_line *line, uint64_t counter, int64_t ns, uint64_t most)
{
	int64_t ticks = ns * (int64_t)line->delivery_ticks / (int64_t)DEVICE_LINE_DELIVERY_NS;
	uint64_t result = counter + (uint64_t)ticks;

	return result < most ? result : most;
}

/* NICs stamp the begin of a frame; that a packet was received means its end, checksum included. */
static int32_t trailer_ns(const struct port_queue *queue, const struct port_packet *packet)
{
	uint64_t octet_ps = __atomic_load_n(&queue->octet_ps, __ATOMIC_RELAXED);

	return (int32_t)((packet->length + FCS_SIZE) * octet_ps / 1000);
}

static void fault(
	struct port_stamps *stamps, struct port_packet *packet, enum meridian_fault reason)
{
	packet->has_stamp = false;
	meridian_stats_add(&stamps->fault[reason], 1);
}

static void believe(
	struct port_queue *queue, const struct device_line_span *span, struct port_packet *packet)
{
	enum meridian_fault reason = device_line_counter(
		&queue->stamps.line.line, span, packet->stamp_device, &packet->stamp_counter);

	if (reason != MERIDIAN_FAULT_COUNT) {
		fault(&queue->stamps, packet, reason);
		return;
	}
	packet->stamp_counter = later(&queue->stamps.line.line, packet->stamp_counter,
		trailer_ns(queue, packet) - queue->rxcomp_ns, span->now_counter);
	meridian_stats_add(&queue->stamps.believed, 1);
}

uint64_t port_stamps_judge(struct port_queue *queue, struct port_packet *packet, unsigned int count,
	uint64_t now_counter)
{
	struct port_stamps *stamps = &queue->stamps;
	struct device_line_span span;
	uint64_t error_ns, believed = stamps->believed;

	device_line_take(&stamps->line, queue->device_line);
	error_ns = device_line_error_ns(&stamps->line.line, now_counter);
	if (error_ns != UINT64_MAX)
		span = device_line_span(&stamps->line.line, now_counter, stamps->empty_counter);
	for (unsigned int i = 0; i < count; i++) {
		if (!packet[i].has_stamp)
			continue;
		if (error_ns == UINT64_MAX || stamps->empty_counter == 0)
			fault(stamps, &packet[i], MERIDIAN_FAULT_clock);
		else
			believe(queue, &span, &packet[i]);
	}
	return stamps->believed > believed ? error_ns : 0;
}
