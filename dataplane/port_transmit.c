/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_transmit.h"
#include "port.h"

#define WIRE_OVERHEAD 24 /* preamble, checksum and gap, in octets */

/* The packets of a burst are of about one length, and leave one after the other. */
static uint32_t burst_ns(const struct port_queue *queue, unsigned int count, uint32_t length)
{
	uint64_t octet_ps = __atomic_load_n(&queue->octet_ps, __ATOMIC_RELAXED);

	return (uint32_t)((count - 1) * (length + WIRE_OVERHEAD) * octet_ps / 1000);
}

struct port_way port_transmit_prepare(
	struct port_queue *queue, unsigned int count, uint32_t length, uint64_t now_counter)
{
	const struct port_transmit *transmit = queue->transmit;
	uint64_t error_ns = UINT64_MAX;

	if (transmit->line != NULL) {
		device_line_take(&queue->transmit_line, transmit->line);
		error_ns = device_line_error_ns(&queue->transmit_line.line, now_counter);
	}
	queue->timed = error_ns != UINT64_MAX;
	if (queue->timed)
		return (struct port_way){.delay_ns = (int32_t)transmit->ahead_ns,
			.error_ns = (int32_t)(error_ns + 1 + burst_ns(queue, count, length))};
	if (queue->transmit_delay_ns != 0)
		return (struct port_way){.delay_ns = queue->transmit_delay_ns};
	return port_transmit_way(transmit);
}

uint64_t port_transmit_device_time(const struct port_queue *queue)
{
	const struct device_line *line = &queue->transmit_line.line;
	int64_t ahead_ticks = device_line_ticks(line, queue->transmit->ahead_ns);

	return device_line_device(line, queue->handed_counter + (uint64_t)ahead_ticks);
}
