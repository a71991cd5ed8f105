/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_bench.h"
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static unsigned int ring_receive(struct port_queue *queue, struct port_packet packet[PORT_BURST])
{
	struct ring *ring = (struct ring *)queue;
	unsigned int count = 0;

	const unsigned int end = __atomic_load_n(&ring->count, __ATOMIC_ACQUIRE);

	for (; count < PORT_BURST && ring->next < end; count++, ring->next++) {
		struct pkt *pkt = &ring->packet[ring->next];

		packet[count] = (struct port_packet){.buffer = pkt,
			.data = pkt->data,
			.length = pkt->length,
			.has_stamp = ring->stamp_ns[ring->next] != 0,
			.stamp_ns = ring->stamp_ns[ring->next],
			.has_device_stamp = ring->stamp_device[ring->next] != 0,
			.stamp_device = ring->stamp_device[ring->next]};
	}
	return count;
}

static void ring_take_back(struct ring *ring, const struct port_packet *packet, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		ring->returned[(struct pkt *)packet[i].buffer - ring->packet]++;
}

static unsigned int ring_transmit(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	struct ring *ring = (struct ring *)queue;
	uint64_t end_ns = meridian_clock_ns(CLOCK_MONOTONIC_RAW) + ring->transmit_ns;

	while (meridian_clock_ns(CLOCK_MONOTONIC_RAW) < end_ns)
		;
	if (count > ring->accept - ring->transmitted)
		count = ring->accept - ring->transmitted;
	ring_take_back(ring, packet, count);
	ring->transmitted += count;
	return count;
}

static void ring_release(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	ring_take_back((struct ring *)queue, packet, count);
}

unsigned int bench_punt(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	struct ring *ring = (struct ring *)queue;

	ring_take_back(ring, packet, count);
	if (count > ring->kernel_room - ring->punted)
		count = ring->kernel_room - ring->punted;
	for (unsigned int i = 0; i < count; i++)
		ring->arrival[ring->punted + i] = packet[i].stamp_counter;
	ring->punted += count;
	return count;
}

const struct port_operations bench_operations = {
	.receive = ring_receive, .transmit = ring_transmit, .release = ring_release};

/* Requests, every tenth of which is cut short and so not answered. */
static void ring_init(struct ring *ring, unsigned int count)
{
	uint8_t payload[PKT_NTP_SIZE];

	memset(ring, 0, sizeof(*ring));
	ring->base.operations = &bench_operations;
	ring->base.stamp_clock = CLOCK_MONOTONIC;
	ring->base.stamp_source = MERIDIAN_STAMP_xdp;
	memcpy(ring->base.mac, pkt_server_mac, sizeof(ring->base.mac));
	ring->count = count;
	ring->accept = count;
	for (unsigned int i = 0; i < count; i++) {
		pkt_ntp(payload, 0x23, i);
		pkt_build(&ring->packet[i], (struct pkt_spec){0}, payload, sizeof(payload));
		if (i % 10 == 9)
			ring->packet[i].length = 20;
	}
}

/* A page with a valid model of the counter CLOCK_MONOTONIC_RAW. */
void bench_model_publish(struct meridian_timemodel *page)
{
	struct meridian_timemodel_data model = fixture_model();

	model.counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW;
	model.counter_hz = 1000000000;
	model.line.counter = meridian_counter_read(model.counter_id);
	model.line.period_frac64 = UINT64_MAX / model.counter_hz;
	model.period_shift = 0;
	model.slew = model.line;
	model.published_counter = model.line.counter;
	model.valid_until_counter = model.line.counter + 3600 * model.counter_hz;
	meridian_timemodel_write(page, &model);
}

void *bench_thread_run(void *argument)
{
	worker_run(argument);
	return NULL;
}

int bench_setup(void **state)
{
	struct setup *setup = aligned_alloc(64, (sizeof(*setup) + 63) / 64 * 64);

	assert_non_null(setup);
	memset(setup, 0, sizeof(*setup));
	ring_init(&setup->ring, PACKETS);
	setup->policy = fixture_policy();
	setup->view = (struct server_view){.policy = setup->policy,
		.model = &setup->model,
		.counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW};
	assert_int_equal(worker_init(&setup->worker, &setup->slot, 3, &setup->view), 0);
	worker_add(&setup->worker, &setup->ring.base);
	*state = setup;
	return 0;
}

int bench_teardown(void **state)
{
	struct setup *setup = *state;

	worker_fini(&setup->worker);
	assert_int_equal(setup->slot.state, MERIDIAN_WORKER_ABSENT);
	responder_policy_free(setup->policy);
	free(setup);
	return 0;
}

void bench_start(struct setup *setup)
{
	assert_int_equal(setup->slot.state, MERIDIAN_WORKER_STARTING);
	assert_int_equal(pthread_create(&setup->thread, NULL, bench_thread_run, &setup->worker), 0);
}

/* Lets the worker finish what its ring holds, then ends it. */
void bench_drain(struct setup *setup)
{
	worker_set_phase(&setup->worker, WORKER_DRAIN);
	while (meridian_stats_get(&setup->slot.rx_packets) < setup->ring.count)
		sched_yield();
	worker_set_phase(&setup->worker, WORKER_STOP);
	pthread_join(setup->thread, NULL);
	assert_int_equal(setup->slot.state, MERIDIAN_WORKER_STOPPING);
}

/* Each packet went back to its port once and has one verdict. */
void bench_check_accounts(const struct setup *setup)
{
	uint64_t verdicts = 0;

	for (unsigned int i = 0; i < setup->ring.count; i++)
		assert_int_equal(setup->ring.returned[i], 1);
	for (unsigned int i = 0; i < MERIDIAN_VERDICT_COUNT; i++)
		verdicts += setup->slot.verdict[i];
	assert_int_equal(setup->slot.rx_packets, setup->ring.count);
	assert_int_equal(verdicts, setup->ring.count);
	assert_int_equal(setup->slot.tx_packets, setup->ring.transmitted);
}

/* In ns, of the model's root dispersion and of what a reply tells beyond it. */
uint64_t bench_told_error_ns(const struct meridian_timemodel *page, const uint8_t *reply)
{
	struct meridian_timemodel_data model;
	uint32_t dispersion = (uint32_t)pkt_u64(reply + 4);

	assert_int_equal(meridian_timemodel_read(page, &model), 0);
	return ((uint64_t)dispersion * 1000000000 >> 16) - model.root_dispersion_ns;
}

/* T2 of a reply minus `counter`, in ns. */
int64_t bench_receive_offset_ns(
	const struct meridian_timemodel *page, const uint8_t *reply, uint64_t counter)
{
	struct meridian_timemodel_data model;
	struct meridian_utc utc;
	int64_t offset;

	assert_int_equal(meridian_timemodel_read(page, &model), 0);
	utc = meridian_timemodel_utc(&model, counter);
	offset = (int64_t)(pkt_u64(reply + 32) -
		(((uint64_t)utc.s + MERIDIAN_NTP_UNIX_OFFSET_S) << 32 | utc.frac64 >> 32));
	return (int64_t)((double)offset * 1e9 / 4294967296.0);
}
