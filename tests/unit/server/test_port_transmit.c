/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_bench.h"

/* Serves by what was measured, `measured`, and by what was set by hand. Returns T3 minus the time
 * of its handing over, in ns, of the last burst, and what the reply to the first tells of its
 * error. */
static int64_t served_after_handing_over(struct setup *setup, struct port_transmit *measured,
	int32_t by_hand_ns, uint64_t *ret_error_ns)
{
	const uint8_t *reply = setup->ring.packet[0].data + setup->ring.packet[0].payload;

	setup->ring.base.transmit = measured;
	setup->ring.base.transmit_delay_ns = by_hand_ns;
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	*ret_error_ns = bench_told_error_ns(&setup->model, reply);
	assert_true(setup->ring.base.handed_counter == setup->worker.burst.handed_counter);
	return (int64_t)(setup->worker.burst.transmit_counter - setup->worker.burst.handed_counter);
}

/* T3 is when a reply is on the wire, as far as it was measured, and the bound says how far that is.
 */
static void serves_the_way_that_was_measured(void **state)
{
	struct port_transmit transmit = {.way = 0};
	uint64_t error_ns;
	int64_t apart_ns;

	port_transmit_publish(&transmit, (struct port_way){1234567, 700000});
	apart_ns = served_after_handing_over(*state, &transmit, 0, &error_ns);
	assert_in_range(apart_ns, 1234567 - 2, 1234567 + 2);
	assert_in_range(error_ns, 700000, 900000);
}

/* It may be less than nothing, within what the device's clock is off. */
static void serves_a_way_that_seems_negative(void **state)
{
	struct port_transmit transmit = {.way = 0};
	uint64_t error_ns;
	int64_t apart_ns;

	port_transmit_publish(&transmit, (struct port_way){-200, 700000});
	apart_ns = served_after_handing_over(*state, &transmit, 0, &error_ns);
	assert_in_range(apart_ns + 200 + 2, 0, 4);
	assert_true(error_ns >= 700000);
}

static void prefers_what_was_set_by_hand(void **state)
{
	struct port_transmit transmit = {.way = 0};
	uint64_t error_ns;
	int64_t apart_ns;

	port_transmit_publish(&transmit, (struct port_way){1234567, 700000});
	apart_ns = served_after_handing_over(*state, &transmit, 5000, &error_ns);
	assert_in_range(apart_ns, 5000 - 2, 5000 + 2);
	assert_in_range(error_ns, 0, 200000);
}

#define AHEAD_NS 7000000
#define ERROR_NS 300000

/* A device that sends at given times, by a clock whose line holds until `until_counter`. */
static void times(struct port_transmit *transmit, uint64_t until_counter)
{
	static struct device_line_shared shared;
	struct device_line line = {.counter = 1,
		.device = 1,
		.counter_ticks_frac32 = UINT64_C(1) << 32,
		.device_ticks_frac32 = UINT64_C(1) << 32,
		.fresh_until_counter = until_counter,
		.until_counter = until_counter,
		.error_ns = ERROR_NS,
		.late_error_ns = ERROR_NS,
		.counter_hz = 1000000000,
		.ns_per_tick_frac32 = UINT64_C(1) << 32,
		.bits = 64};

	device_line_publish(&shared, &line);
	*transmit = (struct port_transmit){.line = &shared, .ahead_ns = AHEAD_NS};
}

/* T3 is when the device will send; by hand is for when that cannot be told. */
static void serves_the_time_that_replies_are_sent_at(void **state)
{
	struct setup *setup = *state;
	struct port_transmit transmit;
	uint64_t error_ns;
	int64_t apart_ns;

	times(&transmit, UINT64_MAX);
	apart_ns = served_after_handing_over(setup, &transmit, 5000, &error_ns);
	assert_in_range(apart_ns, AHEAD_NS - 2, AHEAD_NS + 2);
	assert_in_range(error_ns, ERROR_NS, ERROR_NS + 200000);
	assert_true(setup->ring.base.timed);
	assert_in_range(port_transmit_device_time(&setup->ring.base) -
			setup->worker.burst.transmit_counter + 2,
		0, 4);
	assert_int_equal(setup->ring.base.late, 0);
}

static void sends_at_once_without_a_clock(void **state)
{
	struct setup *setup = *state;
	struct port_transmit transmit;
	uint64_t error_ns;
	int64_t apart_ns;

	times(&transmit, 2);
	apart_ns = served_after_handing_over(setup, &transmit, 5000, &error_ns);
	assert_in_range(apart_ns, 5000 - 2, 5000 + 2);
	assert_in_range(error_ns, 0, 200000);
	assert_false(setup->ring.base.timed);
}

/* Those behind the first of their burst leave later, by what is between them: 10 us an octet. */
static void tells_how_long_a_burst_takes(void **state)
{
	struct setup *setup = *state;
	struct port_transmit transmit;
	struct port_way way;

	times(&transmit, UINT64_MAX);
	setup->ring.base.transmit = &transmit;
	setup->ring.base.octet_ps = 10000000;
	way = port_transmit_prepare(&setup->ring.base, 3, 90, 100);
	assert_int_equal(way.delay_ns, AHEAD_NS);
	assert_int_equal(way.error_ns, ERROR_NS + 1 + 2 * (90 + 24) * 10000);
	way = port_transmit_prepare(&setup->ring.base, 1, 90, 100);
	assert_int_equal(way.error_ns, ERROR_NS + 1);
}

/* When the call that hands them over takes longer than what is left. */
static void counts_what_is_sent_too_late(void **state)
{
	struct setup *setup = *state;
	struct port_transmit transmit;
	uint64_t error_ns;

	times(&transmit, UINT64_MAX);
	transmit.ahead_ns = 1000;
	setup->ring.transmit_ns = 50000;
	served_after_handing_over(setup, &transmit, 0, &error_ns);
	assert_int_equal(setup->ring.base.late, setup->ring.transmitted);
}

/* One worker of several takes the sample, and tells what became of it. */
static void takes_a_sample_once(void **state)
{
	struct port_transmit transmit = {.sample = PORT_SAMPLE_MAIN};

	(void)state;
	assert_false(port_sample_take(&transmit));
	transmit.sample = PORT_SAMPLE_WANTED;
	assert_true(port_sample_take(&transmit));
	assert_false(port_sample_take(&transmit));
	port_sample_tell(&transmit, 11, false);
	assert_true(port_sample_take(&transmit));
	port_sample_tell(&transmit, 12, true);
	assert_int_equal(transmit.sample, PORT_SAMPLE_SENT);
	assert_int_equal(transmit.handed_counter, 12);
	assert_false(port_sample_take(&transmit));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			serves_the_way_that_was_measured, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(
			serves_a_way_that_seems_negative, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(
			prefers_what_was_set_by_hand, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(
			serves_the_time_that_replies_are_sent_at, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(
			sends_at_once_without_a_clock, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(
			tells_how_long_a_burst_takes, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(
			counts_what_is_sent_too_late, bench_setup, bench_teardown),
		cmocka_unit_test(takes_a_sample_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
