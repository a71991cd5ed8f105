/* SPDX-License-Identifier: BSD-3-Clause */

/* The acceptance matrix on the pure reply path: plain, and with every engine. */

#include "fixture.h"
#include "pkt.h"
#include <arpa/inet.h>
#include <burst_engine.h>
#include <matrix.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRANSMIT UINT64_C(0x4d45520000000002)
#define POLL_AT  2

static const struct matrix_wire wire = {
	.server_mac = {0x02, 0, 0, 0, 0, 0x05}, .client_mac = {0x02, 0, 0, 0, 0, 0x0c}};

struct matrix_blob {
	struct meridian_policy_blob blob;
	struct meridian_policy_address address[2];
	struct meridian_policy_access access[3];
};

static void set_address(uint8_t *to, int family, const char *text)
{
	assert_int_equal(inet_pton(family, text, to), 1);
}

static struct meridian_policy_access rule(int family, const char *text, uint8_t prefix_len)
{
	struct meridian_policy_access rule = {.allow = 1, .prefix_len = prefix_len};
	uint8_t octets[16] = {0};

	rule.family = family == AF_INET ? MERIDIAN_FAMILY_IPV4 : MERIDIAN_FAMILY_IPV6;
	set_address(octets, family, text);
	for (unsigned int bit = 0; bit < prefix_len; bit++)
		rule.octets[bit / 8] |= (uint8_t)(octets[bit / 8] & 0x80 >> bit % 8);
	return rule;
}

/* Serves the matrix's servers, allows its clients' networks. */
static struct responder_policy *policy_new(void)
{
	struct matrix_blob all = {
		.blob = {.generation = 1,
			.size = sizeof(all),
			.nics.offset = sizeof(all),
			.queues.offset = sizeof(all),
			.workers.offset = sizeof(all),
			.addresses = {offsetof(struct matrix_blob, address), 2},
			.access = {offsetof(struct matrix_blob, access), 3}},
		.address = {{.family = MERIDIAN_FAMILY_IPV6}, {.family = MERIDIAN_FAMILY_IPV4}},
		.access = {rule(AF_INET, MATRIX_CLIENT_IPV4, MATRIX_PREFIX_IPV4),
			rule(AF_INET6, MATRIX_CLIENT_IPV6, MATRIX_PREFIX_IPV6),
			rule(AF_INET6, MATRIX_CLIENT_LINK, MATRIX_PREFIX_IPV6)},
	};
	struct responder_policy *policy;

	set_address(all.address[0].octets, AF_INET6, MATRIX_SERVER_IPV6);
	set_address(all.address[1].octets, AF_INET, MATRIX_SERVER_IPV4);
	assert_int_equal(meridian_policy_check(&all.blob, sizeof(all)), 0);
	assert_int_equal(responder_policy_new(&policy, &all.blob), 0);
	return policy;
}

static struct keyring *keyring_of_matrix(void)
{
	struct {
		struct meridian_keys_blob blob;
		struct meridian_key key;
		char secret[sizeof(MATRIX_KEY_SECRET) - 1];
	} all = {.blob = {.generation = 1, .size = sizeof(all), .count = 1},
		.key = {.id = MATRIX_KEY,
			.offset = offsetof(__typeof__(all), secret),
			.length = sizeof(all.secret),
			.type = MERIDIAN_KEY_SHA256}};
	struct keyring *keyring;

	memcpy(all.secret, MATRIX_KEY_SECRET, sizeof(all.secret));
	assert_int_equal(meridian_keys_check(&all.blob, sizeof(all)), 0);
	assert_int_equal(keyring_new(&keyring, &all.blob), 0);
	return keyring;
}

static void assert_signed(
	const struct responder *responder, const struct matrix_row *row, const uint8_t *reply)
{
	uint32_t number = keyring_find(responder->keyring, MATRIX_KEY);

	assert_true(
		mac_good(keyring_key(responder->keyring, number), reply, PKT_NTP_SIZE, row->rest));
	assert_int_equal(mac_id(reply + PKT_NTP_SIZE), MATRIX_KEY);
}

/* What every answer must be, headers and all. */
static void assert_answer(const struct matrix_row *row, const struct fixture_frame *f, uint32_t ntp)
{
	uint32_t length = PKT_NTP_SIZE + (row->is_signed ? row->rest : 0), udp = ntp - 8,
		 ip = udp - (row->ipv6 ? 40 : 20), address = row->ipv6 ? 16 : 4;
	const uint8_t *was = f->before, *now = f->frame.data;
	const uint8_t *addresses_was = was + udp - 2 * address,
		      *addresses = now + udp - 2 * address;

	/* A reply of version 5 is as long as its request, whose UDP length is this. */
	if ((now[ntp] >> 3 & 7) == 5)
		length = (uint32_t)(was[udp + 4] << 8 | was[udp + 5]) - 8;
	assert_int_equal(f->frame.length, ntp + length);
	assert_true(f->frame.length <= f->length);
	assert_memory_equal(now, was + 6, 6);
	assert_memory_equal(now + 6, was, 6);
	assert_memory_equal(now + 12, was + 12, ip - 12); /* tags and type */
	assert_memory_equal(addresses, addresses_was + address, address);
	assert_memory_equal(addresses + address, addresses_was, address);
	assert_memory_equal(now + udp, was + udp + 2, 2);
	assert_memory_equal(now + udp + 2, was + udp, 2);
	assert_true(row->ipv6 || pkt_checksum_ipv4_good(now + ip));
	assert_true(pkt_checksum_udp_good(now + ip, now + udp, row->ipv6));
	assert_int_equal(now[ntp], matrix_reply_first(row));
	assert_int_equal(now[ntp + POLL_AT], (uint8_t)row->poll);
	assert_int_equal(pkt_u64(now + ntp + 24), row->no_transmit ? 0 : TRANSMIT);
	assert_true(pkt_u64(now + ntp + 40) > pkt_u64(now + ntp + 32));
}

/* Only a client of an older version is told of version 5, and only where it is spoken. */
static void assert_upgrade(const struct responder *responder, const struct matrix_row *row,
	const uint8_t *request, const uint8_t *reply)
{
	bool told = memcmp(reply + 16, "NTP5DRFT", 8) == 0;

	if ((request[0] >> 3 & 7) < 5)
		assert_int_equal(
			told, row->upgrade && (request[0] & 7) == 3 && responder->policy->ntpv5);
}

static void try_row(struct responder *responder, const struct matrix_row *row)
{
	enum meridian_verdict expected =
		responder->policy->ntpv5 ? matrix_verdict_ntpv5(row) : row->verdict;
	struct matrix_frame frame[MATRIX_FRAMES_MAX];
	unsigned int count = matrix_build(row, &wire, TRANSMIT, frame);

	for (unsigned int i = 0; i < count; i++) {
		const uint64_t receive = FIXTURE_COUNTER + 1000;
		enum meridian_verdict verdict;
		struct fixture_frame f;

		fixture_frame_init(&f, frame[i].octets, frame[i].length);
		f.frame.mac = frame_mac(wire.server_mac);
		fixture_serve(responder, &f, &receive, 1, receive + 1000, &verdict);
		if (verdict != expected)
			fail_msg("%s: %s, expected %s", row->name, meridian_verdict_name(verdict),
				meridian_verdict_name(expected));
		if (meridian_verdict_outcome(verdict) == MERIDIAN_OUTCOME_ANSWER) {
			assert_answer(row, &f, frame[i].ntp);
			if (row->is_signed)
				assert_signed(responder, row, f.frame.data + frame[i].ntp);
			assert_upgrade(responder, row, f.before + frame[i].ntp,
				f.frame.data + frame[i].ntp);
		} else {
			assert_true(fixture_frame_unchanged(&f));
		}
		fixture_frame_fini(&f);
	}
}

static void gives_every_frame_its_verdict(void **state)
{
	const struct burst_engine *engine = *(const struct burst_engine *const *)*state;
	struct meridian_timemodel_data model = fixture_model();
	struct responder_policy *policy = policy_new();
	struct keyring *keyring = keyring_of_matrix();
	struct responder responder;

	responder_init(&responder, 1, NULL);
	responder.engine = engine;
	responder.keyring = keyring;
	responder_begin(&responder, &model, policy, FIXTURE_COUNTER, 0);
	for (int ntpv5 = 0; ntpv5 < 2; ntpv5++) {
		policy->ntpv5 = ntpv5;
		for (size_t i = 0; i < matrix_row_count; i++)
			try_row(&responder, &matrix_rows[i]);
	}
	print_message("# %zu rows\n", matrix_row_count);
	keyring_free(keyring);
	responder_policy_free(policy);
}

static void names_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < matrix_row_count; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(matrix_rows[i].name, matrix_rows[k].name);
}

/* NULL: none. */
static const struct burst_engine *engines[] = {NULL, &burst_engine_plain, &burst_engine_avx512};

#define TEST(name, engine)                                                                         \
	{                                                                                          \
		name, gives_every_frame_its_verdict, NULL, NULL, engine                            \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("frame by frame", &engines[0]),
		TEST("bursts in plain C", &engines[1]),
		TEST("bursts with AVX-512", &engines[2]),
		cmocka_unit_test(names_are_unique),
	};

	if (!burst_engine_has_avx512()) {
		print_message("# no AVX-512 here: plain C is tested in its place\n");
		engines[2] = &burst_engine_plain;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
