/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"
#include <arpa/inet.h>
#include <reply.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	uint64_t ns;
	uint32_t seconds; /* 16.16 */
} roundings[] = {
	{0, 0},
	{1, 1},
	{15258, 1},
	{15259, 2},
	{500000000, 0x8000},
	{500000001, 0x8001},
	{999999999, 0x10000},
	{1000000000, 0x10000},
	{65535000000000, 0xffff0000},
	{65535999999999, UINT32_MAX}, /* rounds up to 2^32 and saturates */
	{65536000000000, UINT32_MAX},
	{UINT64_MAX / 2, UINT32_MAX},
};

static void rounds_errors_up(void **state)
{
	struct meridian_timemodel_data model = fixture_model();
	struct meridian_ntp_header common;

	(void)state;
	for (size_t i = 0; i < sizeof(roundings) / sizeof(roundings[0]); i++) {
		model.root_delay_ns = model.root_dispersion_ns = roundings[i].ns;
		reply_prepare(&common, &model, true, FIXTURE_COUNTER);
		assert_int_equal(ntohl(common.root_delay), roundings[i].seconds);
		assert_int_equal(ntohl(common.root_dispersion), roundings[i].seconds);
	}
}

static void grows_the_dispersion(void **state)
{
	struct meridian_timemodel_data model = fixture_model();
	struct meridian_ntp_header common;

	(void)state;
	model.root_dispersion_ns = 0;
	model.dispersion_rate_ppb = 1000000;
	reply_prepare(&common, &model, true, fixture_counter(FIXTURE_UTC_S + 1000, 0));
	assert_int_equal(ntohl(common.root_dispersion), 0x10001);
	assert_int_equal(ntohl(common.root_delay), 66);
}

static void copies_the_reference(void **state)
{
	struct meridian_timemodel_data model = fixture_model();
	struct meridian_ntp_header common;

	(void)state;
	model.precision_log2 = -25;
	reply_prepare(&common, &model, true, FIXTURE_COUNTER);
	assert_int_equal(common.stratum, 2);
	assert_int_equal(common.precision, -25);
	assert_int_equal(ntohl(common.refid), 0xc0000263);
	assert_int_equal(ntohl(common.reference.seconds), FIXTURE_UTC_S - 16 + 2208988800);
	assert_int_equal(ntohl(common.reference.fraction), 0x40000000);
	model.reference_s = 0;
	reply_prepare(&common, &model, true, FIXTURE_COUNTER);
	assert_int_equal(common.reference.seconds, 0);
	assert_int_equal(common.reference.fraction, 0);
}

static void shows_nothing_of_an_unsynchronised_clock(void **state)
{
	struct meridian_timemodel_data model = fixture_model();
	struct meridian_ntp_header expected = {
		.precision = -32, .root_delay = htonl(0x10000), .root_dispersion = htonl(0x10000)};
	struct meridian_ntp_header common;

	(void)state;
	reply_prepare(&common, &model, false, FIXTURE_COUNTER);
	assert_memory_equal(&common, &expected, sizeof(common));
}

static void writes_the_header(void **state)
{
	const struct request request = {.version = 1,
		.reply_mode = 4,
		.poll = 17,
		.transmit = UINT64_C(0x1122334455667788)};
	static const uint8_t expected[PKT_NTP_SIZE] = {0x4c, 9, 17, 0xe8, 0, 0, 0, 1, 0, 0, 0, 2, 0,
		0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0,
		0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9};
	struct meridian_ntp_header common = {.stratum = 9,
		.precision = -24,
		.root_delay = htonl(1),
		.root_dispersion = htonl(2),
		.refid = htonl(3),
		.reference = {htonl(4), htonl(5)}};
	uint8_t payload[PKT_NTP_SIZE];

	(void)state;
	memset(payload, 0xaa, sizeof(payload));
	reply_write(payload, &common, &request, MERIDIAN_NTP_LI_INSERT, UINT64_C(6) << 32 | 7);
	reply_set_transmit(payload, UINT64_C(8) << 32 | 9);
	assert_memory_equal(payload, expected, sizeof(expected));
	assert_int_equal(reply_origin(payload), request.transmit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_errors_up),
		cmocka_unit_test(grows_the_dispersion),
		cmocka_unit_test(copies_the_reference),
		cmocka_unit_test(shows_nothing_of_an_unsynchronised_clock),
		cmocka_unit_test(writes_the_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
