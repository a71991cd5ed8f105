/* SPDX-License-Identifier: BSD-3-Clause */
#include "event.h"
#include "rundir.h"
#include "source/exchange.h"
#include "source/nic_clock.h"
#include "source/wire_stamps.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* The test is the event loop, the server, and the dataplane. */

#define HZ      1000000000
#define WAIT_MS 10000

static const struct config_address loopback = {
	.octets = {127, 0, 0, 1}, .family = MERIDIAN_FAMILY_IPV4};
static const uint8_t question[MERIDIAN_NTP_HEADER_SIZE] = {0x23, [40] = 1, 2, 3, 4, 5, 6, 7, 8};

static struct config config;
static const struct counter counter = {.id = MERIDIAN_COUNTER_MONOTONIC_RAW, .hz = HZ};
static struct exchange exchange;
static struct meridian_page page;
static event_fd_handler on_event;
static unsigned int heard;

static int server;
static uint16_t server_port;
static struct sockaddr_in client; /* of the question */

int event_add_fd(int fd, unsigned int events, event_fd_handler handler, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	on_event = handler;
	return 0;
}

void event_remove_fd(int fd)
{
	(void)fd;
}

bool nic_clock_any(void)
{
	return false;
}

int nic_clock_counter(
	const struct nic_clock_stamp *stamp, uint64_t *ret_counter, double *ret_error_s)
{
	(void)stamp;
	(void)ret_counter;
	(void)ret_error_s;
	return -ENODEV;
}

static void on_answer(
	struct exchange *of, const uint8_t *buffer, size_t length, int error, void *arg)
{
	(void)of;
	(void)buffer;
	(void)arg;
	assert_int_equal(error, 0);
	assert_int_equal(length, MERIDIAN_NTP_HEADER_SIZE);
	heard++;
}

static void page_make(const char *rundir)
{
	assert_int_equal(meridian_page_create(&page, rundir, &meridian_wire_stamps_kind,
				 sizeof(struct meridian_wire_stamps), 0640, NULL),
		0);
}

static void server_open(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	server = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(server >= 0);
	assert_int_equal(bind(server, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&address, &size), 0);
	server_port = ntohs(address.sin_port);
}

static int setup(void **state)
{
	int r = rundir_setup(state);

	if (r < 0)
		return r;
	memset(&config, 0, sizeof(config));
	snprintf(config.rundir, sizeof(config.rundir), "%s", (const char *)*state);
	strcpy(config.nic[0].tap, "mnp1s0");
	config.nic_count = 1;
	wire_stamps_init(&config);
	page_make(*state);
	server_open();
	exchange_init(&exchange, &counter, on_answer, NULL);
	heard = 0;
	return 0;
}

static int teardown(void **state)
{
	exchange_close(&exchange);
	wire_stamps_fini();
	meridian_page_close(&page);
	close(server);
	return rundir_teardown(state);
}

/* How the dataplane knows the question; its answer when `origin` is what that one returns. */
static struct meridian_wire_key key_of(const uint8_t *origin)
{
	struct meridian_wire_key key = {
		.address = {127, 0, 0, 1}, .family = MERIDIAN_FAMILY_IPV4, .port = server_port};

	memcpy(key.number, origin, sizeof(key.number));
	return key;
}

static uint64_t now(void)
{
	return counter_read(&counter);
}

static void ask(void)
{
	uint8_t buffer[256];
	socklen_t size = sizeof(client);

	assert_int_equal(
		exchange_start(&exchange, &loopback, server_port, question, sizeof(question)), 0);
	assert_int_equal(
		recvfrom(server, buffer, sizeof(buffer), 0, (struct sockaddr *)&client, &size),
		sizeof(question));
	assert_memory_equal(buffer, question, sizeof(question));
}

/* Sends the answer and lets the exchange read all that there is. */
static void answer(const uint8_t *origin)
{
	uint8_t octets[MERIDIAN_NTP_HEADER_SIZE] = {0x24};
	unsigned int before = heard;

	memcpy(octets + 24, origin, 8);
	assert_int_equal(sendto(server, octets, sizeof(octets), 0, (struct sockaddr *)&client,
				 sizeof(client)),
		sizeof(octets));
	while (heard == before) {
		struct pollfd ready = {.fd = exchange.fd, .events = POLLIN};
		unsigned int events;

		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		events = (ready.revents & POLLIN ? EVENT_READ : 0) |
			(ready.revents & POLLERR ? EVENT_ERROR : 0);
		on_event(exchange.fd, events, &exchange);
	}
}

/* The dataplane stamps question and answer at these times. */
static void note(const uint8_t *origin, uint64_t t1, uint64_t t4, uint8_t source)
{
	struct meridian_wire_key key = key_of(question + 40), answered = key_of(origin);
	struct meridian_wire_stamp stamp = {
		.counter = t1, .error_ns = 300, .counter_id = counter.id};

	meridian_wire_note_sent(page.addr, &key, &stamp);
	if (origin != question + 40)
		meridian_wire_note_sent(page.addr, &answered, &stamp);
	stamp.counter = t4;
	stamp.error_ns = 2000;
	stamp.source = source;
	assert_int_equal(meridian_wire_note_received(page.addr, &answered, &stamp), 0);
}

static void without_a_page(void **state)
{
	struct exchange_stamps stamps;

	ask();
	note(question + 40, now(), now(), MERIDIAN_STAMP_counter);
	config.nic_count = 0;
	answer(question + 40);
	stamps = exchange_stamps(&exchange);
	assert_int_equal(stamps.t1_by, EXCHANGE_KERNEL);
	assert_int_equal(stamps.t4_by, EXCHANGE_KERNEL);
	assert_false(stamps.t1_wire || stamps.t4_wire);
	(void)state;
}

static void takes_the_dataplanes(void **state)
{
	struct exchange_stamps stamps;
	uint64_t t1, t4;

	(void)state;
	ask();
	t1 = now();
	t4 = now();
	note(question + 40, t1, t4, MERIDIAN_STAMP_counter);
	answer(question + 40);
	stamps = exchange_stamps(&exchange);
	assert_int_equal(stamps.t1, t1);
	assert_int_equal(stamps.t4, t4);
	assert_int_equal(stamps.t1_by, EXCHANGE_DATAPLANE);
	assert_int_equal(stamps.t4_by, EXCHANGE_DATAPLANE);
	assert_true(stamps.t1_wire && stamps.t4_wire);
	assert_true(stamps.error_s > 1.9e-6 && stamps.error_s < 2.1e-6);
	assert_int_equal(exchange.refused, 0);
}

/* The NIC has stamped the answer; it is in interleaved mode. */
static void tells_the_nics(void **state)
{
	static const uint8_t origin[] = {9, 8, 7, 6, 5, 4, 3, 2};
	struct exchange_stamps stamps;
	uint64_t t4;

	(void)state;
	ask();
	t4 = now();
	note(origin, t4, t4, MERIDIAN_STAMP_nic);
	answer(origin);
	stamps = exchange_stamps(&exchange);
	assert_int_equal(stamps.t1_by, EXCHANGE_DATAPLANE);
	assert_int_equal(stamps.t4_by, EXCHANGE_HARDWARE);
	assert_int_equal(stamps.t4, t4);
	assert_true(stamps.t1_wire && stamps.t4_wire);
}

/* Each of these cannot be, and both stamps are the kernel's then. */
static void refuses_what_cannot_be(void **state)
{
	const int64_t second = HZ;
	const struct {
		int64_t t1_after, t4_after;
	} wrong[] = {{-second, 0}, {second, 0}, {0, second}, {0, -second}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct exchange_stamps stamps;

		ask();
		note(question + 40, now() + (uint64_t)wrong[i].t1_after,
			now() + (uint64_t)wrong[i].t4_after, MERIDIAN_STAMP_counter);
		answer(question + 40);
		stamps = exchange_stamps(&exchange);
		assert_int_equal(stamps.t1_by, EXCHANGE_KERNEL);
		assert_int_equal(stamps.t4_by, EXCHANGE_KERNEL);
		assert_int_equal(exchange.refused, i + 1);
	}
}

/* Of one stamp alone nothing is gained, nor of those of the question before. */
static void needs_both(void **state)
{
	struct meridian_wire_key key = key_of(question + 40);
	struct meridian_wire_stamp stamp = {.counter_id = counter.id};

	(void)state;
	ask();
	stamp.counter = now();
	meridian_wire_note_sent(page.addr, &key, &stamp);
	answer(question + 40);
	assert_int_equal(exchange_stamps(&exchange).t1_by, EXCHANGE_KERNEL);
	assert_int_equal(exchange_stamps(&exchange).t4_by, EXCHANGE_KERNEL);
	assert_int_equal(exchange.refused, 0);
}

/* The dataplane has been started anew, with a page of its own. */
static void follows_the_page(void **state)
{
	char path[CONFIG_PATH_SIZE + 32];

	takes_the_dataplanes(state);
	snprintf(path, sizeof(path), "%s/%s", config.rundir, MERIDIAN_WIRE_STAMPS_NAME);
	assert_int_equal(unlink(path), 0);
	ask();
	note(question + 40, now(), now(), MERIDIAN_STAMP_counter);
	answer(question + 40);
	assert_int_equal(exchange_stamps(&exchange).t1_by, EXCHANGE_KERNEL);
	meridian_page_close(&page);
	page_make(*state);
	takes_the_dataplanes(state);
}

#define EXCHANGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXCHANGE_TEST(without_a_page),
		EXCHANGE_TEST(takes_the_dataplanes),
		EXCHANGE_TEST(tells_the_nics),
		EXCHANGE_TEST(refuses_what_cannot_be),
		EXCHANGE_TEST(needs_both),
		EXCHANGE_TEST(follows_the_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
