/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_stamps.h"
#include "worker_bench.h"
#include <meridian/counter.h>

#define DEVICE_TICK_NS  8
#define DEVICE_ERROR_NS 123000
#define DELIVERY_NS     250000

/* A device that counts 8 ns in 32 bits, which wrap right after `counter`; known for 0.1 s. */
static void line_publish(struct device_line_shared *shared, uint64_t counter)
{
	struct device_line line = {.counter = counter,
		.device = UINT32_MAX,
		.counter_ticks_frac32 = (uint64_t)DEVICE_TICK_NS << 32,
		.device_ticks_frac32 = (UINT64_C(1) << 32) / DEVICE_TICK_NS,
		.fresh_until_counter = counter + 3600 * UINT64_C(1000000000),
		.until_counter = counter + 3600 * UINT64_C(1000000000),
		.error_ns = DEVICE_ERROR_NS,
		.ahead_max_ticks = DEVICE_ERROR_NS,
		.counter_hz = 1000000000,
		.ns_per_tick_frac32 = UINT64_C(1) << 32,
		.bits = 32};

	device_line_publish(shared, &line);
}

/* A ring whose device stamps: packets of 20 and 10 ms ago, of the future, and of before the queue
 * was seen empty, 50 ms ago. Returns the counter. */
static uint64_t device_stamps(struct setup *setup, struct device_line_shared *shared)
{
	static const int64_t ages_ns[] = {20000000, 10000000, -1000000000, 51000000};
	uint64_t now = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);

	setup->ring.base.device_line = shared;
	setup->ring.base.delivery_ns = DELIVERY_NS;
	setup->ring.base.stamp_source = MERIDIAN_STAMP_counter;
	setup->ring.base.stamps.empty_counter = now - 50000000;
	setup->ring.count = sizeof(ages_ns) / sizeof(ages_ns[0]);
	for (unsigned int i = 0; i < setup->ring.count; i++)
		setup->ring.stamp_device[i] = UINT32_MAX - (uint64_t)(ages_ns[i] / DEVICE_TICK_NS);
	return now;
}

/* T2 is what the device's line says, its error is told, and where a stamp cannot be true, software
 * stamps in its place. Frames have an end and a checksum, 94 octets of 80 ns, and rxcomp. */
static void converts_the_stamps_of_a_device(void **state)
{
	static struct device_line_shared shared;
	struct setup *setup = *state;
	const int64_t later_ns = 94 * 80 - 700;
	uint64_t now = device_stamps(setup, &shared);

	line_publish(&shared, now);
	setup->ring.base.octet_ps = 80000;
	setup->ring.base.rxcomp_ns = 700;
	setup->ring.base.transmit_delay_ns = 5000000;
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_nic], 2);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_counter], 2);
	assert_int_equal(setup->ring.base.stamps.believed, 2);
	assert_true(setup->ring.base.stamps.empty_counter >= now); /* since it was drained */
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_future], 1);
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_early], 1);
	for (unsigned int i = 0; i < 4; i++) {
		const uint8_t *reply = setup->ring.packet[i].data + setup->ring.packet[i].payload;
		uint64_t apart = pkt_u64(reply + 40) - pkt_u64(reply + 32);
		int64_t offset_ns = bench_receive_offset_ns(&setup->model, reply, now);

		assert_true(bench_told_error_ns(&setup->model, reply) >= DEVICE_ERROR_NS);
		assert_true((apart * 1000000000 >> 32) >= (i < 2 ? 15000000 : 5000000));
		if (i == 0)
			assert_in_range(offset_ns + 20000000 - later_ns + 600, 0, 1200);
		else if (i == 1)
			assert_in_range(offset_ns + 10000000 - later_ns + 600, 0, 1200);
		else
			assert_true(offset_ns >= 0);
	}
}

/* What a nap hides is no error of packets that the device has stamped. */
static void tells_of_no_nap_where_all_are_stamped(void **state)
{
	static struct device_line_shared shared;
	struct setup *setup = *state;
	uint64_t now = device_stamps(setup, &shared);

	line_publish(&shared, now);
	setup->ring.count = 2; /* whose stamps are believed */
	setup->worker.empty_counter = now - 30000000;
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_nic], 2);
	for (unsigned int i = 0; i < 2; i++) {
		const uint8_t *reply = setup->ring.packet[i].data + setup->ring.packet[i].payload;

		assert_in_range(
			bench_told_error_ns(&setup->model, reply), DEVICE_ERROR_NS, 1000000);
	}
}

/* Not known (yet, or any more): software stamps all. */
static void does_without_the_clock_of_a_device(void **state)
{
	static struct device_line_shared shared;
	struct setup *setup = *state;

	device_stamps(setup, &shared);
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_counter], 4);
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_clock], 4);
	assert_int_equal(setup->ring.base.stamps.believed, 0);
}

/* Of an interface: its packets have the kernel's stamps, too, `kernel_ns` ago, and what the NIC
 * says of them is `nic_ns` ago; 0: nothing. */
struct both {
	int64_t nic_ns, kernel_ns;
	enum meridian_fault fault; /* expected */
};

static const struct both both[] = {
	{20030000, 20000000, MERIDIAN_FAULT_COUNT},
	{10000000 + 240000, 10000000, MERIDIAN_FAULT_COUNT},
	{19000000, 20000000, MERIDIAN_FAULT_future},
	{10000000 + 600000, 10000000, MERIDIAN_FAULT_early},
	{0, 15000000, MERIDIAN_FAULT_absent},
	{-60000000, 5000000, MERIDIAN_FAULT_future},
};

#define BOTH (sizeof(both) / sizeof(both[0]))

static uint64_t both_stamps(struct setup *setup, struct device_line_shared *shared)
{
	uint64_t now = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);

	setup->ring.base.device_line = shared;
	setup->ring.base.delivery_ns = DELIVERY_NS;
	setup->ring.base.stamps.empty_counter = now - 50000000;
	setup->ring.count = BOTH;
	for (unsigned int i = 0; i < BOTH; i++) {
		setup->ring.stamp_ns[i] = now_ns - (uint64_t)both[i].kernel_ns;
		if (both[i].nic_ns != 0)
			setup->ring.stamp_device[i] =
				UINT32_MAX - (uint64_t)(both[i].nic_ns / DEVICE_TICK_NS);
	}
	return now;
}

/* The NIC's stamps where they agree with the kernel's, which come later, and else the kernel's;
 * each is counted. */
static void falls_back_to_the_stamps_of_the_kernel(void **state)
{
	static struct device_line_shared shared;
	struct setup *setup = *state;
	uint64_t now = both_stamps(setup, &shared);

	line_publish(&shared, now);
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_nic], 2);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_xdp], BOTH - 2);
	assert_int_equal(setup->ring.base.stamps.believed, 2);
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_future], 2);
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_early], 1);
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_absent], 1);
	for (unsigned int i = 0; i < BOTH; i++) {
		const uint8_t *reply = setup->ring.packet[i].data + setup->ring.packet[i].payload;
		int64_t offset_ns = bench_receive_offset_ns(&setup->model, reply, now);
		bool by_nic = both[i].fault == MERIDIAN_FAULT_COUNT;

		/* The kernel's clock was read after the counter, and may be slewed. */
		assert_in_range(offset_ns + (by_nic ? both[i].nic_ns : both[i].kernel_ns) + 100000,
			0, 200000);
	}
}

static unsigned int deliveries_from(const struct setup *setup, uint64_t ns)
{
	unsigned int count = 0;

	for (unsigned int i = meridian_residence_bucket(ns); i < MERIDIAN_RESIDENCE_BUCKETS; i++)
		count += (unsigned int)setup->ring.base.stamps.delivery[i];
	return count;
}

/* What a NIC that waits with its interrupts needs: how long is counted, so that it can be told.
 * What another stamp than a packet's own may be is not. */
static void believes_late_deliveries_where_told(void **state)
{
	static struct device_line_shared shared;
	struct setup *setup = *state;
	struct port_deliveries deliveries = {.all = 0};
	uint64_t now = both_stamps(setup, &shared);

	line_publish(&shared, now);
	setup->ring.base.delivery_ns = 700000;
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->ring.base.stamps.believed, 3);
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_early], 0);
	assert_int_equal(deliveries_from(setup, 0), 3);
	assert_int_equal(deliveries_from(setup, 150000), 2);
	assert_int_equal(deliveries_from(setup, 500000), 1);
	assert_int_equal(deliveries_from(setup, 800000), 0);
	assert_int_equal(port_deliveries_most_ns(&deliveries, 99), 0);
	port_deliveries_add(&deliveries, &setup->ring.base);
	assert_int_equal(deliveries.all, 3);
	assert_in_range(port_deliveries_most_ns(&deliveries, 50), 200000, 350000);
	assert_in_range(port_deliveries_most_ns(&deliveries, 99), 550000, 750000);
}

/* The queue was seen empty that long before: a packet without a stamp of the kernel can be as old
 * as that and a delivery more. */
static void limits_deliveries_of_a_polled_device(void **state)
{
	static struct device_line_shared shared;
	struct setup *setup = *state;
	uint64_t now = device_stamps(setup, &shared);

	line_publish(&shared, now);
	setup->ring.base.delivery_ns = 5000000;
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	assert_int_equal(setup->ring.base.stamps.believed, 3);
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_early], 0);
	assert_int_equal(deliveries_from(setup, 0), 0); /* how long it took is not known */
}

/* Whatever the NIC says, as long as nobody knows its clock. */
static void stamps_by_the_kernel_without_the_clock(void **state)
{
	static struct device_line_shared shared;
	struct setup *setup = *state;

	both_stamps(setup, &shared);
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_xdp], BOTH);
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_clock], BOTH - 1);
	assert_int_equal(setup->ring.base.stamps.fault[MERIDIAN_FAULT_absent], 1);
}

/* A program that gives the NIC's stamps along to a queue which does not ask for them. */
static void leaves_stamps_alone_that_nobody_wants(void **state)
{
	static struct device_line_shared shared;
	struct setup *setup = *state;

	both_stamps(setup, &shared);
	setup->ring.base.device_line = NULL;
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_xdp], BOTH);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_stale], 0);
}

#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER_TEST(converts_the_stamps_of_a_device),
		WORKER_TEST(tells_of_no_nap_where_all_are_stamped),
		WORKER_TEST(does_without_the_clock_of_a_device),
		WORKER_TEST(falls_back_to_the_stamps_of_the_kernel),
		WORKER_TEST(believes_late_deliveries_where_told),
		WORKER_TEST(limits_deliveries_of_a_polled_device),
		WORKER_TEST(stamps_by_the_kernel_without_the_clock),
		WORKER_TEST(leaves_stamps_alone_that_nobody_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
