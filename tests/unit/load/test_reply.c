/* SPDX-License-Identifier: BSD-3-Clause */
#include "setup.h"
#include <meridian/ntp.h>
#include <reflect.h>
#include <reply.h>
#include <reply_plain.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECEIVE  UINT64_C(0xec00000000000001)
#define RESIDENT UINT64_C(0x1000)
#define NOW      UINT64_C(0x700000000)
#define AGE      1000
#define REQUEST  77

enum {
	IP = 14,
	UDP = 34,
	NTP = 42
};

static struct traffic traffic;
static uint8_t frame[512];
static uint32_t length;
static struct reply reply;

static void start(bool ipv6, enum request_kind kind)
{
	uint32_t weight[REQUEST_KIND_COUNT] = {0};
	struct traffic_spec spec;

	weight[kind] = 1;
	setup_spec(&spec, ipv6, weight);
	assert_int_equal(traffic_init(&traffic, &spec), 0);
	length = traffic_build(&traffic, REQUEST, NOW - AGE, frame);
	setup_answer(frame, &length, RECEIVE, RECEIVE + RESIDENT);
}

static void expect(enum reply_reason reason)
{
	assert_string_equal(
		reply_reason_name(reply_check(&traffic, frame, length, REQUEST + 10, NOW, &reply)),
		reply_reason_name(reason));
}

static void expect_with_checksums(enum reply_reason reason)
{
	setup_checksum(frame, length);
	expect(reason);
}

static void end(void)
{
	traffic_fini(&traffic);
}

static void takes_good_replies(void **state)
{
	static const enum request_kind kinds[] = {REQUEST_basic, REQUEST_v3, REQUEST_interleaved};

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		for (int i = 0; i < 3; i++) {
			start(ipv6, kinds[i]);
			expect(REPLY_VALID);
			assert_int_equal(reply.request, REQUEST);
			assert_int_equal(reply.age_units, AGE);
			assert_int_equal(reply.receive, RECEIVE);
			assert_int_equal(reply.residence, RESIDENT);
			assert_int_equal(reply.template->kind, kinds[i]);
			assert_false(reply.interleaved);
			end();
		}
	}
}

static void takes_a_reply_without_udp_checksum(void **state)
{
	(void)state;
	start(false, REQUEST_basic);
	memset(frame + UDP + 6, 0, 2);
	expect(REPLY_VALID);
	end();
	start(true, REQUEST_basic);
	memset(frame + 54 + 6, 0, 2);
	expect(REPLY_bad_udp_checksum);
	end();
}

/* One octet is changed; with good checksums over it, or without. */
static void names_what_is_wrong(void **state)
{
	static const struct {
		unsigned int at;
		uint8_t value;
		bool checksums;
		enum reply_reason reason;
	} cases[] = {
		{12, 0x86, false, REPLY_OTHER},
		{IP, 0x46, false, REPLY_bad_ip_header},
		{IP + 3, 200, true, REPLY_bad_ip_header},
		{IP + 8, 1, false, REPLY_bad_ip_checksum},
		{IP + 9, 6, false, REPLY_OTHER},
		{UDP + 1, 124, true, REPLY_OTHER},
		{UDP + 5, 55, false, REPLY_bad_udp_length},
		{UDP + 7, 0xee, false, REPLY_bad_udp_checksum},
		{NTP + 44, 0xee, false, REPLY_bad_udp_checksum},
		{NTP, 0x23, true, REPLY_bad_mode},
		{NTP, 0x25, true, REPLY_bad_mode},
		{NTP, 0x1c, true, REPLY_wrong_version},
		{NTP + 1, 16, true, REPLY_bad_stratum},
		{IP + 13, 1, true, REPLY_wrong_source},
		{IP + 19, 1, true, REPLY_wrong_destination},
		{UDP + 3, 1, true, REPLY_wrong_destination},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(false, REQUEST_basic);
		assert_int_not_equal(frame[cases[i].at], cases[i].value);
		frame[cases[i].at] = cases[i].value;
		if (cases[i].checksums)
			expect_with_checksums(cases[i].reason);
		else
			expect(cases[i].reason);
		end();
	}
}

static void refuses_other_origins(void **state)
{
	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		start(false, REQUEST_basic);
		frame[NTP + 24 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		setup_checksum(frame, length);
		assert_int_not_equal(
			reply_check(&traffic, frame, length, REQUEST + 10, NOW, &reply),
			REPLY_VALID);
		end();
	}
	start(false, REQUEST_basic);
	memset(frame + NTP + 24, 0, 8);
	expect_with_checksums(REPLY_wrong_origin);
	end();
}

/* Of a request that was not sent yet, or that is due in the future. */
static void refuses_what_cannot_be(void **state)
{
	(void)state;
	start(false, REQUEST_basic);
	assert_int_equal(
		reply_check(&traffic, frame, length, REQUEST, NOW, &reply), REPLY_wrong_origin);
	assert_int_equal(
		reply_check(&traffic, frame, length, REQUEST + 1, NOW, &reply), REPLY_VALID);
	assert_int_equal(reply_check(&traffic, frame, length, REQUEST + 1, NOW - AGE - 1, &reply),
		REPLY_wrong_origin);
	end();
}

static void refuses_wrong_times(void **state)
{
	(void)state;
	start(false, REQUEST_basic);
	memset(frame + NTP + 32, 0, 8);
	expect_with_checksums(REPLY_zero_timestamp);
	end();
	start(false, REQUEST_basic);
	frame[NTP + 47] = 0;
	frame[NTP + 46] = 0;
	expect_with_checksums(REPLY_transmit_before_receive);
	end();
}

static void refuses_lengths(void **state)
{
	(void)state;
	start(false, REQUEST_basic);
	frame[IP + 3] = 20 + 8 + 44;
	frame[UDP + 5] = 8 + 44;
	expect_with_checksums(REPLY_short_payload);
	end();
	start(false, REQUEST_basic);
	length += 4;
	frame[IP + 3] += 4;
	frame[UDP + 5] += 4;
	expect_with_checksums(REPLY_longer_than_request);
	end();
	start(false, REQUEST_basic);
	for (uint32_t cut = 0; cut < length; cut++)
		assert_int_not_equal(
			reply_check(&traffic, frame, cut, REQUEST + 1, NOW, &reply), REPLY_VALID);
	end();
}

static void refuses_an_answer_to_malformed_requests(void **state)
{
	(void)state;
	start(false, REQUEST_malformed);
	length = traffic_build(&traffic, 1, NOW, frame); /* version 0 */
	setup_answer(frame, &length, RECEIVE, RECEIVE + 1);
	expect(REPLY_answered_malformed);
	end();
}

static void verifies_macs(void **state)
{
	(void)state;
	start(false, REQUEST_symmetric);
	expect(REPLY_wrong_mac); /* the request's, over other octets */
	mac_write(&traffic.spec.key, frame + NTP, 48, 20);
	expect_with_checksums(REPLY_VALID);
	frame[NTP + 48 + 19] ^= 1;
	expect_with_checksums(REPLY_wrong_mac);
	frame[NTP + 51] ^= 1;
	expect_with_checksums(REPLY_missing_mac);
	length = 90;
	frame[IP + 3] = 76;
	frame[UDP + 5] = 56;
	expect_with_checksums(REPLY_missing_mac);
	frame[NTP + 1] = 0; /* a kiss may come without */
	expect_with_checksums(REPLY_VALID);
	end();
}

/* The transmit timestamp of an interleaved reply belongs to the receive timestamp before it. */
static void knows_interleaved_replies(void **state)
{
	uint32_t client;

	(void)state;
	start(false, REQUEST_interleaved);
	client = clients_index(&traffic.spec.clients[0], REQUEST);
	traffic.last_receive[0][client] = RECEIVE;
	length = traffic_build(&traffic, REQUEST, NOW - AGE, frame);
	memcpy(frame + NTP + 40, frame + NTP + 32, 8); /* what the reply echoes */
	setup_answer(frame, &length, RECEIVE + (UINT64_C(64) << 32), RECEIVE + RESIDENT);
	expect(REPLY_VALID);
	assert_true(reply.interleaved);
	assert_int_equal(reply.residence, RESIDENT);
	assert_true(reply.resided);
	traffic.last_receive[0][client] = RECEIVE + (UINT64_C(64) << 32); /* a reply overtook it */
	expect(REPLY_VALID);
	assert_false(reply.resided);
	end();
}

/* What the plain check takes, the other finds valid, with the same facts. Returns what it says. */
static bool expect_same(void)
{
	struct reply plain, reference;

	memset(&plain, 0, sizeof(plain));
	memset(&reference, 0, sizeof(reference));
	if (!reply_check_plain(&traffic, frame, length, REQUEST + 10, NOW, &plain))
		return false;
	assert_int_equal(
		reply_check(&traffic, frame, length, REQUEST + 10, NOW, &reference), REPLY_VALID);
	assert_memory_equal(&plain, &reference, sizeof(plain));
	return true;
}

static void plain_check_takes_good_replies(void **state)
{
	static const enum request_kind kinds[] = {REQUEST_basic, REQUEST_v3};

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		for (int i = 0; i < 2; i++) {
			start(ipv6, kinds[i]);
			assert_true(expect_same());
			length += 6; /* padding */
			assert_true(expect_same());
			end();
		}
	}
}

/* Changes up to two bits behind the MAC addresses. Returns whether the lengths are as before. */
static bool change(void)
{
	uint8_t before[sizeof(frame)];
	unsigned int udp = frame[12] == 0x86 ? 54 : UDP;

	memcpy(before, frame, sizeof(frame));
	for (int changes = rand() % 3; changes > 0; changes--)
		frame[12 + (unsigned int)rand() % (length - 12)] ^= (uint8_t)(1 << rand() % 8);
	return memcmp(frame + 12, before + 12, 8) == 0 &&
		memcmp(frame + udp + 4, before + udp + 4, 2) == 0;
}

/* Also under good checksums, which hide nothing. */
static void plain_check_takes_nothing_else(void **state)
{
	static const enum request_kind kinds[] = {
		REQUEST_basic, REQUEST_v3, REQUEST_interleaved, REQUEST_symmetric};
	unsigned int taken = 0, valid = 0;

	(void)state;
	srand(1);
	for (unsigned int i = 0; i < 40000; i++) {
		start(rand() % 2, kinds[i % 4]);
		if (change() && rand() % 4)
			setup_checksum(frame, length);
		if (rand() % 8 == 0)
			length -= (uint32_t)rand() % length;
		taken += expect_same();
		valid += reply_check(&traffic, frame, length, REQUEST + 10, NOW, &reply) ==
			REPLY_VALID;
		end();
	}
	assert_in_range(taken, 4000, valid);
}

/* The VLAN is the request's, whatever the priority; a frame without tag is not. */
static void knows_the_vlan(void **state)
{
	uint32_t weight[REQUEST_KIND_COUNT] = {[REQUEST_basic] = 1};
	struct traffic_spec spec;

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		setup_spec(&spec, ipv6, weight);
		spec.vlan = 0x123;
		assert_int_equal(traffic_init(&traffic, &spec), 0);
		length = traffic_build(&traffic, REQUEST, NOW - AGE, frame);
		assert_memory_equal(frame + 12, "\x81\x00\x01\x23", 4);
		assert_true(reflect_frame(frame, &length, RECEIVE, RECEIVE + RESIDENT));
		expect(REPLY_VALID);
		assert_true(expect_same());
		frame[14] |= 0xe0;
		expect(REPLY_VALID);
		assert_true(expect_same());
		frame[15] ^= 1;
		expect(REPLY_OTHER);
		assert_false(expect_same());
		memmove(frame + 12, frame + 16, length - 16);
		length -= 4;
		expect(REPLY_OTHER);
		assert_false(expect_same());
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_good_replies),
		cmocka_unit_test(takes_a_reply_without_udp_checksum),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(refuses_other_origins),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(refuses_wrong_times),
		cmocka_unit_test(refuses_lengths),
		cmocka_unit_test(refuses_an_answer_to_malformed_requests),
		cmocka_unit_test(verifies_macs),
		cmocka_unit_test(knows_interleaved_replies),
		cmocka_unit_test(plain_check_takes_good_replies),
		cmocka_unit_test(plain_check_takes_nothing_else),
		cmocka_unit_test(knows_the_vlan),
	};

	return cmocka_run_group_tests_name("load-reply", tests, NULL, NULL);
}
