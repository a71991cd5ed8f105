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
		cmocka_unit_test(takes_a_sample_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
