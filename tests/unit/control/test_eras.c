/* SPDX-License-Identifier: BSD-3-Clause */

/* The whole way of a packet at the ends of eras: our server answers, our client understands, the
 * model and the timescale go on. */

#include "bytes.h"
#include "era.h"
#include "fixture.h"
#include "model.h"
#include "packet.h"
#include <math.h>
#include <meridian/counter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <burst.h>
#include <cmocka.h>

#define YEAR_S     INT64_C(31557600)
#define PATH_TICKS (FIXTURE_HZ / 8192) /* 122 us each way */
#define HELD_TICKS (FIXTURE_HZ / 65536)

static const int64_t instants[] = {
	INT64_C(2080080000), /* 2035-12-01 */
	INT64_C(2085978496), /* 2036-02-07 06:28:16, NTP era 1 */
	INT64_C(2208988800), /* 2040-01-01 */
	INT64_C(4233462144), /* 2104-02-26 09:42:24, half of era 1 */
	INT64_C(4294967296), /* 2106-02-07 06:28:16, 2^32 s since 1970 */
	INT64_C(6380945792), /* 2172-03-15 12:56:32, NTP era 2 */
};
#define INSTANTS (sizeof(instants) / sizeof(instants[0]))

struct bench {
	struct responder responder;
	struct responder_policy *policy;
	struct timescale timescale; /* of the client, which shares the counter */
	uint64_t last_transmit;
};

/* The server's clock passes the instant at FIXTURE_COUNTER; the client's shows `client_s` then. */
static void bench_start(struct bench *bench, int64_t instant_s, int64_t client_s)
{
	struct meridian_timemodel_data model = fixture_model();

	model.slew.utc_s = model.line.utc_s = instant_s;
	model.reference_s = instant_s - 16;
	bench->policy = fixture_policy();
	bench->timescale = (struct timescale){
		.counter = FIXTURE_COUNTER, .hz = FIXTURE_HZ, .utc = {client_s, 0}, .wander = 1e-6};
	responder_init(&bench->responder, 1, NULL);
	responder_begin(&bench->responder, &model, bench->policy, FIXTURE_COUNTER - FIXTURE_HZ, 0);
}

static void exchange(struct bench *bench, uint64_t t1, bool ipv6, struct packet_response *response)
{
	struct packet_request request = {.version = 4,
		.max_delay_s = 3,
		.max_delay_ratio_s = INFINITY,
		.max_delay_dev_s = INFINITY,
		.max_distance_s = 3,
		.precision_s = 1e-9,
		.timescale = &bench->timescale,
		.t1 = t1,
		.t4 = t1 + 2 * PATH_TICKS + HELD_TICKS};
	uint64_t t2 = t1 + PATH_TICKS;
	enum meridian_verdict verdict;
	uint8_t payload[PKT_NTP_SIZE];
	struct fixture_frame f;
	struct pkt pkt;

	pkt_ntp(payload, 0x23, t1);
	put_u64(request.transmit, t1);
	pkt_build(&pkt, (struct pkt_spec){.ipv6 = ipv6}, payload, sizeof(payload));
	fixture_frame_init(&f, pkt.data, pkt.length);
	burst_classify(&bench->responder, &f.frame, &t2, &verdict, 1);
	assert_int_equal(verdict, MERIDIAN_VERDICT_answered);
	burst_finish(&bench->responder, &f.frame, 1, t2 + HELD_TICKS);
	assert_int_equal(packet_response_check(
				 &request, f.frame.data + f.frame.payload, PKT_NTP_SIZE, response),
		PACKET_OK);
	fixture_frame_fini(&f);
}

/* Requests in the second before and after the instant, whose stamps lie on both sides of it. */
static void exchanges(int64_t instant_s, int64_t client_s)
{
	struct packet_response response;
	struct bench bench = {.last_transmit = 0};
	double expected_s = (double)(instant_s - client_s);

	bench_start(&bench, instant_s, client_s);
	for (int i = -1000; i <= 1000; i++) {
		uint64_t t1 = FIXTURE_COUNTER + (uint64_t)(i * (int64_t)(FIXTURE_HZ / 16384));

		exchange(&bench, t1, i & 1, &response);
		assert_true(fabs(response.sample.offset_s - expected_s) < 1e-6);
		assert_true(fabs(response.sample.delay_s - 2.0 / 8192) < 1e-6);
		assert_int_equal(response.reference.s, instant_s - 16);
	}
	responder_policy_free(bench.policy);
}

static void packets_across_the_ends_of_eras(void **state)
{
	(void)state;
	for (size_t i = 0; i < INSTANTS; i++)
		exchanges(instants[i], instants[i]);
}

static void client_is_decades_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < INSTANTS; i++) {
		exchanges(instants[i], instants[i] - 60 * YEAR_S);
		exchanges(instants[i], instants[i] + 60 * YEAR_S);
	}
}

/* No battery: it begins in 1970, or where a file system was made. */
static void client_was_never_set(void **state)
{
	(void)state;
	exchanges(INT64_C(1800000000), 0);
	for (size_t i = 0; i < 3; i++)
		exchanges(instants[i], 0);
	exchanges(ERA_WRITTEN_S + 67 * YEAR_S, 0);
	/* A server in the past, as in a simulation. */
	exchanges(INT64_C(1262304000), INT64_C(1262304000));
}

static void model_goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < INSTANTS; i++) {
		struct timescale timescale = {
			.hz = FIXTURE_HZ, .utc = {instants[i] - 10, 0}, .wander = 1e-6};
		struct model_target target = {.utc = {instants[i] - 10, 0}, .rate = 1 + 1e-5};
		struct meridian_utc before, after;
		struct model model;

		model_init(&model, &timescale, MERIDIAN_COUNTER_MONOTONIC_RAW, -30);
		model_steer(&model, &target);
		before = meridian_timemodel_utc(&model.data, 9 * FIXTURE_HZ);
		after = meridian_timemodel_utc(&model.data, 11 * FIXTURE_HZ);
		assert_int_equal(before.s, instants[i] - 1);
		assert_int_equal(after.s, instants[i] + 1);
		assert_true(fabs(timescale_utc_diff(after, before) - 2 * (1 + 1e-5)) < 1e-12);
		assert_true(meridian_timemodel_sane(&model.data));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_across_the_ends_of_eras),
		cmocka_unit_test(client_is_decades_off),
		cmocka_unit_test(client_was_never_set),
		cmocka_unit_test(model_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
