/* SPDX-License-Identifier: BSD-3-Clause */
#include "rundir.h"
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <meridian/policy.h>
#include <pkt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <wire_stamps.h>

#include <cmocka.h>

#define HZ UINT64_C(2100000000)

/* Offsets in an NTP packet. */
#define ORIGIN   24
#define RECEIVE  32
#define TRANSMIT 40

static const uint8_t number[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t times[] = {11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24, 25, 26, 27, 28};

static struct wire_stamps wire;

static int setup(void **state)
{
	int r = rundir_setup(state);

	if (r == 0) {
		wire_stamps_open(&wire, *state);
		wire_stamps_turn(&wire, MERIDIAN_COUNTER_TSC, HZ);
	}
	return r;
}

static int teardown(void **state)
{
	wire_stamps_close(&wire);
	return rundir_teardown(state);
}

/* From pkt_client to pkt_server, with the number at an offset of its payload. */
static struct pkt packet(struct pkt_spec spec, uint8_t mode, size_t offset)
{
	uint8_t payload[PKT_NTP_SIZE] = {MERIDIAN_NTP_LI_VN_MODE(0, 4, mode)};
	struct pkt pkt;

	memcpy(payload + offset, number, sizeof(number));
	if (mode == MERIDIAN_NTP_MODE_SERVER)
		memcpy(payload + RECEIVE, times, sizeof(times));
	pkt_build(&pkt, spec, payload, sizeof(payload));
	return pkt;
}

static struct pkt question(struct pkt_spec spec)
{
	return packet(spec, MERIDIAN_NTP_MODE_CLIENT, TRANSMIT);
}

/* The same way back. */
static struct pkt answer(struct pkt_spec spec)
{
	struct pkt pkt = packet(spec, MERIDIAN_NTP_MODE_SERVER, ORIGIN);
	uint8_t *address = pkt.data + pkt.ip + (spec.ipv6 ? 8 : 12);
	size_t size = spec.ipv6 ? 16 : 4;

	memcpy(address, spec.ipv6 ? pkt_server_ipv6 : pkt_server_ipv4, size);
	memcpy(address + size, spec.ipv6 ? pkt_client_ipv6 : pkt_client_ipv4, size);
	memcpy(pkt.data + pkt.udp, (const uint8_t[]){0, 123, 0x9c, 0x40}, 4);
	return pkt;
}

static void note_sent(const struct pkt *pkt, uint64_t counter, int32_t delay_ns)
{
	struct wire_stamps_way way = {.counter = counter, .delay_ns = delay_ns, .error_ns = 50};

	wire_stamps_note_sent(&wire, pkt->data, pkt->length, &way);
}

static void note_received(const struct pkt *pkt, uint64_t counter, uint64_t error_ns)
{
	struct wire_stamps_arrival arrival = {
		.counter = counter, .error_ns = error_ns, .source = MERIDIAN_STAMP_nic};

	wire_stamps_note_received(&wire, pkt->data, pkt->length, &arrival);
}

static struct meridian_wire_key server_key(bool ipv6)
{
	struct meridian_wire_key key = {
		.family = ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4, .port = 123};

	memcpy(key.address, ipv6 ? pkt_server_ipv6 : pkt_server_ipv4, ipv6 ? 16 : 4);
	memcpy(key.number, number, sizeof(number));
	memcpy(key.answer, times, sizeof(times));
	return key;
}

/* What control finds of the question; 0: nothing. */
static uint64_t sent(bool ipv6)
{
	struct meridian_wire_key key = server_key(ipv6);
	struct meridian_wire_stamp stamp;

	if (meridian_wire_sent(wire.page.addr, &key, &stamp) < 0)
		return 0;
	assert_int_equal(stamp.counter_id, MERIDIAN_COUNTER_TSC);
	assert_int_equal(stamp.error_ns, 50);
	assert_int_equal(stamp.source, MERIDIAN_STAMP_counter);
	return stamp.counter;
}

/* The same of the answer. */
static uint64_t received(bool ipv6)
{
	struct meridian_wire_key key = server_key(ipv6);
	struct meridian_wire_stamp stamp;

	if (meridian_wire_received(wire.page.addr, &key, &stamp) < 0)
		return 0;
	assert_int_equal(stamp.counter_id, MERIDIAN_COUNTER_TSC);
	assert_int_equal(stamp.error_ns, 60);
	assert_int_equal(stamp.source, MERIDIAN_STAMP_nic);
	return stamp.counter;
}

static void forget(void)
{
	struct meridian_wire_stamps *page = wire.page.addr;

	memset(page->entry, 0, sizeof(page->entry));
}

static void notes_questions_and_answers(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 6; i++) {
		struct pkt_spec spec = {.ipv6 = i % 2, .vlan_tags = i / 2, .padding = i};
		struct pkt asked = question(spec), answered = answer(spec);

		forget();
		note_received(&answered, 900, 60);
		assert_int_equal(received(spec.ipv6), 0); /* nobody asked */
		note_sent(&asked, 1000, 0);
		assert_int_equal(sent(spec.ipv6), 1000);
		assert_int_equal(received(spec.ipv6), 0);
		note_received(&answered, 2000, 60);
		assert_int_equal(received(spec.ipv6), 2000);
		assert_int_equal(sent(spec.ipv6), 1000);
	}
}

/* A server in interleaved mode answers to the receive timestamp. */
static void interleaved_questions(void **state)
{
	struct pkt asked = packet((struct pkt_spec){0}, MERIDIAN_NTP_MODE_CLIENT, RECEIVE);
	struct pkt answered = answer((struct pkt_spec){0});

	(void)state;
	note_sent(&asked, 1000, 0);
	note_received(&answered, 2000, 60);
	assert_int_equal(sent(false), 1000);
	assert_int_equal(received(false), 2000);
}

/* The way from the worker to the wire, in ticks, of either sign. */
static void adds_the_way(void **state)
{
	struct pkt asked = question((struct pkt_spec){0});

	(void)state;
	note_sent(&asked, 1000000, 10000);
	assert_int_equal(sent(false), 1000000 + 21000);
	note_sent(&asked, 1000000, -10000);
	assert_int_equal(sent(false), 1000000 - 21000);
	wire_stamps_turn(&wire, MERIDIAN_COUNTER_TSC, UINT64_C(10000000000));
	note_sent(&asked, UINT64_C(1) << 60, INT32_MAX);
	assert_int_equal(sent(false), (UINT64_C(1) << 60) + INT32_MAX * UINT64_C(10));
}

/* Frames that are no question, of which nothing may be noted, whatever their end. */
static void other_frames(void **state)
{
	struct pkt good = question((struct pkt_spec){0}), pkt;

	(void)state;
	for (uint32_t length = 0; length < good.length; length++) {
		pkt = good;
		pkt.length = length;
		note_sent(&pkt, 1000, 0);
		assert_int_equal(sent(false), 0);
	}
#define NOT_NOTED(at, value)                                                                       \
	do {                                                                                       \
		pkt = good;                                                                        \
		pkt.data[at] = (value);                                                            \
		note_sent(&pkt, 1000, 0);                                                          \
		assert_int_equal(sent(false), 0);                                                  \
	} while (0)
	NOT_NOTED(12, 0x86);             /* no type of ours */
	NOT_NOTED(good.ip, 0x46);        /* with options */
	NOT_NOTED(good.ip + 6, 0x20);    /* more fragments */
	NOT_NOTED(good.ip + 7, 1);       /* a later one */
	NOT_NOTED(good.ip + 9, 6);       /* TCP */
	NOT_NOTED(good.payload, 0x24);   /* an answer */
	NOT_NOTED(good.udp + 3, 124);    /* to another port */
	NOT_NOTED(good.ip + 19, 99);     /* of another server */
	NOT_NOTED(good.payload + 47, 9); /* another question */
	note_sent(&good, 1000, 0);
	assert_int_equal(sent(false), 1000);
}

/* A question that comes back, or an answer whose time is not known. */
static void other_answers(void **state)
{
	struct pkt asked = question((struct pkt_spec){0}), answered = answer((struct pkt_spec){0});
	struct pkt mirrored = answered;

	(void)state;
	note_sent(&asked, 1000, 0);
	note_received(&answered, 2000, UINT64_MAX);
	mirrored.data[mirrored.payload] = 0x23;
	note_received(&mirrored, 2000, 60);
	assert_int_equal(received(false), 0);
}

/* Before there is a model, no counter is known; without a page, nothing is written. */
static void without_a_counter_or_a_page(void **state)
{
	struct pkt asked = question((struct pkt_spec){0});
	struct meridian_page none = {.addr = NULL}, page = wire.page;

	(void)state;
	wire_stamps_turn(&wire, MERIDIAN_COUNTER_TSC, 0);
	assert_int_equal(wire_stamps_counter(&wire), MERIDIAN_COUNTER_NONE);
	note_sent(&asked, 1000, 0);
	assert_int_equal(sent(false), 0);
	wire_stamps_turn(&wire, MERIDIAN_COUNTER_TSC, HZ);
	assert_int_equal(wire_stamps_counter(&wire), MERIDIAN_COUNTER_TSC);
	wire.page = none;
	assert_int_equal(wire_stamps_counter(&wire), MERIDIAN_COUNTER_NONE);
	note_sent(&asked, 1000, 0);
	wire.page = page;
	assert_int_equal(sent(false), 0);
}

static void others_may_not_read(void **state)
{
	struct stat of_page, of_rundir;

	assert_int_equal(fstat(wire.page.fd, &of_page), 0);
	assert_int_equal(stat(*state, &of_rundir), 0);
	assert_int_equal(of_page.st_mode & 0777, 0640);
	assert_int_equal(of_page.st_gid, of_rundir.st_gid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(notes_questions_and_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(interleaved_questions, setup, teardown),
		cmocka_unit_test_setup_teardown(adds_the_way, setup, teardown),
		cmocka_unit_test_setup_teardown(other_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(other_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_counter_or_a_page, setup, teardown),
		cmocka_unit_test_setup_teardown(others_may_not_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
