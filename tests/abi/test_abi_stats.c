/* SPDX-License-Identifier: BSD-3-Clause */

/* The parts of the statistics page: where each counter lies. The page's head is test_abi.c's. */

#include <meridian/stats.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CLOCK_AT(field) offsetof(struct meridian_stats_clock, field)

static void stats_clock(void **state)
{
	(void)state;
	assert_int_equal(CLOCK_AT(hz), 8);
	assert_int_equal(CLOCK_AT(error_ns), 24);
	assert_int_equal(CLOCK_AT(jumps), 48);
	assert_int_equal(CLOCK_AT(transmit), 56);
	assert_int_equal(CLOCK_AT(believed), 72);
	assert_int_equal(CLOCK_AT(fault), 80);
	assert_int_equal(CLOCK_AT(transmit_error_ns), 144);
	assert_int_equal(CLOCK_AT(transmit_late), 176);
	assert_int_equal(CLOCK_AT(delivery_median_ns), 184);
	assert_int_equal(CLOCK_AT(delivery_most_ns), 192);
	assert_int_equal(CLOCK_AT(delivery_limit_ns), 200);
	assert_int_equal(MERIDIAN_FAULT_clock, 0);
	assert_int_equal(MERIDIAN_FAULT_ambiguous, 3);
	assert_int_equal(MERIDIAN_NIC_STAMPS_used, 1);
	assert_int_equal(MERIDIAN_NIC_STAMPS_unreadable, 9);
}

#define TAKEOVER_AT(field) offsetof(struct meridian_stats_takeover, field)

static void stats_takeover(void **state)
{
	(void)state;
	assert_int_equal(TAKEOVER_AT(to_kernel), 0);
	assert_int_equal(TAKEOVER_AT(limited), 8);
	assert_int_equal(TAKEOVER_AT(refused), 16);
	assert_int_equal(TAKEOVER_AT(from_kernel), 24);
	assert_int_equal(TAKEOVER_AT(unsent), 32);
	assert_int_equal(TAKEOVER_AT(link_mbps), 40);
	assert_int_equal(TAKEOVER_AT(mtu), 44);
	assert_int_equal(TAKEOVER_AT(tap), 48);
	assert_int_equal(offsetof(struct meridian_stats_punt, to_kernel), 0);
	assert_int_equal(offsetof(struct meridian_stats_punt, limited), 64);
	assert_int_equal(MERIDIAN_PUNT_link, 0);
	assert_int_equal(MERIDIAN_PUNT_answer, 1);
	assert_int_equal(MERIDIAN_PUNT_session, 2);
	assert_int_equal(MERIDIAN_PUNT_other, 5);
}

#define PORT_AT(field) offsetof(struct meridian_stats_port, field)

static void stats_port(void **state)
{
	(void)state;
	assert_int_equal(PORT_AT(name), 0);
	assert_int_equal(PORT_AT(driver), 16);
	assert_int_equal(PORT_AT(queue_count), 32);
	assert_int_equal(PORT_AT(xdp_mode), 36);
	assert_int_equal(PORT_AT(nic_stamps), 39);
	assert_int_equal(PORT_AT(missed_packets), 40);
	assert_int_equal(PORT_AT(flow_rules), 48);
	assert_int_equal(PORT_AT(flow_missing), 52);
	assert_int_equal(PORT_AT(bifurcated), 56);
	assert_int_equal(PORT_AT(flow_left), 60);
}

#define WORKER_AT(field) offsetof(struct meridian_stats_worker, field)

static void stats_worker(void **state)
{
	(void)state;
	assert_int_equal(WORKER_AT(heartbeat), 0);
	assert_int_equal(WORKER_AT(state), 8);
	assert_int_equal(WORKER_AT(core), 16);
	assert_int_equal(WORKER_AT(policy_generation), 24);
	assert_int_equal(WORKER_AT(rx_packets), 32);
	assert_int_equal(WORKER_AT(rx_octets), 40);
	assert_int_equal(WORKER_AT(tx_packets), 48);
	assert_int_equal(WORKER_AT(tx_octets), 56);
	assert_int_equal(WORKER_AT(bursts), 64);
	assert_int_equal(WORKER_AT(busy_ns), 72);
	assert_int_equal(WORKER_AT(interleaved), 80);
	assert_int_equal(WORKER_AT(model_retries), 88);
	assert_int_equal(WORKER_AT(authenticated), 96);
	assert_int_equal(WORKER_AT(verdict), 128);
	assert_int_equal(WORKER_AT(stamp), 640);
	assert_int_equal(WORKER_AT(residence), 704);
	assert_int_equal(WORKER_AT(residence_sum_ns), 2000);
}

/* Counters keep their places: verdicts are appended to, never reordered. */
static void verdict_numbers(void **state)
{
	(void)state;
	assert_int_equal(MERIDIAN_VERDICT_answered, 0);
	assert_int_equal(MERIDIAN_VERDICT_answered_unsynchronised, 1);
	assert_int_equal(MERIDIAN_VERDICT_punt, 2);
	assert_int_equal(MERIDIAN_VERDICT_foreign_mac, 4);
	assert_int_equal(MERIDIAN_VERDICT_martian_source, 9);
	assert_int_equal(MERIDIAN_VERDICT_bad_length, 14);
	assert_int_equal(MERIDIAN_VERDICT_unknown_key, 18);
	assert_int_equal(MERIDIAN_VERDICT_denied, 19);
	assert_int_equal(MERIDIAN_VERDICT_no_model, 20);
	assert_int_equal(MERIDIAN_VERDICT_tx_failed, 21);
	assert_int_equal(MERIDIAN_VERDICT_stale, 22);
	assert_int_equal(MERIDIAN_VERDICT_rate_limited, 23);
	assert_int_equal(MERIDIAN_STAMP_counter, 0);
	assert_int_equal(MERIDIAN_STAMP_nic, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stats_worker),
		cmocka_unit_test(stats_clock),
		cmocka_unit_test(stats_port),
		cmocka_unit_test(stats_takeover),
		cmocka_unit_test(verdict_numbers),
	};

	return cmocka_run_group_tests_name("abi-stats", tests, NULL, NULL);
}
