/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"
#include "seed.h"
#include <arpa/inet.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HZ      UINT64_C(1000000000)
#define START_S INT64_C(1800000000)

static const struct timescale timescale = {.hz = HZ, .utc = {START_S, 0}};
static struct packet_request request;
static struct meridian_ntp_header header;

static struct meridian_ntp_timestamp timestamp(double seconds)
{
	struct meridian_utc utc = timescale_utc_add((struct meridian_utc){START_S, 0}, seconds);

	return (struct meridian_ntp_timestamp){
		.seconds = htonl((uint32_t)((uint64_t)utc.s + MERIDIAN_NTP_UNIX_OFFSET_S)),
		.fraction = htonl((uint32_t)(utc.frac64 >> 32))};
}

/* An exchange of 100 us each way, 10 us in the server, whose clock is 1 ms ahead. */
static int setup(void **state)
{
	(void)state;
	request = (struct packet_request){.version = 4,
		.transmit = {1, 2, 3, 4, 5, 6, 7, 8},
		.max_delay_s = 3,
		.max_delay_ratio_s = INFINITY,
		.max_delay_dev_s = INFINITY,
		.our_refid = 0x0a000001,
		.max_distance_s = 3,
		.precision_s = 1e-9,
		.timescale = &timescale,
		.t1 = 10 * HZ,
		.t4 = 10 * HZ + 210000};
	header = (struct meridian_ntp_header){.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(0, 4, 4),
		.stratum = 2,
		.poll = 6,
		.precision = -30,
		.root_delay = htonl(65536 / 2),
		.root_dispersion = htonl(65536 / 4),
		.refid = htonl(0x0a000002),
		.reference = timestamp(5),
		.receive = timestamp(10.0011),
		.transmit = timestamp(10.00111)};
	memcpy(&header.origin, request.transmit, 8);
	return 0;
}

static enum packet_verdict check(struct packet_response *response)
{
	uint8_t buffer[sizeof(header)];

	memcpy(buffer, &header, sizeof(header));
	return packet_response_check(&request, buffer, sizeof(buffer), response);
}

static void expect(enum packet_verdict verdict)
{
	struct packet_response response;
	enum packet_verdict got = check(&response);

	if (got != verdict)
		fail_msg("\"%s\" instead of \"%s\"", packet_verdict_text(got),
			packet_verdict_text(verdict));
}

static void test_request_says_nothing(void **state)
{
	uint8_t buffer[MERIDIAN_NTP_HEADER_SIZE];

	(void)state;
	packet_request_write(&request, buffer);
	assert_int_equal(buffer[0], 0x23);
	for (int i = 1; i < 40; i++)
		assert_int_equal(buffer[i], 0);
	assert_memory_equal(buffer + 40, request.transmit, 8);
}

static void test_good_response(void **state)
{
	struct packet_response response;

	(void)state;
	assert_int_equal(check(&response), PACKET_OK);
	assert_int_equal(response.stratum, 2);
	assert_int_equal(response.refid, 0x0a000002);
	assert_int_equal(response.reference.s, START_S + 5);
	assert_true(fabs(response.sample.offset_s - 1e-3) < 1e-9);
	assert_true(fabs(response.sample.delay_s - 200e-6) < 1e-9);
	assert_true(response.sample.root_delay_s == 0.5 + 0x1p-16);
	assert_true(response.sample.root_dispersion_s == 0.25 + 0x1p-16);
	assert_int_equal(response.sample.counter, 10 * HZ + 105000);
}

static void test_length(void **state)
{
	uint8_t buffer[52] = {0};
	struct packet_response response;

	(void)state;
	for (size_t length = 0; length < 48; length++)
		assert_int_equal(
			packet_response_check(&request, buffer, length, &response), PACKET_LENGTH);
	memcpy(buffer, &header, sizeof(header));
	assert_int_equal(packet_response_check(&request, buffer, 50, &response), PACKET_LENGTH);
	assert_int_equal(packet_response_check(&request, buffer, 52, &response), PACKET_OK);
}

static void test_version_and_mode(void **state)
{
	(void)state;
	header.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(0, 3, 4);
	expect(PACKET_VERSION);
	header.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(0, 5, 4);
	expect(PACKET_VERSION);
	for (unsigned int mode = 0; mode < 8; mode++) {
		header.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(0, 4, mode);
		expect(mode == 4 ? PACKET_OK : PACKET_MODE);
	}
}

static void test_origin(void **state)
{
	(void)state;
	memset(&header.origin, 0, sizeof(header.origin));
	expect(PACKET_ORIGIN);
}

/* A kiss that does not answer our request has no effect. */
static void test_kiss(void **state)
{
	(void)state;
	header.stratum = 0;
	header.refid = htonl(MERIDIAN_NTP_KISS_RATE);
	expect(PACKET_KISS_RATE);
	header.refid = htonl(MERIDIAN_NTP_KISS_DENY);
	expect(PACKET_KISS_DENY);
	header.refid = htonl(MERIDIAN_NTP_KISS_RSTR);
	expect(PACKET_KISS_RSTR);
	header.refid = htonl(MERIDIAN_NTP_REFID('X', 'Y', 'Z', 0));
	expect(PACKET_KISS_OTHER);
	header.origin.seconds ^= 1;
	expect(PACKET_ORIGIN);
}

static void test_zero_times(void **state)
{
	(void)state;
	memset(&header.receive, 0, sizeof(header.receive));
	expect(PACKET_ZERO);
	setup(NULL);
	memset(&header.transmit, 0, sizeof(header.transmit));
	expect(PACKET_ZERO);
}

static void test_unsynchronised(void **state)
{
	(void)state;
	header.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(3, 4, 4);
	expect(PACKET_UNSYNCHRONISED);
	header.stratum = 0;
	header.refid = 0;
	expect(PACKET_UNSYNCHRONISED);
}

static void test_stratum(void **state)
{
	(void)state;
	header.stratum = 15;
	expect(PACKET_OK);
	header.stratum = 16;
	expect(PACKET_STRATUM);
	header.stratum = 255;
	expect(PACKET_STRATUM);
}

static void test_root_fields_rounded_down(void **state)
{
	struct packet_response response;

	(void)state;
	header.root_delay = header.root_dispersion = 0;
	assert_int_equal(check(&response), PACKET_OK);
	assert_true(response.sample.root_delay_s == 0);
	assert_true(response.sample.root_dispersion_s == 0);
	header.stratum = 1;
	header.root_delay = header.root_dispersion = htonl(1);
	assert_int_equal(check(&response), PACKET_OK);
	assert_true(response.sample.root_delay_s == 0x1p-16);
	assert_true(response.sample.root_dispersion_s == 0x1p-16);
}

static void test_root_distance(void **state)
{
	(void)state;
	header.root_dispersion = htonl(3 * 65536);
	expect(PACKET_ROOT_DISTANCE);
	header.root_dispersion = htonl(0);
	header.root_delay = htonl(UINT32_MAX);
	expect(PACKET_ROOT_DISTANCE);
	setup(NULL);
	request.max_distance_s = 0.5; /* the path's delay is on top of 0.25 + 0.25 */
	expect(PACKET_ROOT_DISTANCE);
}

static void test_reference_time(void **state)
{
	(void)state;
	header.reference = timestamp(11);
	expect(PACKET_REFERENCE);
	memset(&header.reference, 0, sizeof(header.reference));
	expect(PACKET_OK);
}

static void test_loop(void **state)
{
	(void)state;
	header.refid = htonl(request.our_refid);
	expect(PACKET_LOOP);
	header.stratum = 1; /* there, a reference ID is a name */
	expect(PACKET_OK);
}

static void test_order(void **state)
{
	(void)state;
	header.receive = timestamp(10.00112);
	expect(PACKET_ORDER);
	header.precision = -15; /* the server's noise may be as large as that */
	expect(PACKET_OK);
	header.precision = 127;
	header.receive = timestamp(10.1);
	expect(PACKET_ORDER);
}

static void test_delay(void **state)
{
	(void)state;
	header.transmit = timestamp(10.0014); /* the server took longer than we waited */
	expect(PACKET_NEGATIVE);
	setup(NULL);
	request.t4 = request.t1 + 4 * HZ;
	request.max_distance_s = 10;
	expect(PACKET_DELAY);
	setup(NULL);
	request.max_delay_s = 199e-6;
	request.max_delay_ratio_s = 199e-6;
	expect(PACKET_DELAY);
	request.max_delay_s = 201e-6;
	expect(PACKET_DELAY_RATIO);
	request.max_delay_ratio_s = 201e-6;
	request.max_delay_dev_s = 199e-6;
	expect(PACKET_DELAY_DEV);
	request.max_delay_dev_s = 201e-6;
	expect(PACKET_OK);
}

/* A second exchange, 16 s later, and the first one's measured transmit time: 5 us after what the
 * first answer said. */
static void interleave(void)
{
	request.interleaved = true;
	memset(request.receive, 9, sizeof(request.receive));
	request.earlier =
		(struct packet_exchange){.t1 = request.t1, .t4 = request.t4, .t2 = header.receive};
	request.t1 += 16 * HZ;
	request.t4 += 16 * HZ;
	memcpy(&header.origin, request.receive, 8);
	header.receive = timestamp(26.0011);
	header.transmit = timestamp(10.001115);
	header.reference = timestamp(20);
}

static void test_interleaved_request(void **state)
{
	struct meridian_ntp_header written;
	uint8_t buffer[MERIDIAN_NTP_HEADER_SIZE];

	(void)state;
	interleave();
	packet_request_write(&request, buffer);
	memcpy(&written, buffer, sizeof(written));
	assert_memory_equal(&written.origin, &request.earlier.t2, 8);
	assert_memory_equal(&written.receive, request.receive, 8);
	assert_memory_equal(&written.transmit, request.transmit, 8);
}

static void test_interleaved_answer_completes_the_earlier_exchange(void **state)
{
	struct packet_response response;

	(void)state;
	interleave();
	assert_int_equal(check(&response), PACKET_OK);
	assert_true(response.interleaved);
	assert_int_equal(response.sample.counter, 10 * HZ + 105000);
	assert_int_equal(response.from, request.earlier.t1);
	assert_int_equal(response.to, request.earlier.t4);
	assert_true(fabs(response.sample.offset_s - 1.0025e-3) < 1e-9);
	assert_true(fabs(response.sample.delay_s - 195e-6) < 1e-9);
	assert_memory_equal(&response.receive, &header.receive, 8);
}

static void test_server_falls_back_to_basic(void **state)
{
	struct packet_response response;

	(void)state;
	interleave();
	memcpy(&header.origin, request.transmit, 8);
	header.transmit = timestamp(26.00111);
	assert_int_equal(check(&response), PACKET_OK);
	assert_false(response.interleaved);
	assert_int_equal(response.sample.counter, 26 * HZ + 105000);
	assert_int_equal(response.from, request.t1);
	assert_int_equal(response.to, request.t4);
}

static void test_interleaved_answers_that_are_not_believed(void **state)
{
	(void)state;
	/* Nobody asked for it. */
	interleave();
	request.interleaved = false;
	expect(PACKET_ORIGIN);
	/* The receive time of the earlier exchange again. */
	setup(NULL);
	interleave();
	header.receive = request.earlier.t2;
	header.reference = timestamp(5);
	expect(PACKET_ORDER);
	/* A transmit time from before the request came, of long after, and none. */
	setup(NULL);
	interleave();
	header.transmit = timestamp(10.0010);
	expect(PACKET_ORDER);
	header.transmit = timestamp(10.001099);
	expect(PACKET_OK);
	header.transmit = timestamp(10.002);
	expect(PACKET_NEGATIVE);
	header.transmit = timestamp(26.00111);
	expect(PACKET_NEGATIVE);
	memset(&header.transmit, 0, sizeof(header.transmit));
	expect(PACKET_ZERO);
}

static void test_asymmetry(void **state)
{
	struct sample sample = {.offset_s = 1e-3, .delay_s = 300e-6, .dispersion_s = 1e-6};

	(void)state;
	/* The request was 100 us late: the source seems to be ahead by half of it. */
	sample_correct(&sample, 200e-6, -0.5);
	assert_true(fabs(sample.offset_s - 950e-6) < 1e-12);
	assert_true(fabs(sample.dispersion_s - 51e-6) < 1e-12);
	sample.delay_s = 100e-6;
	sample_correct(&sample, 200e-6, 0.5);
	assert_true(fabs(sample.offset_s - 950e-6) < 1e-12);
}

static void test_version_of_the_request(void **state)
{
	uint8_t buffer[MERIDIAN_NTP_HEADER_SIZE];

	(void)state;
	request.version = 3;
	packet_request_write(&request, buffer);
	assert_int_equal(buffer[0], 0x1b);
	expect(PACKET_VERSION);
	header.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(0, 3, 4);
	expect(PACKET_OK);
}

static void test_next_era(void **state)
{
	struct packet_response response;

	(void)state;
	header.receive = header.transmit = (struct meridian_ntp_timestamp){htonl(100), 0};
	header.reference = (struct meridian_ntp_timestamp){htonl(99), 0};
	assert_int_equal(check(&response), PACKET_OK);
	assert_int_equal(response.reference.s, INT64_C(2085978496) + 99);
}

static void test_random_octets_are_survived(void **state)
{
	struct seed seed = seed_init("packet");

	(void)state;
	for (unsigned int i = 0; i < 200000; i++) {
		uint8_t buffer[72];
		struct packet_response response;
		size_t length = seed_next(&seed) % (sizeof(buffer) + 1);
		enum packet_verdict verdict;

		for (size_t k = 0; k < sizeof(buffer); k += 8) {
			uint64_t bits = seed_next(&seed);

			memcpy(buffer + k, &bits, 8);
		}
		if (i % 2)
			memcpy(buffer + 24, request.transmit, 8);
		verdict = packet_response_check(&request, buffer, length, &response);
		assert_true(verdict < PACKET_VERDICT_COUNT);
		if (verdict == PACKET_OK)
			assert_true(response.sample.delay_s > 0 &&
				sample_distance(&response.sample) <= request.max_distance_s);
	}
}

static void test_verdicts_have_texts(void **state)
{
	(void)state;
	assert_string_equal(packet_verdict_text(PACKET_DELAY), "delay above maxdelay (test A)");
	for (int i = 0; i < PACKET_VERDICT_COUNT; i++)
		assert_true(strlen(packet_verdict_text((enum packet_verdict)i)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_request_says_nothing, setup),
		cmocka_unit_test_setup(test_good_response, setup),
		cmocka_unit_test_setup(test_length, setup),
		cmocka_unit_test_setup(test_version_and_mode, setup),
		cmocka_unit_test_setup(test_origin, setup),
		cmocka_unit_test_setup(test_kiss, setup),
		cmocka_unit_test_setup(test_zero_times, setup),
		cmocka_unit_test_setup(test_unsynchronised, setup),
		cmocka_unit_test_setup(test_stratum, setup),
		cmocka_unit_test_setup(test_root_fields_rounded_down, setup),
		cmocka_unit_test_setup(test_root_distance, setup),
		cmocka_unit_test_setup(test_reference_time, setup),
		cmocka_unit_test_setup(test_loop, setup),
		cmocka_unit_test_setup(test_order, setup),
		cmocka_unit_test_setup(test_delay, setup),
		cmocka_unit_test_setup(test_interleaved_request, setup),
		cmocka_unit_test_setup(
			test_interleaved_answer_completes_the_earlier_exchange, setup),
		cmocka_unit_test_setup(test_server_falls_back_to_basic, setup),
		cmocka_unit_test_setup(test_interleaved_answers_that_are_not_believed, setup),
		cmocka_unit_test(test_asymmetry),
		cmocka_unit_test_setup(test_version_of_the_request, setup),
		cmocka_unit_test_setup(test_next_era, setup),
		cmocka_unit_test_setup(test_random_octets_are_survived, setup),
		cmocka_unit_test_setup(test_verdicts_have_texts, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
