/* SPDX-License-Identifier: BSD-3-Clause */

/* Golden octets of the messages, in both directions. */

#include "candm.h"
#include <math.h>
#include <meridian/policy.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct candm_wire writer(uint8_t *octets, size_t size)
{
	memset(octets, 0, size);
	return (struct candm_wire){.octets = octets, .size = size};
}

static struct candm_wire reader(uint8_t *octets, size_t size)
{
	return (struct candm_wire){.octets = octets, .size = size, .decode = true};
}

static void float_golden(void **state)
{
	static const struct {
		double value;
		uint32_t wire;
	} table[] = {
		{0, 0x00000000},
		{1, 0x04800000},
		{-1, 0x05800000},
		{0.5, 0x02800000},
		{64, 0x10800000},
		{1e-6, 0xdc8637bd},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(candm_float_encode(table[i].value), table[i].wire);
	/* Another spelling of -1, which chronyd uses. */
	assert_true(candm_float_decode(0x03000000) == -1);
}

static void float_extremes(void **state)
{
	const double largest = ldexp((1 << 24) - 1, 63 - 25), lowest = -ldexp(1 << 24, 63 - 25);

	(void)state;
	assert_int_equal(candm_float_encode(NAN), 0);
	assert_int_equal(candm_float_encode(-0.0), 0);
	assert_int_equal(candm_float_encode(1e-40), 0);
	assert_true(candm_float_decode(candm_float_encode(INFINITY)) == largest);
	assert_true(candm_float_decode(candm_float_encode(-INFINITY)) == lowest);
	assert_true(candm_float_decode(candm_float_encode(1e300)) == largest);
	assert_true(candm_float_decode(candm_float_encode(-1e300)) == lowest);
	assert_true(candm_float_decode(candm_float_encode(largest)) == largest);
	/* Rounds up to a power of two that does not fit. */
	assert_true(candm_float_decode(candm_float_encode(ldexp(1, 62))) == largest);
	/* Smallest step: coefficient 1 with the lowest exponent. */
	assert_int_equal(candm_float_encode(ldexp(1, -89)), 0x80000001);
	assert_true(candm_float_decode(0x80000001) == ldexp(1, -89));
	assert_true(candm_float_decode(0x81ffffff) == -ldexp(1, -89));
}

static void float_round_trip(void **state)
{
	(void)state;
	for (int exponent = -60; exponent < 60; exponent++) {
		for (int step = 0; step < 71; step++) {
			double value = ldexp(0.5 + step * 0.00704, exponent);
			double back = candm_float_decode(candm_float_encode(value));

			assert_true(fabs(back - value) <= value * 0x1p-24);
			assert_true(candm_float_decode(candm_float_encode(-value)) == -back);
			/* What was decoded once is exact from then on. */
			assert_true(candm_float_decode(candm_float_encode(back)) == back);
		}
	}
}

static void request_golden(void **state)
{
	static const uint8_t golden[CANDM_REQUEST_SIZE] = {
		6, 1, 0, 0, 0, 33, 0, 2, 0xde, 0xad, 0xbe, 0xef};
	struct candm_request request = {.version = 6,
		.type = CANDM_TYPE_REQUEST,
		.command = CANDM_COMMAND_TRACKING,
		.attempt = 2,
		.sequence = 0xdeadbeef};
	struct candm_request back;
	uint8_t octets[CANDM_REQUEST_SIZE];
	struct candm_wire wire = writer(octets, sizeof(octets));

	(void)state;
	candm_request(&wire, &request);
	assert_int_equal(wire.at, CANDM_REQUEST_SIZE);
	assert_memory_equal(octets, golden, sizeof(golden));
	wire = reader(octets, sizeof(octets));
	candm_request(&wire, &back);
	assert_int_equal(back.command, CANDM_COMMAND_TRACKING);
	assert_int_equal(back.attempt, 2);
	assert_int_equal(back.sequence, 0xdeadbeef);
}

static void reply_golden(void **state)
{
	static const uint8_t golden[CANDM_REPLY_SIZE] = {
		6, 2, 0, 0, 0, 33, 0, 5, 0, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
	struct candm_reply reply = {.version = 6,
		.type = CANDM_TYPE_REPLY,
		.command = CANDM_COMMAND_TRACKING,
		.reply = CANDM_REPLY_TRACKING,
		.status = CANDM_STATUS_NO_SOURCE,
		.sequence = 0x01020304};
	uint8_t octets[CANDM_REPLY_SIZE];
	struct candm_wire wire = writer(octets, sizeof(octets));

	(void)state;
	candm_reply(&wire, &reply);
	assert_int_equal(wire.at, CANDM_REPLY_SIZE);
	assert_memory_equal(octets, golden, sizeof(golden));
}

static void tracking_golden(void **state)
{
	static const uint8_t golden[CANDM_TRACKING_SIZE] = {
		192, 0, 2, 1,                                                 /* reference ID */
		192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, /* address */
		0, 2, 0, 1,                                                   /* stratum, leap */
		0, 0, 0, 0, 0x6b, 0x49, 0xd2, 0x00, 0x1d, 0xcd, 0x65, 0x00,   /* time */
		0x04, 0x80, 0, 0,                                             /* 1 */
		0x02, 0x80, 0, 0,                                             /* 0.5 */
		0x10, 0x80, 0, 0,                                             /* 64 */
	};
	struct report_tracking tracking = {.refid = 0xc0000201,
		.address = {.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4},
		.stratum = 2,
		.leap = 1,
		.reference = {1800000000, UINT64_C(1) << 63},
		.current_correction_s = 1,
		.last_offset_s = 0.5,
		.rms_offset_s = 64};
	struct report_tracking back;
	uint8_t octets[CANDM_TRACKING_SIZE];
	struct candm_wire wire = writer(octets, sizeof(octets));

	(void)state;
	candm_tracking(&wire, &tracking);
	assert_int_equal(wire.at, CANDM_TRACKING_SIZE);
	assert_memory_equal(octets, golden, sizeof(golden));
	wire = reader(octets, sizeof(octets));
	candm_tracking(&wire, &back);
	assert_false(wire.overrun);
	assert_int_equal(back.reference.s, 1800000000);
	assert_int_equal(back.reference.frac64 >> 32, UINT32_C(1) << 31);
	assert_true(back.rms_offset_s == 64);
	assert_int_equal(back.address.family, MERIDIAN_FAMILY_IPV4);
}

static void time_of_32_bit_sender(void **state)
{
	struct report_tracking tracking = {.reference = {INT64_C(0x7fffffff) << 32 | 5, 0}};
	uint8_t octets[CANDM_TRACKING_SIZE];
	struct candm_wire wire = writer(octets, sizeof(octets));

	(void)state;
	candm_tracking(&wire, &tracking);
	wire = reader(octets, sizeof(octets));
	candm_tracking(&wire, &tracking);
	assert_int_equal(tracking.reference.s, 5);
}

static void source_golden(void **state)
{
	static const uint8_t golden[CANDM_SOURCE_DATA_SIZE] = {
		0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 0, 0, /* address */
		0xff, 0xfe, 0, 3,         /* poll, stratum */
		0, 4, 0, 0, 0, 0, 0, 255, /* state: combined, mode, flags, reachability */
		0xff, 0xff, 0xff, 0xff,   /* no sample yet */
		0x04, 0x80, 0, 0,         /* 1 */
		0x02, 0x80, 0, 0,         /* 0.5 */
		0x10, 0x80, 0, 0,         /* 64 */
	};
	struct report_source source = {
		.address = {.octets = {0x20, 1, 0xd, 0xb8, [15] = 9},
			.family = MERIDIAN_FAMILY_IPV6},
		.poll_log2 = -2,
		.stratum = 3,
		.state = REPORT_SOURCE_COMBINED,
		.reachability = 255,
		.sample_age_s = UINT32_MAX,
		.original_offset_s = 1,
		.offset_s = 0.5,
		.error_s = 64,
	};
	struct report_source back = {.refid = 0};
	uint8_t octets[CANDM_SOURCE_DATA_SIZE];
	struct candm_wire wire = writer(octets, sizeof(octets));
	uint32_t id = 1;

	(void)state;
	candm_source_data(&wire, &source, &id);
	assert_int_equal(wire.at, CANDM_SOURCE_DATA_SIZE);
	assert_memory_equal(octets, golden, sizeof(golden));
	wire = reader(octets, sizeof(octets));
	candm_source_data(&wire, &back, &id);
	assert_int_equal(id, 0);
	assert_int_equal(back.poll_log2, -2);
	assert_int_equal(back.state, REPORT_SOURCE_COMBINED);
	assert_memory_equal(back.address.octets, source.address.octets, 16);
}

/* Left out is 5 on the wire, combined 4: the other way round than the names sort. */
static void source_states(void **state)
{
	static const uint8_t numbers[] = {
		[REPORT_SOURCE_SELECTED] = 0,
		[REPORT_SOURCE_NONSELECTABLE] = 1,
		[REPORT_SOURCE_FALSETICKER] = 2,
		[REPORT_SOURCE_JITTERY] = 3,
		[REPORT_SOURCE_UNSELECTED] = 5,
		[REPORT_SOURCE_COMBINED] = 4,
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(numbers); i++) {
		struct report_source source = {.state = (enum report_source_state)i};
		uint8_t octets[CANDM_SOURCE_DATA_SIZE];
		struct candm_wire wire = writer(octets, sizeof(octets));
		uint32_t id = 0;

		candm_source_data(&wire, &source, &id);
		assert_int_equal(octets[25], numbers[i]);
		wire = reader(octets, sizeof(octets));
		candm_source_data(&wire, &source, &id);
		assert_int_equal(source.state, i);
	}
}

static void source_without_address(void **state)
{
	struct report_source unresolved = {.name = "x"}, clock = {.refid = 0x50505330}, back;
	uint8_t octets[CANDM_SOURCE_DATA_SIZE];
	struct candm_wire wire = writer(octets, sizeof(octets));
	uint32_t id = 7;

	(void)state;
	candm_source_data(&wire, &unresolved, &id);
	assert_int_equal(octets[17], 3);
	wire = reader(octets, sizeof(octets));
	id = 0;
	memset(&back, 0, sizeof(back));
	candm_source_data(&wire, &back, &id);
	assert_int_equal(id, 7);
	assert_int_equal(back.address.family, 0);
	assert_int_equal(back.refid, 0);

	wire = writer(octets, sizeof(octets));
	candm_source_data(&wire, &clock, &id);
	assert_memory_equal(octets, "PPS0", 4);
	assert_int_equal(octets[27], 2);
	wire = reader(octets, sizeof(octets));
	candm_source_data(&wire, &back, &id);
	assert_int_equal(back.refid, 0x50505330);
	assert_int_equal(back.address.family, 0);
}

static void server_stats_layouts(void **state)
{
	struct report_server server = {.ntp_hits = UINT64_C(0x100000002),
		.ntp_drops = 3,
		.command_hits = 4,
		.command_drops = 5,
		.daemon_rx = 6,
		.daemon_tx = 7,
		.hardware_tx = 8,
		.authenticated = 12,
		.interleaved = 9,
		.interleave_held = 10,
		.interleave_span_s = 11};
	struct report_server back = {0};
	uint8_t octets[CANDM_SERVER_STATS4_SIZE];
	struct candm_wire wire = writer(octets, sizeof(octets));

	(void)state;
	candm_server_stats3(&wire, &server);
	assert_int_equal(wire.at, CANDM_SERVER_STATS3_SIZE);
	assert_int_equal(octets[3], 2);
	assert_int_equal(octets[11], 4);
	assert_int_equal(octets[15], 3);
	assert_int_equal(octets[23], 5);
	wire = writer(octets, sizeof(octets));
	candm_server_stats4(&wire, &server);
	assert_int_equal(wire.at, CANDM_SERVER_STATS4_SIZE);
	assert_int_equal(octets[7 * 8 + 7], 12);
	assert_int_equal(octets[8 * 8 + 7], 9);
	assert_int_equal(octets[9 * 8 + 7], 10);
	assert_int_equal(octets[10 * 8 + 7], 11);
	assert_int_equal(octets[11 * 8 + 7], 6);
	assert_int_equal(octets[12 * 8 + 7], 7);
	assert_int_equal(octets[16 * 8 + 7], 8);
	wire = reader(octets, sizeof(octets));
	candm_server_stats4(&wire, &back);
	assert_memory_equal(&back, &server, sizeof(server));
}

static void sizes(void **state)
{
	uint8_t octets[CANDM_REPLY_MAX];
	struct report_source source = {.name = NULL};
	struct report_activity activity = {1, 2, 3, 4, 5};
	struct candm_wire wire = writer(octets, sizeof(octets));
	char name[CANDM_NAME_SIZE + 1] = "name";
	uint32_t id = 0;

	(void)state;
	candm_sourcestats(&wire, &source, &id);
	assert_int_equal(wire.at, CANDM_SOURCESTATS_SIZE);
	wire = writer(octets, sizeof(octets));
	candm_activity(&wire, &activity);
	assert_int_equal(wire.at, CANDM_ACTIVITY_SIZE);
	wire = writer(octets, sizeof(octets));
	candm_name(&wire, name);
	assert_int_equal(wire.at, CANDM_NAME_SIZE);
	wire = writer(octets, sizeof(octets));
	candm_address(&wire, &source.address, &id);
	assert_int_equal(wire.at, CANDM_ADDRESS_SIZE);
}

static void name_without_end(void **state)
{
	uint8_t octets[CANDM_NAME_SIZE];
	struct candm_wire wire = reader(octets, sizeof(octets));
	char name[CANDM_NAME_SIZE + 1];

	(void)state;
	memset(octets, 'a', sizeof(octets));
	candm_name(&wire, name);
	assert_int_equal(strlen(name), CANDM_NAME_SIZE);
}

/* Every shortened message is noticed and leaves nothing undefined. */
static void short_messages(void **state)
{
	uint8_t octets[CANDM_TRACKING_SIZE];
	struct report_tracking tracking;

	(void)state;
	memset(octets, 0xff, sizeof(octets));
	for (size_t size = 0; size < sizeof(octets); size++) {
		struct candm_wire wire = reader(octets, size);

		candm_tracking(&wire, &tracking);
		assert_true(wire.overrun);
		assert_true(wire.at <= size);
		assert_true(tracking.last_update_interval_s == 0);
	}
}

static void ntp_data_comes_back(void **state)
{
	uint8_t octets[CANDM_NTP_DATA2_SIZE] = {0};
	struct candm_wire wire = {.octets = octets, .size = sizeof(octets)};
	struct report_ntp back,
		ntp = {
			.remote = {.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4},
			.local = {.octets = {0x20, 1}, .family = MERIDIAN_FAMILY_IPV6},
			.port = 123,
			.leap = 1,
			.version = 4,
			.mode = 4,
			.stratum = 2,
			.poll_log2 = -3,
			.precision_log2 = -25,
			.root_delay_s = 0.5,
			.root_dispersion_s = 0.25,
			.refid = 0x47505300,
			.reference = {1800000000, 0},
			.offset_s = -0.125,
			.delay_s = 0.0625,
			.dispersion_s = 0.5,
			.response_s = 0.25,
			.asymmetry = -0.5,
			.tests = 0x3ef,
			.interleaved = true,
			.transmit_stamp = 'K',
			.receive_stamp = 'H',
			.requests = 1,
			.received = 2,
			.valid = 3,
			.good = 4,
			.kernel_transmits = 5,
			.kernel_receives = 6,
			.hardware_transmits = 7,
			.hardware_receives = 8,
			.dataplane_receive = true,
			.dataplane_transmits = 9,
			.dataplane_receives = 10,
			.dataplane_refused = 11,
		};

	(void)state;
	candm_ntp_data2(&wire, &ntp);
	assert_int_equal(wire.at, sizeof(octets));
	assert_int_equal(octets[92] << 8 | octets[93], 0x43ef);
	wire = (struct candm_wire){.octets = octets, .size = sizeof(octets), .decode = true};
	memset(&back, 0, sizeof(back));
	candm_ntp_data2(&wire, &back);
	assert_memory_equal(&back.remote, &ntp.remote, sizeof(ntp.remote));
	assert_memory_equal(&back.local, &ntp.local, sizeof(ntp.local));
	assert_int_equal(back.poll_log2, -3);
	assert_int_equal(back.precision_log2, -25);
	assert_int_equal(back.reference.s, 1800000000);
	assert_true(back.offset_s == -0.125 && back.asymmetry == -0.5);
	assert_int_equal(back.tests, 0x3ef);
	assert_true(back.interleaved);
	assert_int_equal(back.transmit_stamp, 'K');
	assert_int_equal(back.receive_stamp, 'H');
	assert_int_equal(back.good, 4);
	assert_int_equal(back.hardware_receives, 8);
	assert_false(back.dataplane_transmit);
	assert_true(back.dataplane_receive);
	assert_int_equal(back.dataplane_transmits, 9);
	assert_int_equal(back.dataplane_receives, 10);
	assert_int_equal(back.dataplane_refused, 11);
}

/* Of a control that knows of no dataplane's stamps, as of chronyd, the end is all ones. */
static void ntp_data_of_others(void **state)
{
	uint8_t octets[CANDM_NTP_DATA2_SIZE];
	struct candm_wire wire = {.octets = octets, .size = sizeof(octets), .decode = true};
	struct report_ntp back;

	(void)state;
	memset(octets, 0xff, sizeof(octets));
	candm_ntp_data2(&wire, &back);
	assert_false(wire.overrun);
	assert_false(back.dataplane_transmit || back.dataplane_receive);
	assert_int_equal(back.dataplane_transmits, 0);
	assert_int_equal(back.dataplane_receives, 0);
	assert_int_equal(back.dataplane_refused, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(float_golden),
		cmocka_unit_test(float_extremes),
		cmocka_unit_test(float_round_trip),
		cmocka_unit_test(request_golden),
		cmocka_unit_test(reply_golden),
		cmocka_unit_test(tracking_golden),
		cmocka_unit_test(ntp_data_comes_back),
		cmocka_unit_test(ntp_data_of_others),
		cmocka_unit_test(time_of_32_bit_sender),
		cmocka_unit_test(source_golden),
		cmocka_unit_test(source_states),
		cmocka_unit_test(source_without_address),
		cmocka_unit_test(server_stats_layouts),
		cmocka_unit_test(sizes),
		cmocka_unit_test(name_without_end),
		cmocka_unit_test(short_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
