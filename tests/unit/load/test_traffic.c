/* SPDX-License-Identifier: BSD-3-Clause */
#include "setup.h"
#include <meridian/ntp.h>
#include <pkt.h>
#include <reflect.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <token.h>

#include <cmocka.h>

static struct traffic traffic;
static uint8_t frame[TRAFFIC_FRAME_MAX];

static void start(bool ipv6, const uint32_t weight[REQUEST_KIND_COUNT])
{
	struct traffic_spec spec;

	setup_spec(&spec, ipv6, weight);
	assert_int_equal(traffic_init(&traffic, &spec), 0);
}

/* Of every kind and family, by the slow sum of the tests. */
static void writes_good_checksums(void **state)
{
	static const uint32_t all[REQUEST_KIND_COUNT] = {4, 1, 1, 1, 1};

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		unsigned int spoiled = 0, malformed = 0;

		start(ipv6, all);
		for (uint64_t request = 0; request < 20000; request++) {
			const struct traffic_template *template =
				traffic_template(&traffic, request);
			uint32_t length = traffic_build(&traffic, request, request * 977, frame);

			assert_int_equal(length, template->length);
			malformed += template->kind == REQUEST_malformed;
			if (template->spoil) {
				assert_false(setup_checksum_good(frame));
				spoiled++;
				continue;
			}
			assert_true(setup_checksum_good(frame));
		}
		assert_in_range(spoiled, malformed / 4 - 1, malformed / 4 + 1);
		traffic_fini(&traffic);
	}
}

static void writes_the_request(void **state)
{
	static const uint32_t basic[REQUEST_KIND_COUNT] = {1};
	const uint8_t *ntp = frame + 42;
	struct token token;

	(void)state;
	start(false, basic);
	assert_int_equal(traffic_build(&traffic, 5, 0x123456789, frame), 90);
	assert_memory_equal(frame, "\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00\x45", 15);
	assert_memory_equal(frame + 30, "\xc0\0\2\1", 4);
	assert_memory_equal(frame + 36, "\0\x7b\0\x38", 4);
	assert_int_equal(ntp[0], 0x23);
	for (int i = 4; i < 40; i++)
		assert_int_equal(ntp[i], 0);
	assert_true(token_open(traffic.spec.token_key, pkt_u64(ntp + 40), &token));
	assert_int_equal(token.number, 5);
	assert_int_equal(token.due, 0x23456789);
	assert_false(token.receive);
	traffic_fini(&traffic);
}

static void tags_frames(void **state)
{
	static const uint32_t basic[REQUEST_KIND_COUNT] = {1};
	struct traffic_spec spec;

	(void)state;
	setup_spec(&spec, true, basic);
	spec.vlan = 0x123;
	assert_int_equal(traffic_init(&traffic, &spec), 0);
	assert_int_equal(traffic_build(&traffic, 0, 0, frame), 114);
	assert_memory_equal(frame + 12, "\x81\0\1\x23\x86\xdd\x60", 7);
	traffic_fini(&traffic);
}

/* Each kind gets its share, without long runs of one kind. */
static void mixes_by_weight(void **state)
{
	static const uint32_t weight[REQUEST_KIND_COUNT] = {8, 0, 1, 0, 1};
	unsigned int count[REQUEST_KIND_COUNT] = {0}, since_v3 = 0;

	(void)state;
	start(false, weight);
	for (uint64_t request = 0; request < TRAFFIC_SLOTS; request++) {
		unsigned int kind = traffic_template(&traffic, request)->kind;

		count[kind]++;
		since_v3 = kind == REQUEST_v3 ? 0 : since_v3 + 1;
		assert_in_range(since_v3, 0, 12);
	}
	assert_int_equal(count[REQUEST_interleaved] + count[REQUEST_symmetric], 0);
	assert_in_range(count[REQUEST_basic], 819, 820);
	assert_in_range(count[REQUEST_v3], 102, 103);
	assert_in_range(count[REQUEST_malformed], 102, 103);
	traffic_fini(&traffic);
}

/* However small the share of a kind is beside the others: in 1024 requests there is one of it. */
static void leaves_out_no_kind(void **state)
{
	static const uint32_t weights[][REQUEST_KIND_COUNT] = {{1, 1000, 1000, 1000, 1},
		{1, 1, 1, 1000, 1000}, {1000, 1000, 1000, 1000, 1}, {1, 1, 1, 1, 1000}};

	(void)state;
	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
		unsigned int count[REQUEST_KIND_COUNT] = {0};

		start(false, weights[i]);
		for (uint64_t request = 0; request < TRAFFIC_SLOTS; request++)
			count[traffic_template(&traffic, request)->kind]++;
		for (int kind = 0; kind < REQUEST_KIND_COUNT; kind++)
			assert_in_range(count[kind], 1, TRAFFIC_SLOTS);
		traffic_fini(&traffic);
	}
}

static void signs_requests(void **state)
{
	static const uint32_t symmetric[REQUEST_KIND_COUNT] = {[REQUEST_symmetric] = 1};

	(void)state;
	start(false, symmetric);
	assert_int_equal(traffic_build(&traffic, 3, 99, frame), 90 + 20);
	assert_memory_equal(frame + 90, "\0\0\0\7", 4);
	assert_true(mac_good(&traffic.spec.key, frame + 42, 48, 20));
	traffic_fini(&traffic);
}

/* Interleaved only once there is a reply to refer to (RFC 9769 section 2). */
static void interleaves(void **state)
{
	static const uint32_t interleaved[REQUEST_KIND_COUNT] = {[REQUEST_interleaved] = 1};
	const uint64_t last = UINT64_C(0xec00112233445567);
	struct token token;
	uint32_t client;

	(void)state;
	start(false, interleaved);
	client = clients_index(&traffic.spec.clients[0], 4);
	traffic_build(&traffic, 4, 0, frame);
	assert_int_equal(pkt_u64(frame + 42 + 24), 0);
	assert_int_equal(pkt_u64(frame + 42 + 32), 0);
	traffic.last_receive[0][client] = last;
	traffic_build(&traffic, 4, 0, frame);
	assert_int_equal(pkt_u64(frame + 42 + 24), last);
	assert_true(token_open(traffic.spec.token_key, pkt_u64(frame + 42 + 32), &token));
	assert_true(token.receive);
	assert_int_not_equal(pkt_u64(frame + 42 + 32), pkt_u64(frame + 42 + 40));
	traffic_fini(&traffic);
}

static void scrambles_tokens(void **state)
{
	unsigned int taken = 0;
	struct token token;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t number = i * 977 & TOKEN_NUMBER_MASK, due = i * UINT64_C(0x123456789);
		uint64_t value = token_make(~i, number, due, i & 1);

		assert_true(token_open(~i, value, &token));
		assert_int_equal(token.number, number);
		assert_int_equal(token.due, (uint32_t)due);
		assert_int_equal(token.receive, i & 1);
		taken += token_open(~i, value ^ UINT64_C(1) << i % 64, &token);
	}
	assert_in_range(taken, 0, 100000 / 16);
}

static void reflects(void **state)
{
	static const uint32_t basic[REQUEST_KIND_COUNT] = {1};
	uint64_t receive = UINT64_C(0xec00000000000001), origin;
	uint32_t length;

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		uint8_t *ntp = frame + (ipv6 ? 62 : 42);

		start(ipv6, basic);
		length = traffic_build(&traffic, 17, 0, frame);
		origin = pkt_u64(ntp + 40);
		assert_true(reflect_frame(frame, &length, receive, receive + 1));
		assert_true(setup_checksum_good(frame));
		assert_memory_equal(frame, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
		assert_int_equal(ntp[0], 0x24);
		assert_int_equal(ntp[1], 1);
		assert_int_equal(pkt_u64(ntp + 24), origin);
		assert_int_equal(pkt_u64(ntp + 32), receive);
		assert_int_equal(pkt_u64(ntp + 40), receive + 1);
		assert_false(reflect_frame(frame, &length, receive, receive)); /* a reply */
		traffic_fini(&traffic);
	}
}

static void builds_bursts_as_single_requests(void **state)
{
	static const uint32_t all[REQUEST_KIND_COUNT] = {4, 1, 1, 1, 1};
	static uint8_t burst[64][TRAFFIC_FRAME_MAX];
	uint64_t due_units[64];
	uint16_t length[64];
	uint8_t *to[64];

	(void)state;
	for (unsigned int i = 0; i < 64; i++) {
		due_units[i] = 1000 + 7 * i;
		to[i] = burst[i];
	}
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		start(ipv6, all);
		for (unsigned int count = 1; count <= 64; count += 9) {
			traffic_build_burst(&traffic, 100, due_units, count, to, length);
			for (unsigned int i = 0; i < count; i++) {
				assert_int_equal(length[i],
					traffic_build(&traffic, 100 + i, due_units[i], frame));
				assert_memory_equal(burst[i], frame, length[i]);
			}
		}
		traffic_fini(&traffic);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_good_checksums),
		cmocka_unit_test(writes_the_request),
		cmocka_unit_test(tags_frames),
		cmocka_unit_test(mixes_by_weight),
		cmocka_unit_test(leaves_out_no_kind),
		cmocka_unit_test(signs_requests),
		cmocka_unit_test(interleaves),
		cmocka_unit_test(scrambles_tokens),
		cmocka_unit_test(reflects),
		cmocka_unit_test(builds_bursts_as_single_requests),
	};

	return cmocka_run_group_tests_name("load-traffic", tests, NULL, NULL);
}
