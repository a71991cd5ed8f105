/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A flood from nearly as many sources as there are requests, as with spoofed ones: nothing is kept
 * of them, and a client in their midst that asks below the limit always gets its answer.
 * SOURCES=1000000000 of the environment makes it a long one; beyond 2^30 the IPv4 addresses repeat.
 */

#include "fixture.h"
#include <burst.h>
#include <bytes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SOURCES      5000000
#define BURST        32
#define BURST_TICKS  (FIXTURE_HZ / 1000)
#define CLIENT_TURNS 50 /* bursts between two requests of the client: 20 a second */
#define GROWTH_MAX   (UINT64_C(256) << 10)

struct crowd {
	struct responder responder;
	struct responder_policy *policy;
	struct meridian_timemodel_data model;
	struct collector collector;
	struct pkt request[2]; /* IPv4, IPv6 */
	uint8_t data[BURST][PKT_MAX];
	struct frame frame[BURST];
	enum meridian_verdict verdict[BURST];
	uint64_t sources; /* so far */
	uint64_t verdicts[MERIDIAN_VERDICT_COUNT];
};

static uint64_t resident_octets(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long long total, resident;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%llu %llu", &total, &resident), 2);
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct crowd *crowd_new(void)
{
	static struct crowd crowd;
	uint8_t payload[PKT_NTP_SIZE];
	struct limit *limit;

	crowd = (struct crowd){.policy = fixture_policy(), .model = fixture_model()};
	crowd.model.valid_until_counter = UINT64_MAX;
	crowd.policy->rate =
		(struct limit_rate){.interval_log2 = -5, .burst = 128, .rollup_log2 = 3};
	crowd.collector.stride = 1;
	assert_int_equal(limit_new(&limit, 12, 4711), 0);
	responder_init(&crowd.responder, 1, limit);
	crowd.responder.collector = &crowd.collector;
	pkt_ntp(payload, 0x23, 42);
	for (int ipv6 = 0; ipv6 < 2; ipv6++)
		pkt_build(&crowd.request[ipv6], (struct pkt_spec){.ipv6 = ipv6}, payload,
			sizeof(payload));
	return &crowd;
}

static void crowd_free(struct crowd *crowd)
{
	responder_policy_free(crowd->policy);
	limit_free(crowd->responder.limit);
}

/* A request of source number `source`: the even ones are IPv4 addresses of 32.0.0.0/3, the odd ones
 * IPv6 networks of 2000::/3, each another one (a factor that is odd maps 2^n numbers one to one).
 */
static void request_of(struct crowd *crowd, unsigned int i, uint64_t source)
{
	const struct pkt *request = &crowd->request[source & 1];
	uint64_t number = (source >> 1) * UINT64_C(0x9e3779b97f4a7c15);
	uint8_t *address = crowd->data[i] + request->ip;

	memcpy(crowd->data[i], request->data, request->length);
	if (request->ipv6)
		put_u64(address + 8, UINT64_C(1) << 61 | (number & (UINT64_MAX >> 3)));
	else
		put_u32(address + 12, UINT32_C(1) << 29 | (number & (UINT32_MAX >> 3)));
	crowd->frame[i] = (struct frame){.data = crowd->data[i],
		.length = request->length,
		.mac = frame_mac(pkt_server_mac),
		.checksum_good = true};
}

/* Frame 0 is the client's where it is its turn. */
static void crowd_burst(struct crowd *crowd, uint64_t burst)
{
	uint64_t receive[BURST], now = FIXTURE_COUNTER + burst * BURST_TICKS;
	bool turn = burst % CLIENT_TURNS == 0;

	responder_begin(&crowd->responder, &crowd->model, crowd->policy, now, 0);
	for (unsigned int i = 0; i < BURST; i++) {
		request_of(crowd, i, i == 0 && turn ? 0 : ++crowd->sources);
		receive[i] = now + i;
	}
	burst_classify(&crowd->responder, crowd->frame, receive, crowd->verdict, BURST);
	for (unsigned int i = 0; i < BURST; i++)
		crowd->verdicts[crowd->verdict[i]]++;
	if (turn)
		assert_int_equal(crowd->verdict[0], MERIDIAN_VERDICT_answered);
}

static void keeps_nothing_of_a_crowd(void **state)
{
	const char *wanted = getenv("SOURCES");
	uint64_t sources = wanted != NULL ? strtoull(wanted, NULL, 10) : SOURCES, before = 0;
	struct crowd *crowd = crowd_new();
	uint64_t bursts = sources / BURST;

	(void)state;
	for (uint64_t burst = 0; burst < bursts; burst++) {
		if (burst == bursts / 10) /* all memory has been touched */
			before = resident_octets();
		crowd_burst(crowd, burst);
	}
	assert_in_range(resident_octets(), 0, before + GROWTH_MAX);
	print_message("# %llu sources, %llu requests answered, %llu limited\n",
		(unsigned long long)crowd->sources,
		(unsigned long long)crowd->verdicts[MERIDIAN_VERDICT_answered],
		(unsigned long long)crowd->verdicts[MERIDIAN_VERDICT_rate_limited]);
	assert_true(crowd->verdicts[MERIDIAN_VERDICT_answered] > bursts * (BURST - 2));
	crowd_free(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_nothing_of_a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
