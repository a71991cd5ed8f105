/* SPDX-License-Identifier: BSD-3-Clause */
#include "event.h"
#include "rundir.h"
#include "source/exchange.h"
#include "source/nic_clock.h"
#include "source/wire_stamps.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
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

#define STAMP_TRIES 10000 /* a millisecond apart */

static const struct config_address loopback = {
	.octets = {127, 0, 0, 1}, .family = MERIDIAN_FAMILY_IPV4};
static const uint8_t question[MERIDIAN_NTP_HEADER_SIZE] = {0x23, [40] = 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t times[] = {11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24, 25, 26, 27, 28};

static struct config config;
static const struct counter counter = {.id = MERIDIAN_COUNTER_MONOTONIC_RAW, .hz = HZ};
static struct exchange exchange;
static struct meridian_page page;
static event_fd_handler on_event;
static unsigned int heard;

static int server;
static uint16_t server_port;
static struct sockaddr_in client; /* of the question */

/* When the kernel says that the question left and that the answer came. The dataplane's stamps are
 * made of them, so that they fit however long this machine takes over each step. */
static uint64_t asked, answered;
#define APART (HZ / 1000)

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

/* Lets the exchange read what there is. */
static void hear(short awaited)
{
	struct pollfd ready = {.fd = exchange.fd, .events = awaited};

	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	on_event(exchange.fd,
		(ready.revents & POLLIN ? EVENT_READ : 0) |
			(ready.revents & POLLERR ? EVENT_ERROR : 0),
		&exchange);
}

/* Returns when the kernel says that the datagram arrived which waits at `fd`; 0: it does not. */
static uint64_t arrival(int fd)
{
	union {
		struct cmsghdr align;
		uint8_t octets[256];
	} control;
	struct msghdr message = {
		.msg_control = control.octets, .msg_controllen = sizeof(control.octets)};
	struct scm_timestamping stamps = {.ts = {{0}}};
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	uint64_t arrived = 0;

	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	assert_true(recvmsg(fd, &message, MSG_PEEK) >= 0);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING)
			memcpy(&stamps, CMSG_DATA(c), sizeof(stamps));
	}
	if (stamps.ts[0].tv_sec != 0)
		assert_int_equal(counter_from_realtime(&counter, &stamps.ts[0], 0, &arrived), 0);
	return arrived;
}

/* Sends the question, and learns when the kernel sent it. */
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
	hear(0);
	assert_true(exchange.t1_taken & 1u << EXCHANGE_KERNEL);
	asked = exchange.t1[EXCHANGE_KERNEL];
}

/* Sends the answer, and learns when the kernel received it. */
static void answer(const uint8_t *origin)
{
	uint8_t octets[MERIDIAN_NTP_HEADER_SIZE] = {0x24};

	memcpy(octets + 24, origin, 8);
	memcpy(octets + 32, times, sizeof(times));
	assert_int_equal(sendto(server, octets, sizeof(octets), 0, (struct sockaddr *)&client,
				 sizeof(client)),
		sizeof(octets));
	answered = arrival(exchange.fd);
	assert_int_not_equal(answered, 0);
}

static struct exchange_stamps stamps_heard(void)
{
	unsigned int before = heard;

	hear(POLLIN);
	assert_int_equal(heard, before + 1);
	return exchange_stamps(&exchange);
}

/* The dataplane stamps question and answer at these times. */
static void note(const uint8_t *origin, uint64_t t1, uint64_t t4, uint8_t source)
{
	struct meridian_wire_key key = key_of(question + 40), reply = key_of(origin);
	struct meridian_wire_stamp stamp = {
		.counter = t1, .error_ns = 300, .counter_id = counter.id};

	meridian_wire_note_sent(page.addr, &key, &stamp);
	if (origin != question + 40)
		meridian_wire_note_sent(page.addr, &reply, &stamp);
	memcpy(reply.answer, times, sizeof(times));
	stamp.counter = t4;
	stamp.error_ns = 2000;
	stamp.source = source;
	assert_int_equal(meridian_wire_note_received(page.addr, &reply, &stamp), 0);
}

static void without_a_page(void **state)
{
	struct exchange_stamps stamps;

	ask();
	answer(question + 40);
	note(question + 40, asked + APART, answered - APART, MERIDIAN_STAMP_counter);
	config.nic_count = 0;
	stamps = stamps_heard();
	assert_int_equal(stamps.t1_by, EXCHANGE_KERNEL);
	assert_int_equal(stamps.t4_by, EXCHANGE_KERNEL);
	assert_false(stamps.t1_wire || stamps.t4_wire);
	(void)state;
}

static void takes_the_dataplanes(void **state)
{
	struct exchange_stamps stamps;

	(void)state;
	ask();
	answer(question + 40);
	note(question + 40, asked + APART, answered - APART, MERIDIAN_STAMP_counter);
	stamps = stamps_heard();
	assert_int_equal(stamps.t1, asked + APART);
	assert_int_equal(stamps.t4, answered - APART);
	assert_int_equal(stamps.t1_by, EXCHANGE_DATAPLANE);
	assert_int_equal(stamps.t4_by, EXCHANGE_DATAPLANE);
	assert_true(stamps.t1_wire && stamps.t4_wire);
	assert_true(stamps.error_s > 1.9e-6 && stamps.error_s < 2.1e-6);
	assert_int_equal(exchange.refused, 0);
}

/* The page forgets a question when another one comes to its place, which depends on the port as
 * well: finds a number that has another place. */
static void number_apart(uint8_t number[8])
{
	const struct meridian_wire_key key = key_of(question + 40);
	struct meridian_wire_stamp stamp = {.counter_id = counter.id};

	do {
		struct meridian_wire_key other;

		number[0]++;
		other = key_of(number);
		meridian_wire_note_sent(page.addr, &key, &stamp);
		meridian_wire_note_sent(page.addr, &other, &stamp);
	} while (meridian_wire_sent(page.addr, &key, &stamp) < 0);
}

/* The NIC has stamped the answer; it is in interleaved mode. */
static void tells_the_nics(void **state)
{
	uint8_t origin[] = {9, 8, 7, 6, 5, 4, 3, 2};
	struct exchange_stamps stamps;

	(void)state;
	number_apart(origin);
	ask();
	answer(origin);
	note(origin, asked + APART, answered - APART, MERIDIAN_STAMP_nic);
	stamps = stamps_heard();
	assert_int_equal(stamps.t1_by, EXCHANGE_DATAPLANE);
	assert_int_equal(stamps.t4_by, EXCHANGE_HARDWARE);
	assert_int_equal(stamps.t4, answered - APART);
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
		answer(question + 40);
		note(question + 40, asked + APART + (uint64_t)wrong[i].t1_after,
			answered - APART + (uint64_t)wrong[i].t4_after, MERIDIAN_STAMP_counter);
		stamps = stamps_heard();
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
	struct exchange_stamps stamps;

	(void)state;
	ask();
	stamp.counter = asked + APART;
	meridian_wire_note_sent(page.addr, &key, &stamp);
	answer(question + 40);
	stamps = stamps_heard();
	assert_int_equal(stamps.t1_by, EXCHANGE_KERNEL);
	assert_int_equal(stamps.t4_by, EXCHANGE_KERNEL);
	assert_int_equal(exchange.refused, 0);
}

/* The answer comes twice, while the socket is open for the question's stamp. */
static void keeps_the_stamps_of_the_answer(void **state)
{
	struct exchange_stamps stamps, after;

	(void)state;
	ask();
	answer(question + 40);
	stamps = stamps_heard();
	exchange.answered = true;
	answer(question + 40);
	after = stamps_heard();
	assert_int_equal(after.t4, stamps.t4);
	assert_int_equal(after.t4_by, EXCHANGE_KERNEL);
	ask();
	assert_false(exchange.answered);
}

/* The dataplane has been started anew, with a page of its own. */
static void follows_the_page(void **state)
{
	char path[CONFIG_PATH_SIZE + 32];

	takes_the_dataplanes(state);
	snprintf(path, sizeof(path), "%s/%s", config.rundir, MERIDIAN_WIRE_STAMPS_NAME);
	assert_int_equal(unlink(path), 0);
	ask();
	answer(question + 40);
	note(question + 40, asked + APART, answered - APART, MERIDIAN_STAMP_counter);
	assert_int_equal(stamps_heard().t1_by, EXCHANGE_KERNEL);
	meridian_page_close(&page);
	page_make(*state);
	takes_the_dataplanes(state);
}

/* The kernel begins to stamp some time after the first socket asks for it, and ends after the last:
 * this one asks, until the tests have ended. */
static int kernel_stamps(void **state)
{
	static int stamped;
	int flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	uint8_t octet = 0;

	(void)state;
	stamped = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(stamped, (struct sockaddr *)&address, size) < 0 ||
		getsockname(stamped, (struct sockaddr *)&address, &size) < 0 ||
		connect(stamped, (struct sockaddr *)&address, size) < 0 ||
		setsockopt(stamped, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) < 0)
		return -errno;
	for (unsigned int tries = 0; tries < STAMP_TRIES; tries++) {
		uint64_t arrived;

		if (send(stamped, &octet, 1, 0) != 1)
			return -errno;
		arrived = arrival(stamped);
		if (recv(stamped, &octet, 1, 0) != 1)
			return -errno;
		if (arrived != 0)
			return 0;
		usleep(1000);
	}
	return -ETIMEDOUT;
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
		EXCHANGE_TEST(keeps_the_stamps_of_the_answer),
		EXCHANGE_TEST(follows_the_page),
	};

	return cmocka_run_group_tests(tests, kernel_stamps, NULL);
}
