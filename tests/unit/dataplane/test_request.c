/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt.h"
#include <request.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define V(version, mode) ((uint8_t)((version) << 3 | (mode)))

/* In a buffer of exactly `length` octets. */
static enum meridian_verdict parse(
	const uint8_t *payload, size_t length, uint16_t sport, struct request *ret_request)
{
	uint8_t *exact = malloc(length ? length : 1);
	enum meridian_verdict verdict;

	assert_non_null(exact);
	memcpy(exact, payload, length);
	verdict = request_parse(exact, (uint16_t)length, sport, false, ret_request);
	free(exact);
	return verdict;
}

/* The rows of the acceptance matrix: a header, extension fields, and octets after them. */
static const struct {
	const char *what;
	uint8_t li_vn_mode;
	uint16_t extension[3]; /* lengths */
	uint16_t rest;
	uint16_t sport; /* 0: 40000 */
	enum meridian_verdict verdict;
} rows[] = {
	{"version 4", V(4, 3), {0}, 0, 0, MERIDIAN_VERDICT_answered},
	{"version 3", V(3, 3), {0}, 0, 0, MERIDIAN_VERDICT_answered},
	{"version 2", V(2, 3), {0}, 0, 0, MERIDIAN_VERDICT_answered},
	{"version 1", V(1, 3), {0}, 0, 0, MERIDIAN_VERDICT_answered},
	{"version 0", V(0, 3), {0}, 0, 0, MERIDIAN_VERDICT_bad_version},
	{"version 0, mode 0", V(0, 0), {0}, 0, 0, MERIDIAN_VERDICT_bad_version},
	{"version 5", V(5, 3), {0}, 0, 0, MERIDIAN_VERDICT_bad_version},
	{"version 6", V(6, 3), {0}, 0, 0, MERIDIAN_VERDICT_bad_version},
	{"version 7", V(7, 3), {0}, 0, 0, MERIDIAN_VERDICT_bad_version},
	{"leap 3 of a fresh client", 0xc0 | V(4, 3), {0}, 0, 0, MERIDIAN_VERDICT_answered},
	{"from port 123", V(4, 3), {0}, 0, 123, MERIDIAN_VERDICT_answered},
	{"from port 1", V(4, 3), {0}, 0, 1, MERIDIAN_VERDICT_answered},
	{"mode 1", V(4, 1), {0}, 0, 123, MERIDIAN_VERDICT_answered},
	{"mode 2", V(4, 2), {0}, 0, 123, MERIDIAN_VERDICT_bad_mode},
	{"mode 4", V(4, 4), {0}, 0, 123, MERIDIAN_VERDICT_bad_mode},
	{"mode 5", V(4, 5), {0}, 0, 123, MERIDIAN_VERDICT_bad_mode},
	{"mode 6", V(2, 6), {0}, 0, 0, MERIDIAN_VERDICT_bad_mode},
	{"mode 7", V(2, 7), {0}, 0, 0, MERIDIAN_VERDICT_bad_mode},
	{"mode 0, version 1", V(1, 0), {0}, 0, 0, MERIDIAN_VERDICT_answered},
	{"mode 0, version 1, port 123", V(1, 0), {0}, 0, 123, MERIDIAN_VERDICT_bad_mode},
	{"mode 0, version 2", V(2, 0), {0}, 0, 0, MERIDIAN_VERDICT_bad_mode},
	{"mode 0, version 4", V(4, 0), {0}, 0, 0, MERIDIAN_VERDICT_bad_mode},
	{"49 octets", V(4, 3), {0}, 1, 0, MERIDIAN_VERDICT_bad_length},
	{"51 octets", V(4, 3), {0}, 3, 0, MERIDIAN_VERDICT_bad_length},
	{"crypto-NAK", V(4, 3), {0}, 4, 0, MERIDIAN_VERDICT_bad_length},
	{"8 more", V(4, 3), {0}, 8, 0, MERIDIAN_VERDICT_bad_length},
	{"12 more", V(4, 3), {0}, 12, 0, MERIDIAN_VERDICT_bad_length},
	{"16 more", V(4, 3), {0}, 16, 0, MERIDIAN_VERDICT_bad_length},
	{"MAC of 20", V(4, 3), {0}, 20, 0, MERIDIAN_VERDICT_answered},
	{"22 more", V(4, 3), {0}, 22, 0, MERIDIAN_VERDICT_bad_length},
	{"MAC of 24", V(4, 3), {0}, 24, 0, MERIDIAN_VERDICT_answered},
	{"version 3, 4 more", V(3, 3), {0}, 4, 0, MERIDIAN_VERDICT_bad_length},
	{"version 3, 12 more", V(3, 3), {0}, 12, 0, MERIDIAN_VERDICT_bad_length},
	{"version 3, MAC of 20", V(3, 3), {0}, 20, 0, MERIDIAN_VERDICT_answered},
	{"version 3, MAC of 24", V(3, 3), {0}, 24, 0, MERIDIAN_VERDICT_answered},
	{"version 3 has no extensions", V(3, 3), {28}, 44, 0, MERIDIAN_VERDICT_bad_length},
	{"version 3, MAC of 28", V(3, 3), {0}, 28, 0, MERIDIAN_VERDICT_answered},
	{"version 3, MAC of 68", V(3, 3), {0}, 68, 0, MERIDIAN_VERDICT_answered},
	{"version 2, MAC of 20", V(2, 3), {0}, 20, 0, MERIDIAN_VERDICT_answered},
	{"version 3, MS-SNTP extended", V(3, 3), {0}, 72, 0, MERIDIAN_VERDICT_bad_length},
	{"one extension", V(4, 3), {28}, 0, 0, MERIDIAN_VERDICT_answered},
	{"long extension", V(4, 3), {1024}, 0, 0, MERIDIAN_VERDICT_answered},
	{"three extensions", V(4, 3), {16, 32, 28}, 0, 0, MERIDIAN_VERDICT_answered},
	{"extension and MAC of 20", V(4, 3), {16}, 20, 0, MERIDIAN_VERDICT_answered},
	{"extension and MAC of 24", V(4, 3), {16, 16}, 24, 0, MERIDIAN_VERDICT_answered},
	{"extension and 4 more", V(4, 3), {28}, 4, 0, MERIDIAN_VERDICT_bad_length},
	{"last extension of 16", V(4, 3), {28, 16}, 0, 0, MERIDIAN_VERDICT_bad_length},
	{"longest packet", V(4, 3), {1068}, 24, 0, MERIDIAN_VERDICT_answered},
	{"too long a packet", V(4, 3), {1096}, 0, 0, MERIDIAN_VERDICT_bad_length},
	{"mode 1 with a MAC", V(4, 1), {0}, 20, 0, MERIDIAN_VERDICT_answered},
	{"mode 6 with data", V(2, 6), {0}, 12, 0, MERIDIAN_VERDICT_bad_mode},
};

static void accepts_what_the_matrix_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t payload[PKT_MAX];
		size_t length = PKT_NTP_SIZE;
		struct request request;

		print_message("# %s\n", rows[i].what);
		pkt_ntp(payload, rows[i].li_vn_mode, 7);
		for (int e = 0; e < 3 && rows[i].extension[e]; e++)
			length = pkt_extension(payload, length, 0x0104, rows[i].extension[e]);
		memset(payload + length, 0, rows[i].rest);
		length += rows[i].rest;
		assert_int_equal(
			parse(payload, length, rows[i].sport ? rows[i].sport : 40000, &request),
			rows[i].verdict);
		if (rows[i].verdict == MERIDIAN_VERDICT_answered)
			assert_int_equal(request.mac, rows[i].rest);
	}
}

static void refuses_every_short_length(void **state)
{
	uint8_t payload[PKT_NTP_SIZE];
	struct request request;

	(void)state;
	pkt_ntp(payload, V(4, 3), 7);
	for (size_t length = 0; length < PKT_NTP_SIZE; length++)
		assert_int_equal(
			parse(payload, length, 40000, &request), MERIDIAN_VERDICT_bad_length);
}

/* A field that claims another length than it has, none of them may lead outside. */
static void refuses_wrong_extension_lengths(void **state)
{
	static const uint16_t lengths[] = {0, 3, 4, 12, 15, 17, 30, 36, 64, 0x7ffc, 0xfffc, 0xffff};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint8_t payload[PKT_MAX];
		struct request request;
		size_t length;

		pkt_ntp(payload, V(4, 3), 7);
		length = pkt_extension(payload, PKT_NTP_SIZE, 0x0104, 32);
		payload[PKT_NTP_SIZE + 2] = (uint8_t)(lengths[i] >> 8);
		payload[PKT_NTP_SIZE + 3] = (uint8_t)lengths[i];
		assert_int_equal(
			parse(payload, length, 40000, &request), MERIDIAN_VERDICT_bad_extension);
	}
}

static void tells_what_the_reply_needs(void **state)
{
	uint8_t payload[PKT_NTP_SIZE];
	struct request request;

	(void)state;
	pkt_ntp(payload, V(3, 1), UINT64_C(0x0123456789abcdef));
	payload[2] = (uint8_t)-3;
	assert_int_equal(parse(payload, sizeof(payload), 123, &request), MERIDIAN_VERDICT_answered);
	assert_int_equal(request.version, 3);
	assert_int_equal(request.reply_mode, 2);
	assert_int_equal(request.poll, -3);
	assert_int_equal(request.transmit, UINT64_C(0x0123456789abcdef));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_the_matrix_says),
		cmocka_unit_test(refuses_every_short_length),
		cmocka_unit_test(refuses_wrong_extension_lengths),
		cmocka_unit_test(tells_what_the_reply_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
