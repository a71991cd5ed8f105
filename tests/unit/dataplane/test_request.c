/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt.h"
#include <matrix.h>
#include <request.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

/* Who has a MAC gets as far as the search for its key. */
static bool is_good(enum meridian_verdict verdict)
{
	return verdict == MERIDIAN_VERDICT_answered || verdict == MERIDIAN_VERDICT_unknown_key ||
		verdict == MERIDIAN_VERDICT_bad_mac;
}

/* The verdict is about the NTP packet, not about what carries it or who sent it. */
static bool is_of_ntp(enum meridian_verdict verdict)
{
	return is_good(verdict) || verdict == MERIDIAN_VERDICT_bad_version ||
		verdict == MERIDIAN_VERDICT_bad_mode || verdict == MERIDIAN_VERDICT_bad_length ||
		verdict == MERIDIAN_VERDICT_bad_extension;
}

static void try_row(const struct matrix_row *row)
{
	static const struct matrix_wire wire;
	struct matrix_frame frame[MATRIX_FRAMES_MAX];
	struct request request;
	const uint8_t *udp;
	size_t length;
	enum meridian_verdict verdict;

	matrix_build(row, &wire, 7, frame);
	udp = frame[0].octets + frame[0].ntp - 8;
	length = (size_t)(udp[4] << 8 | udp[5]) - 8;
	verdict = parse(udp + 8, length, (uint16_t)(udp[0] << 8 | udp[1]), &request);
	if (is_good(verdict) != is_good(row->verdict) ||
		(!is_good(verdict) && verdict != row->verdict))
		fail_msg("%s: %s, expected %s", row->name, meridian_verdict_name(verdict),
			meridian_verdict_name(row->verdict));
	if (!is_good(verdict))
		return;
	if (row->verdict == MERIDIAN_VERDICT_answered && !row->is_signed)
		assert_int_equal(request.mac, 0);
	else
		assert_int_equal(request.mac, request.version < 4 ? length - 48 : row->rest);
}

static void accepts_what_the_matrix_says(void **state)
{
	unsigned int rows = 0;

	(void)state;
	for (size_t i = 0; i < matrix_row_count; i++) {
		if (!is_of_ntp(matrix_rows[i].verdict))
			continue;
		try_row(&matrix_rows[i]);
		rows++;
	}
	print_message("# %u rows\n", rows);
	assert_true(rows > 100);
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
