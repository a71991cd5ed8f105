/* SPDX-License-Identifier: BSD-3-Clause */

/* The life of one server, with time, network and name service played by the test. */

#include "event.h"
#include "source/ntp_server.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NS_PER_S   UINT64_C(1000000000)
#define TIMERS_MAX 8

static struct {
	event_timer_handler handler;
	void *arg;
	uint64_t deadline_ns;
} timers[TIMERS_MAX];

static uint64_t now_ns;
static exchange_handler on_answer;
static void *on_answer_arg;
static unsigned int requests, lookups, reports;
static uint64_t requested_ns; /* when the last request left */
static struct config_address requested_address;
static resolver_handler on_addresses;
static void *on_addresses_arg;

static struct config config;
static struct counter counter = {.hz = NS_PER_S, .precision_s = 1e-7};
static struct timescale timescale = {.hz = NS_PER_S, .utc = {.s = 1700000000}};
static struct ntp_server server;

int event_add_timer(uint64_t delay_ns, event_timer_handler handler, void *arg)
{
	for (int i = 0; i < TIMERS_MAX; i++) {
		if (timers[i].handler)
			continue;
		timers[i].handler = handler;
		timers[i].arg = arg;
		timers[i].deadline_ns = now_ns + delay_ns;
		return i + 1;
	}
	return -ENOSPC;
}

void event_remove_timer(int id)
{
	if (id > 0)
		timers[id - 1].handler = NULL;
}

void exchange_init(
	struct exchange *exchange, const struct counter *of, exchange_handler handler, void *arg)
{
	*exchange = (struct exchange){.fd = -1, .counter = of};
	on_answer = handler;
	on_answer_arg = arg;
}

int exchange_start(struct exchange *exchange, const struct config_address *address, uint16_t port)
{
	(void)port;
	exchange->fd = 1;
	memset(exchange->transmit, (int)++requests, sizeof(exchange->transmit));
	exchange->sent = exchange->t1 = now_ns;
	requested_ns = now_ns;
	requested_address = *address;
	return 0;
}

void exchange_close(struct exchange *exchange)
{
	exchange->fd = -1;
}

int resolver_start(
	struct resolver **ret_resolver, const char *name, resolver_handler handler, void *arg)
{
	(void)name;
	assert_null(*ret_resolver);
	*ret_resolver = (void *)&lookups;
	lookups++;
	on_addresses = handler;
	on_addresses_arg = arg;
	return 0;
}

void resolver_cancel(struct resolver *resolver)
{
	(void)resolver;
}

static void on_report(struct source *reported);

static const struct source_context context = {.config = &config,
	.counter = &counter,
	.timescale = &timescale,
	.start = {0, 1e-4},
	.handler = on_report};

static void on_report(struct source *reported)
{
	assert_ptr_equal(reported, &server.source);
	reports++;
}

/* Runs the timers until `until_ns`, in their order. */
static void run_until(uint64_t until_ns)
{
	for (;;) {
		int first = -1;
		event_timer_handler handler;

		for (int i = 0; i < TIMERS_MAX; i++) {
			if (timers[i].handler && timers[i].deadline_ns <= until_ns &&
				(first < 0 || timers[i].deadline_ns < timers[first].deadline_ns))
				first = i;
		}
		if (first < 0)
			break;
		now_ns = timers[first].deadline_ns;
		handler = timers[first].handler;
		timers[first].handler = NULL;
		handler(timers[first].arg);
	}
	now_ns = until_ns;
}

/* Runs until one more request has left; returns the time since the one before, s. */
static double run_until_request(void)
{
	unsigned int before = requests;
	uint64_t before_ns = requested_ns, limit_ns = now_ns + 4000 * NS_PER_S;

	while (requests == before && now_ns < limit_ns)
		run_until(now_ns + NS_PER_S / 100);
	assert_int_equal(requests, before + 1);
	return (double)(requested_ns - before_ns) / (double)NS_PER_S;
}

static void timestamp_write(uint8_t *octets, uint64_t ns)
{
	uint64_t s = 1700000000 + MERIDIAN_NTP_UNIX_OFFSET_S + ns / NS_PER_S;
	uint64_t frac = ((ns % NS_PER_S) << 32) / NS_PER_S;

	for (int i = 0; i < 4; i++) {
		octets[i] = (uint8_t)(s >> (24 - 8 * i));
		octets[4 + i] = (uint8_t)(frac >> (24 - 8 * i));
	}
}

/* The server's answer to the last request: 1 ms there, 1 ms back. */
static void answer(uint8_t stratum, const char *refid, int8_t poll_log2)
{
	uint8_t packet[48] = {4 << 3 | 4, stratum, (uint8_t)poll_log2, (uint8_t)-20};

	memcpy(packet + 12, refid, 4);
	memcpy(packet + 24, server.exchange.transmit, 8);
	timestamp_write(packet + 16, requested_ns);
	timestamp_write(packet + 32, requested_ns + 1000000);
	timestamp_write(packet + 40, requested_ns + 1000000);
	server.exchange.t4 = requested_ns + 2000000;
	on_answer(&server.exchange, packet, sizeof(packet), 0, on_answer_arg);
}

static void answer_good(void)
{
	answer(1, "GPS", 6);
}

static void start(const struct config_server *config_server)
{
	memset(timers, 0, sizeof(timers));
	now_ns = requested_ns = NS_PER_S;
	requests = lookups = reports = 0;
	on_addresses = NULL;
	config = (struct config){.max_distance_s = 3};
	ntp_server_start(&server, &context, config_server, 0);
}

static const struct config_server numeric = {
	.name = "192.0.2.1", .port = 123, .minpoll_log2 = 4, .maxpoll_log2 = 6};
static const struct config_server named = {
	.name = "ntp.example.net", .port = 123, .minpoll_log2 = 4, .maxpoll_log2 = 4};
static const struct config_address addresses[] = {
	{.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4},
	{.octets = {192, 0, 2, 2}, .family = MERIDIAN_FAMILY_IPV4},
};

static void test_interval(void **state)
{
	double least = 1e9, most = 0;

	(void)state;
	start(&numeric);
	run_until_request();
	for (int i = 0; i < 200; i++) {
		double interval_s = run_until_request();

		least = fmin(least, interval_s);
		most = fmax(most, interval_s);
	}
	assert_true(least >= 16 && least < 16.1);
	assert_true(most <= 16 * 1.02 + 1e-3 && most > 16.2);
}

static void test_burst_unanswered(void **state)
{
	struct config_server bursting = numeric;

	(void)state;
	bursting.iburst = true;
	start(&bursting);
	run_until_request();
	for (int i = 1; i < 8; i++)
		assert_true(fabs(run_until_request() - 2) < 1e-3);
	for (int i = 0; i < 5; i++)
		assert_true(run_until_request() >= 16);
}

static void test_burst_answered(void **state)
{
	struct config_server bursting = numeric;

	(void)state;
	bursting.iburst = true;
	start(&bursting);
	for (int i = 0; i < 4; i++) {
		run_until_request();
		answer_good();
	}
	assert_int_equal(reports, 4);
	assert_true(run_until_request() >= 16);
	answer_good();
	assert_true(run_until_request() >= 16);
}

static void test_reach(void **state)
{
	(void)state;
	start(&numeric);
	run_until_request();
	assert_int_equal(server.source.reach, 0);
	answer_good();
	assert_int_equal(server.source.reach, 1);
	run_until_request();
	assert_int_equal(server.source.reach, 2);
	answer_good();
	assert_int_equal(server.source.reach, 3);
	for (int i = 0; i < 7; i++)
		run_until_request();
	assert_int_equal(server.source.reach, 0x80);
	assert_int_equal(reports, 2);
	run_until_request();
	assert_int_equal(server.source.reach, 0);
	assert_int_equal(reports, 3);
	assert_int_equal(lookups, 0);
}

static void test_name_unknown_first(void **state)
{
	(void)state;
	start(&named);
	assert_int_equal(lookups, 1);
	on_addresses(NULL, 0, on_addresses_arg);
	run_until(now_ns + 3 * NS_PER_S);
	assert_int_equal(lookups, 2);
	on_addresses(NULL, 0, on_addresses_arg);
	run_until(now_ns + 3 * NS_PER_S);
	assert_int_equal(lookups, 2); /* the second wait is longer */
	run_until(now_ns + 2 * NS_PER_S);
	assert_int_equal(lookups, 3);
	assert_int_equal(requests, 0);
	on_addresses(addresses, 1, on_addresses_arg);
	run_until_request();
	assert_memory_equal(&requested_address, &addresses[0], sizeof(addresses[0]));
}

/* One look-up for each eight polls, and the old address is polled all the time. */
static void test_name_silent(void **state)
{
	(void)state;
	start(&named);
	on_addresses(addresses, 1, on_addresses_arg);
	for (int i = 0; i < 8; i++)
		run_until_request();
	assert_int_equal(lookups, 1);
	assert_true(run_until_request() >= 16);
	assert_int_equal(lookups, 2);
	assert_true(run_until_request() >= 16); /* while the look-up is under way */
	on_addresses(addresses, 1, on_addresses_arg);
	for (int i = 0; i < 6; i++)
		assert_true(run_until_request() >= 16);
	assert_int_equal(lookups, 2);
	assert_true(run_until_request() >= 16);
	assert_int_equal(lookups, 3);
	assert_int_equal(requests, 17);
}

static void test_name_moves(void **state)
{
	(void)state;
	start(&named);
	on_addresses(addresses, 2, on_addresses_arg);
	run_until_request();
	answer_good();
	assert_int_equal(server.source.estimator.sample_count, 1);
	for (int i = 0; i < 9; i++)
		run_until_request();
	assert_int_equal(lookups, 2);
	on_addresses(addresses, 2, on_addresses_arg);
	assert_int_equal(server.source.estimator.sample_count, 0);
	run_until_request();
	assert_memory_equal(&requested_address, &addresses[1], sizeof(addresses[1]));
}

/* The server is back before the look-up is: it stays. */
static void test_name_back(void **state)
{
	(void)state;
	start(&named);
	on_addresses(addresses, 1, on_addresses_arg);
	for (int i = 0; i < 9; i++)
		run_until_request();
	assert_int_equal(lookups, 2);
	answer_good();
	on_addresses(&addresses[1], 1, on_addresses_arg);
	run_until_request();
	assert_memory_equal(&requested_address, &addresses[0], sizeof(addresses[0]));
}

static void test_deny(void **state)
{
	(void)state;
	start(&named);
	on_addresses(addresses, 1, on_addresses_arg);
	run_until_request();
	answer_good();
	run_until_request();
	answer(0, "DENY", 4);
	assert_true(server.source.stopped);
	assert_int_equal(server.source.reach, 0);
	assert_int_equal(reports, 2);
	run_until(now_ns + 100000 * NS_PER_S);
	assert_int_equal(requests, 2);
	assert_int_equal(lookups, 1);
}

/* minpoll is maxpoll here: a RATE must count all the same. */
static void test_rate(void **state)
{
	(void)state;
	start(&named);
	on_addresses(addresses, 1, on_addresses_arg);
	run_until_request();
	answer(0, "RATE", 4);
	assert_true(run_until_request() >= 4 * 32);
	assert_true(run_until_request() >= 32);
	answer(0, "RATE", 7);
	assert_true(run_until_request() >= 4 * 128);
	answer_good();
	assert_true(run_until_request() >= 128);
	answer(0, "RATE", 127);
	assert_int_equal(server.source.poll_log2, 10);
	run_until(now_ns + 4100 * NS_PER_S);
	answer(0, "RATE", -128);
	assert_int_equal(server.source.poll_log2, 10);
}

static void test_rate_ends_burst(void **state)
{
	struct config_server bursting = numeric;

	(void)state;
	bursting.iburst = true;
	start(&bursting);
	run_until_request();
	answer(0, "RATE", 0);
	assert_true(run_until_request() >= 4 * 32);
	assert_true(run_until_request() >= 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_burst_unanswered),
		cmocka_unit_test(test_burst_answered),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_name_unknown_first),
		cmocka_unit_test(test_name_silent),
		cmocka_unit_test(test_name_moves),
		cmocka_unit_test(test_name_back),
		cmocka_unit_test(test_deny),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_ends_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
