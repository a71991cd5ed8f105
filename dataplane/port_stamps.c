/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_stamps.h"

#define FCS_SIZE 4

/* What takes longer was no delivery. */
#define DELIVERY_COUNTED_NS (INT64_C(1) << MERIDIAN_RESIDENCE_MAX_LOG2)

/* The counter `ns` (of either sign) later; not after `most`. */
static uint64_t later(const struct device_line *line, uint64_t counter, int64_t ns, uint64_t most)
{
	uint64_t result = counter + (uint64_t)device_line_ticks(line, ns);

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
	packet->has_device_stamp = false;
	meridian_stats_add(&stamps->fault[reason], 1);
}

/* How long deliveries take, also those that are not believed: for who sets the limit. */
static void delivery_count(
	struct port_stamps *stamps, const struct device_line *line, int64_t ticks)
{
	int64_t ns = ticks > 0 ? device_line_ns(line, ticks) : 0;

	if (ns < DELIVERY_COUNTED_NS)
		meridian_stats_add(&stamps->delivery[meridian_residence_bucket((uint64_t)ns)], 1);
}

/* Whether the device can have stamped at `counter` what the kernel stamped at `kernel_counter`. */
static enum meridian_fault compare(
	struct port_queue *queue, uint64_t counter, uint64_t kernel_counter)
{
	const struct device_line *line = &queue->stamps.line.line;
	int64_t earlier = (int64_t)(kernel_counter - counter);
	int64_t ahead_max = (int64_t)line->ahead_max_ticks;

	if (earlier < -ahead_max)
		return MERIDIAN_FAULT_future;
	delivery_count(&queue->stamps, line, earlier);
	if (earlier > device_line_ticks(line, queue->delivery_ns) + ahead_max)
		return MERIDIAN_FAULT_early;
	return MERIDIAN_FAULT_COUNT;
}

/* Fills in the packet's counter value, unless a reason not to believe it is returned. */
static enum meridian_fault place(struct port_queue *queue, const struct device_line_span *span,
	struct port_packet *packet, uint64_t kernel_counter)
{
	const struct device_line *line = &queue->stamps.line.line;
	uint64_t counter;
	enum meridian_fault reason =
		device_line_counter(line, span, packet->stamp_device, &counter);

	if (reason == MERIDIAN_FAULT_COUNT && packet->has_stamp)
		reason = compare(queue, counter, kernel_counter);
	if (reason == MERIDIAN_FAULT_COUNT)
		packet->stamp_counter = later(line, counter,
			trailer_ns(queue, packet) - queue->rxcomp_ns, kernel_counter);
	return reason;
}

static void believe(struct port_queue *queue, const struct device_line_span *span,
	struct port_packet *packet, const struct stamp_clock *now)
{
	uint64_t kernel_counter = now->counter;
	enum meridian_fault reason = MERIDIAN_FAULT_early;

	if (packet->has_stamp && now->ticks_per_ns_frac32 == 0) /* before the first model */
		reason = MERIDIAN_FAULT_clock;
	else if (!packet->has_stamp || stamp_counter(now, packet->stamp_ns, &kernel_counter))
		reason = place(queue, span, packet, kernel_counter);
	if (reason == MERIDIAN_FAULT_COUNT)
		meridian_stats_add(&queue->stamps.believed, 1);
	else
		fault(&queue->stamps, packet, reason);
}

uint64_t port_stamps_judge(struct port_queue *queue, struct port_packet *packet, unsigned int count,
	const struct stamp_clock *now)
{
	struct port_stamps *stamps = &queue->stamps;
	struct device_line_span span;
	uint64_t error_ns, believed = stamps->believed;

	device_line_take(&stamps->line, queue->device_line);
	error_ns = device_line_error_ns(&stamps->line.line, now->counter);
	if (error_ns != UINT64_MAX)
		span = device_line_span(&stamps->line.line, now->counter,
			stamps->empty_counter -
				(uint64_t)device_line_ticks(
					&stamps->line.line, queue->delivery_ns));
	for (unsigned int i = 0; i < count; i++) {
		if (!packet[i].has_device_stamp)
			fault(stamps, &packet[i], MERIDIAN_FAULT_absent);
		else if (error_ns == UINT64_MAX || stamps->empty_counter == 0)
			fault(stamps, &packet[i], MERIDIAN_FAULT_clock);
		else
			believe(queue, &span, &packet[i], now);
	}
	return stamps->believed > believed ? error_ns : 0;
}

void port_deliveries_add(struct port_deliveries *deliveries, const struct port_queue *queue)
{
	for (unsigned int i = 0; i < MERIDIAN_RESIDENCE_BUCKETS; i++) {
		uint64_t count = meridian_stats_get(&queue->stamps.delivery[i]);

		deliveries->count[i] += count;
		deliveries->all += count;
	}
}

uint64_t port_deliveries_most_ns(const struct port_deliveries *deliveries, unsigned int percent)
{
	uint64_t seen = 0, wanted = (deliveries->all * percent + 99) / 100;
	unsigned int bucket = 0;

	if (deliveries->all == 0)
		return 0;
	while (bucket < MERIDIAN_RESIDENCE_BUCKETS - 1 &&
		(seen += deliveries->count[bucket]) < wanted)
		bucket++;
	return meridian_residence_floor_ns(bucket + 1);
}
