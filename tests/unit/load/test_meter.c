/* SPDX-License-Identifier: BSD-3-Clause */
#include "setup.h"
#include <meter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <token.h>

#include <cmocka.h>

#define HZ         UINT64_C(1000000000) /* a tick is a nanosecond */
#define TIMEOUT_MS 100
#define BEGIN      (UINT64_C(1) << 40)
#define NTP_BEGIN  UINT64_C(0xec00000000000000)
#define BATCH      1024

struct flight {
	uint8_t frame[TRAFFIC_FRAME_MAX];
	uint32_t length;
};

static struct traffic traffic;
static struct meter meter;
static struct flight flight[BATCH];

static void start_mix(const uint32_t weight[REQUEST_KIND_COUNT])
{
	struct traffic_spec spec;

	setup_spec(&spec, false, weight);
	assert_int_equal(traffic_init(&traffic, &spec), 0);
	assert_int_equal(meter_init(&meter, &traffic, HZ, TIMEOUT_MS, 0), 0);
	meter_restart(&meter);
}

static int start(void **state)
{
	static const uint32_t basic[REQUEST_KIND_COUNT] = {1};

	(void)state;
	start_mix(basic);
	return 0;
}

static int end(void **state)
{
	(void)state;
	meter_fini(&meter);
	traffic_fini(&traffic);
	return 0;
}

static uint64_t ntp_at(uint64_t ticks)
{
	return NTP_BEGIN + (uint64_t)((double)(ticks - BEGIN) / 1e9 * 4294967296.0);
}

/* Makes a request that is due at that time. */
static void ask(struct flight *to, uint64_t due)
{
	uint64_t request = meter_requests(&meter, 1);

	meter_sent(&meter, request, 1, 0, due);
	to->length = traffic_build(&traffic, request, due >> TOKEN_TICKS_LOG2, to->frame);
}

static enum reply_reason take(const struct flight *from, uint64_t now)
{
	struct meter_frame frame = {.data = from->frame, .length = from->length};

	meter_replies(&meter, &frame, 1, now);
	return frame.reason;
}

static void answer(struct flight *from, uint64_t server_ticks, uint64_t now)
{
	struct flight copy = *from;

	setup_answer(copy.frame, &copy.length, ntp_at(server_ticks), ntp_at(server_ticks + 500));
	assert_int_equal(take(&copy, now), REPLY_VALID);
}

static void expect_sum(void)
{
	assert_int_equal(meter.sent,
		meter.answered + meter.late + meter.kissed + meter_lost(&meter) + meter.malformed);
}

static void shuffle(unsigned int *order, unsigned int count)
{
	srand(7);
	for (unsigned int i = count - 1; i > 0; i--) {
		unsigned int j = (unsigned int)rand() % (i + 1), saved = order[i];

		order[i] = order[j];
		order[j] = saved;
	}
}

/* In any order, each request is counted once, and its round trip is its own. */
static void survives_reordering(void **state)
{
	unsigned int order[BATCH];

	(void)state;
	for (unsigned int i = 0; i < BATCH; i++) {
		order[i] = i;
		ask(&flight[i], BEGIN + i * 1000);
	}
	shuffle(order, BATCH);
	for (unsigned int i = 0; i < BATCH; i++)
		answer(&flight[order[i]], BEGIN + 2000000, BEGIN + order[i] * 1000 + 5000000);
	assert_int_equal(meter.answered, BATCH);
	assert_int_equal(meter.duplicate, 0);
	assert_int_equal(meter_lost(&meter), 0);
	assert_int_equal(meter_invalid(&meter), 0);
	assert_int_equal(meter.transmit_backwards, 0);
	assert_in_range(meter.round_trip.min, 5000000 - 10, 5000000 + 10);
	assert_in_range(meter.round_trip.max, 5000000 - 10, 5000000 + 10);
	assert_in_range(meter.residence.max, 499, 500);
	expect_sum();
}

static void counts_duplicates_and_losses(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < BATCH; i++)
		ask(&flight[i], BEGIN + i);
	for (unsigned int i = 0; i < BATCH; i++) {
		if (i % 4 == 3)
			continue;
		answer(&flight[i], BEGIN + 5000, BEGIN + 10000 + i);
		if (i % 4 == 2)
			answer(&flight[i], BEGIN + 5000, BEGIN + 20000 + i);
	}
	assert_int_equal(meter.answered, BATCH * 3 / 4);
	assert_int_equal(meter.duplicate, BATCH / 4);
	assert_int_equal(meter_lost(&meter), BATCH / 4);
	assert_true(meter_loss(&meter) == 0.25);
	expect_sum();
}

static void tells_late_from_in_time(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		ask(&flight[i], BEGIN);
	answer(&flight[0], BEGIN, BEGIN + TIMEOUT_MS * 1000000 - 8);
	answer(&flight[1], BEGIN, BEGIN + TIMEOUT_MS * 1000000 + 8);
	assert_int_equal(meter.answered, 1);
	assert_int_equal(meter.late, 1);
	assert_int_equal(meter_lost(&meter), 0);
	assert_true(meter_loss(&meter) == 0.5);
	expect_sum();
}

/* The window of 2^26 requests begins anew without taking new replies for duplicates. */
static void goes_round_the_window(void **state)
{
	(void)state;
	ask(&flight[0], BEGIN);
	answer(&flight[0], BEGIN, BEGIN + 1000);
	for (uint64_t i = 1; i <= TOKEN_NUMBER_MASK; i++)
		meter_requests(&meter, 1);
	ask(&flight[1], BEGIN + 2000000);
	answer(&flight[1], BEGIN + 2000000, BEGIN + 2001000);
	assert_int_equal(meter.answered, 2);
	assert_int_equal(meter.duplicate, 0);
}

static void leaves_out_the_warm_up(void **state)
{
	(void)state;
	ask(&flight[0], BEGIN);
	meter_restart(&meter);
	ask(&flight[1], BEGIN + 1000);
	answer(&flight[0], BEGIN + 2000, BEGIN + 3000);
	answer(&flight[1], BEGIN + 2000, BEGIN + 4000);
	assert_int_equal(meter.sent, 1);
	assert_int_equal(meter.answered, 1);
	assert_int_equal(meter.round_trip.count, 1);
	expect_sum();
}

static void takes_back_what_was_not_sent(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		ask(&flight[i], BEGIN);
	assert_int_equal(meter_unsent(&meter, meter.next_request - 4, 3), 3);
	assert_int_equal(meter.sent, 7);
	assert_int_equal(meter.kind_sent[REQUEST_basic], 7);
}

/* Requests of the warm-up that the port has not taken yet when the measurement begins. */
static void takes_back_nothing_of_the_warm_up(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		ask(&flight[i], BEGIN);
	meter_restart(&meter);
	assert_int_equal(meter_unsent(&meter, meter.next_request - 4, 4), 0);
	assert_int_equal(meter.sent, 0);
	ask(&flight[4], BEGIN);
	ask(&flight[5], BEGIN);
	assert_int_equal(meter_unsent(&meter, meter.next_request - 4, 3), 1);
	assert_int_equal(meter.sent, 1);
	assert_int_equal(meter.kind_sent[REQUEST_basic], 1);
	expect_sum();
}

/* Lag and time of sending are those of when the port took a request, not of when it was made. */
static void counts_a_full_port_as_lag(void **state)
{
	uint64_t first = meter_requests(&meter, 2);

	(void)state;
	flight[0].length =
		traffic_build(&traffic, first + 1, BEGIN >> TOKEN_TICKS_LOG2, flight[0].frame);
	meter_sent(&meter, first, 1, 1000, BEGIN + 1000);
	meter_sent(&meter, first + 1, 1, 500000, BEGIN + 500000);
	answer(&flight[0], BEGIN + 500000, BEGIN + 520000);
	assert_int_equal(meter.send_lag.count, 2);
	assert_int_equal(meter.send_lag.max, 500000);
	assert_in_range(meter.send_to_reply.max, 19900, 20100);
	assert_in_range(meter.round_trip.max, 519900, 520100);
}

/* Ordinary replies never do, however they overtake one another; a clock that was set back does. */
static void notices_a_clock_that_goes_back(void **state)
{
	uint64_t now = BEGIN;

	(void)state;
	for (unsigned int i = 0; i < 100; i++, now += 10000) {
		ask(&flight[0], now);
		ask(&flight[1], now);
		answer(&flight[1], now + 3000, now + 5000);
		answer(&flight[0], now + 2000, now + 5001);
	}
	assert_int_equal(meter.transmit_backwards, 0);
	ask(&flight[0], now);
	answer(&flight[0], now - 200000, now + 5000);
	assert_int_equal(meter.transmit_backwards, 1);
}

static void counts_changes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		ask(&flight[i], BEGIN + i * 1000);
		setup_answer(flight[i].frame, &flight[i].length, ntp_at(BEGIN), ntp_at(BEGIN) + 1);
		if (i == 2)
			flight[i].frame[42] |= 0x40;
		if (i >= 3)
			flight[i].frame[43] = 3;
		if (i == 5)
			flight[i].frame[42 + 15] ^= 1;
		setup_checksum(flight[i].frame, flight[i].length);
		take(&flight[i], BEGIN + 10000 + i);
	}
	assert_int_equal(meter.answered, 6);
	assert_int_equal(meter.leap_changes, 2);
	assert_int_equal(meter.stratum_changes, 1);
	assert_int_equal(meter.refid_changes, 1);
	assert_int_equal(meter.unsynchronised, 0);
}

static void reply_of_stratum_0(struct flight *from, const char *refid)
{
	ask(from, BEGIN);
	setup_answer(from->frame, &from->length, ntp_at(BEGIN), ntp_at(BEGIN) + 1);
	from->frame[42] |= 0xc0;
	from->frame[43] = 0;
	memcpy(from->frame + 42 + 12, refid, 4);
	setup_checksum(from->frame, from->length);
	take(from, BEGIN + 1000);
}

static void counts_kisses_by_code(void **state)
{
	(void)state;
	reply_of_stratum_0(&flight[0], "RATE");
	reply_of_stratum_0(&flight[0], "DENY");
	reply_of_stratum_0(&flight[0], "RATE");
	reply_of_stratum_0(&flight[0], "\0\0\0\0"); /* not a kiss: not synchronised */
	assert_int_equal(meter.kissed, 3);
	assert_int_equal(meter.kiss[0].code, 0x52415445);
	assert_int_equal(meter.kiss[0].count, 2);
	assert_int_equal(meter.kiss[1].count, 1);
	assert_int_equal(meter.answered, 1);
	assert_int_equal(meter.unsynchronised, 1);
	expect_sum();
}

/* A server 30 us ahead over paths of 10 us each; sent 2 us after it was due. */
static void measures_the_offset(void **state)
{
	uint64_t request;

	(void)state;
	meter.clock = (struct meter_clock){BEGIN, ntp_at(BEGIN)};
	request = meter_requests(&meter, 1);
	meter_sent(&meter, request, 1, 2000, BEGIN + 2000);
	flight[0].length =
		traffic_build(&traffic, request, BEGIN >> TOKEN_TICKS_LOG2, flight[0].frame);
	answer(&flight[0], BEGIN + 2000 + 10000 + 30000, BEGIN + 2000 + 10000 + 500 + 10000);
	assert_in_range(histogram_signed_quantile(&meter.offset, 0.5), 29900, 30100);
	assert_in_range(meter.send_to_reply.max, 20490, 20510);
	assert_in_range(meter.round_trip.max, 22480, 22520);
}

static void counts_malformed_apart(void **state)
{
	static const uint32_t mix[REQUEST_KIND_COUNT] = {
		[REQUEST_basic] = 1, [REQUEST_malformed] = 1};

	(void)state;
	start_mix(mix);
	for (unsigned int i = 0; i < 100; i++) {
		unsigned int kind = traffic_template(&traffic, meter.next_request)->kind;

		ask(&flight[i], BEGIN);
		if (kind == REQUEST_basic)
			answer(&flight[i], BEGIN, BEGIN + 1000);
	}
	assert_int_equal(meter.sent, 100);
	assert_int_equal(meter.malformed, 50);
	assert_int_equal(meter.answered, 50);
	assert_true(meter_loss(&meter) == 0);
	expect_sum();
	end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(survives_reordering, start, end),
		cmocka_unit_test_setup_teardown(counts_duplicates_and_losses, start, end),
		cmocka_unit_test_setup_teardown(tells_late_from_in_time, start, end),
		cmocka_unit_test_setup_teardown(goes_round_the_window, start, end),
		cmocka_unit_test_setup_teardown(leaves_out_the_warm_up, start, end),
		cmocka_unit_test_setup_teardown(takes_back_what_was_not_sent, start, end),
		cmocka_unit_test_setup_teardown(takes_back_nothing_of_the_warm_up, start, end),
		cmocka_unit_test_setup_teardown(counts_a_full_port_as_lag, start, end),
		cmocka_unit_test_setup_teardown(notices_a_clock_that_goes_back, start, end),
		cmocka_unit_test_setup_teardown(counts_changes, start, end),
		cmocka_unit_test_setup_teardown(counts_kisses_by_code, start, end),
		cmocka_unit_test_setup_teardown(measures_the_offset, start, end),
		cmocka_unit_test(counts_malformed_apart),
	};

	return cmocka_run_group_tests_name("load-meter", tests, NULL, NULL);
}
