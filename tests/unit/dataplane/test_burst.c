/* SPDX-License-Identifier: BSD-3-Clause */

/* Bursts against the plain reply path: the same verdicts and octets, over a generated corpus. Of
 * the plain engine, or with its name as argument of the best that the processor can run. */

#include "corpus.h"
#include "fixture.h"
#include <burst.h>
#include <burst_engine.h>
#include <bytes.h>
#include <interleaved.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 8000

/* One way through the reply path. */
struct way {
	struct responder responder;
	struct responder_policy policy; /* the pair's, but for its table of transmit times */
	struct interleave *interleave;
	struct fixture_frame f[BURST_MAX];
	enum meridian_verdict verdict[BURST_MAX];
};

struct pair {
	struct seed seed;
	struct responder_policy *policy;
	struct keyring *keyring;
	struct meridian_timemodel_data model;
	struct way plain, burst;
	uint64_t counter;
	unsigned int answered, limited, denied, interleaved, keyed;
	uint64_t told[2][UINT8_MAX + 1]; /* last T2, by family and last octet of the client */
	unsigned int least;              /* of a corpus is answered */
	bool flood;                      /* are most requests plain ones of three clients? */
	bool written[2];                 /* have clients of the family been written down? */
};

static const struct burst_engine *engine = &burst_engine_plain; /* under test */

static int pair_setup(void **state)
{
	static struct pair pair;
	uint64_t seed;

	memset(&pair, 0, sizeof(pair));
	pair.seed = seed_init("burst");
	pair.policy = fixture_policy();
	pair.policy->ntpv5 = true;
	pair.keyring = fixture_keyring();
	pair.model = fixture_model();
	pair.counter = FIXTURE_COUNTER;
	pair.least = ROUNDS;
	seed = seed_next(&pair.seed);
	responder_init(&pair.plain.responder, seed, NULL);
	responder_init(&pair.burst.responder, seed, NULL);
	pair.plain.responder.keyring = pair.burst.responder.keyring = pair.keyring;
	pair.plain.responder.engine = NULL;
	pair.burst.responder.engine = engine;
	*state = &pair;
	return 0;
}

static int pair_teardown(void **state)
{
	struct pair *pair = *state;

	responder_policy_free(pair->policy);
	keyring_free(pair->keyring);
	return 0;
}

static uint64_t *told(struct pair *pair, const uint8_t *client, bool ipv6)
{
	return &pair->told[ipv6][client[ipv6 ? 15 : 3]];
}

static void assert_same(struct pair *pair, unsigned int i)
{
	const struct fixture_frame *plain = &pair->plain.f[i], *burst = &pair->burst.f[i];

	assert_int_equal(pair->burst.verdict[i], pair->plain.verdict[i]);
	pair->limited += pair->burst.verdict[i] == MERIDIAN_VERDICT_rate_limited;
	pair->denied += pair->burst.verdict[i] == MERIDIAN_VERDICT_denied;
	assert_int_equal(burst->frame.length, plain->frame.length);
	assert_memory_equal(burst->frame.data, plain->frame.data, plain->frame.length);
	if (!fixture_answers(pair->burst.verdict[i])) {
		assert_true(fixture_frame_unchanged(burst));
		return;
	}
	assert_int_equal(burst->frame.receive, plain->frame.receive);
	assert_int_equal(burst->frame.payload, plain->frame.payload);
	assert_int_equal(burst->frame.interleave, plain->frame.interleave);
	pair->interleaved += burst->frame.interleave == FRAME_INTERLEAVED;
	*told(pair, frame_destination(&burst->frame), burst->frame.ipv6) = burst->frame.receive;
	pair->keyed += burst->frame.key != 0;
	pair->answered++;
}

static void way_begin(struct pair *pair, struct way *way)
{
	if (pair->policy != NULL)
		way->policy = *pair->policy;
	way->policy.interleave = way->interleave;
	responder_begin(&way->responder, &pair->model, pair->policy ? &way->policy : NULL,
		pair->counter, 0);
}

static void way_serve(struct way *way, const uint64_t *receive, unsigned int count, uint64_t now)
{
	fixture_serve(&way->responder, way->f, receive, count, now + 50, way->verdict);
	fixture_save(&way->responder, way->f, way->verdict, count, now + 70);
}

/* Both have written down the same clients. Each burst finds empty sketches, as after an exchange of
 * collectors: nobody would miss a client in one that had it before. */
static void assert_same_clients(struct pair *pair)
{
	static const struct meridian_clients_sketch none;
	struct collector *plain = pair->plain.responder.collector;
	struct collector *burst = pair->burst.responder.collector;

	if (plain == NULL)
		return;
	assert_memory_equal(&burst->ipv4, &plain->ipv4, sizeof(none));
	assert_memory_equal(&burst->ipv6, &plain->ipv6, sizeof(none));
	pair->written[0] |= memcmp(&plain->ipv4, &none, sizeof(none)) != 0;
	pair->written[1] |= memcmp(&plain->ipv6, &none, sizeof(none)) != 0;
	plain->ipv4 = plain->ipv6 = burst->ipv4 = burst->ipv6 = none;
}

/* Sends the packets both ways. */
static void compare(struct pair *pair, struct pkt *pkt, unsigned int count, bool checksum_good)
{
	uint64_t receive[BURST_MAX];

	pair->counter += seed_below(&pair->seed, 3000);
	way_begin(pair, &pair->plain);
	way_begin(pair, &pair->burst);
	for (unsigned int i = 0; i < count; i++) {
		fixture_frame_init(&pair->plain.f[i], pkt[i].data, pkt[i].length);
		fixture_frame_init(&pair->burst.f[i], pkt[i].data, pkt[i].length);
		pair->plain.f[i].frame.checksum_good = checksum_good;
		pair->burst.f[i].frame.checksum_good = checksum_good;
		receive[i] = pair->counter - seed_below(&pair->seed, 40);
	}
	way_serve(&pair->plain, receive, count, pair->counter);
	way_serve(&pair->burst, receive, count, pair->counter);
	assert_same_clients(pair);
	for (unsigned int i = 0; i < count; i++) {
		assert_same(pair, i);
		fixture_frame_fini(&pair->plain.f[i]);
		fixture_frame_fini(&pair->burst.f[i]);
	}
}

/* One of many clients, which refers to the last reply it had. */
static void interleaved_request(struct pair *pair, struct pkt *ret_pkt)
{
	uint8_t *client, *ntp;

	corpus_common(&pair->seed, ret_pkt);
	ntp = ret_pkt->data + ret_pkt->payload;
	ntp[0] = 0x23;
	client = ret_pkt->data + ret_pkt->ip + (ret_pkt->ipv6 ? 8 : 12);
	client[ret_pkt->ipv6 ? 15 : 3] = (uint8_t)(2 + seed_below(&pair->seed, 100));
	put_u64(ntp + 24, *told(pair, client, ret_pkt->ipv6));
	put_u64(ntp + 32, seed_next(&pair->seed));
	pkt_checksum(ret_pkt);
}

/* Over a corpus of which `damage` in 4 is damaged. */
static void compare_corpus(struct pair *pair, unsigned int damage)
{
	static struct pkt pkt[BURST_MAX];

	for (int round = 0; round < ROUNDS; round++) {
		unsigned int count = 1 + seed_below(&pair->seed, round % 8 ? 8 : BURST_MAX);

		for (unsigned int i = 0; i < count; i++) {
			if (pair->burst.interleave != NULL && seed_below(&pair->seed, 4))
				interleaved_request(pair, &pkt[i]);
			else if (pair->flood && seed_below(&pair->seed, 4))
				corpus_flood(&pair->seed, &pkt[i]);
			else if (seed_below(&pair->seed, 2))
				corpus_common(&pair->seed, &pkt[i]);
			else
				corpus_any(&pair->seed, pair->keyring, &pkt[i]);
			if (seed_below(&pair->seed, 4) < damage)
				corpus_damage(&pair->seed, &pkt[i]);
		}
		compare(pair, pkt, count, round % 16 == 3);
	}
	print_message("# %u answered, %u of them signed\n", pair->answered, pair->keyed);
	assert_true(pair->answered > pair->least);
	assert_true(pair->keyed > pair->answered / 100);
	pair->answered = pair->keyed = 0;
}

static void same_for_requests(void **state)
{
	compare_corpus(*state, 0);
}

static void same_for_damaged_requests(void **state)
{
	compare_corpus(*state, 2);
}

static void same_with_noise(void **state)
{
	struct pair *pair = *state;

	pair->model.precision_log2 = -22;
	compare_corpus(pair, 0);
}

static void same_unsynchronised(void **state)
{
	struct pair *pair = *state;

	pair->model.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED;
	compare_corpus(pair, 1);
}

/* The limiter of each way has the same key, and one client asks all the time. */
static void compare_limited(struct pair *pair)
{
	static struct collector plain, burst;

	pair->policy->rate = (struct limit_rate){.interval_log2 = -17, .burst = 4, .leak_log2 = 2};
	pair->least = ROUNDS / 4;
	assert_int_equal(limit_new(&pair->plain.responder.limit, LIMIT_SETS_LOG2_MIN, 7), 0);
	assert_int_equal(limit_new(&pair->burst.responder.limit, LIMIT_SETS_LOG2_MIN, 7), 0);
	pair->plain.responder.collector = &plain;
	pair->burst.responder.collector = &burst;
	compare_corpus(pair, 0);
	assert_true(pair->limited > ROUNDS / 10);
	assert_true(pair->written[0] && pair->written[1]);
	limit_free(pair->plain.responder.limit);
	limit_free(pair->burst.responder.limit);
}

static void same_with_a_rate_limit(void **state)
{
	compare_limited(*state);
}

/* Three in four requests refer to an earlier reply. */
static void same_in_interleaved_mode(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(interleave_new(&pair->plain.interleave, 16384, 7), 0);
	assert_int_equal(interleave_new(&pair->burst.interleave, 16384, 7), 0);
	compare_corpus(pair, 0);
	print_message("# %u interleaved\n", pair->interleaved);
	assert_true(pair->interleaved > ROUNDS / 4);
	interleave_free(pair->plain.interleave);
	interleave_free(pair->burst.interleave);
}

/* Denies a client of each family: that of the corpus, or what it becomes with these bits turned. */
static void deny(struct pair *pair, uint8_t turn_ipv4, uint8_t turn_ipv6)
{
	struct meridian_policy_access rule[4] = {
		{.family = MERIDIAN_FAMILY_IPV4, .allow = 1},
		{.family = MERIDIAN_FAMILY_IPV4, .prefix_len = 32},
		{.family = MERIDIAN_FAMILY_IPV6, .allow = 1},
		{.family = MERIDIAN_FAMILY_IPV6, .prefix_len = 128},
	};

	memcpy(rule[1].octets, pkt_client_ipv4, 4);
	memcpy(rule[3].octets, pkt_client_ipv6, 16);
	rule[1].octets[3] ^= turn_ipv4;
	rule[3].octets[15] ^= turn_ipv6;
	access_fini(&pair->policy->access);
	assert_int_equal(access_init(&pair->policy->access, rule, 4), 0);
	pair->policy->open_ipv4 = pair->policy->open_ipv6 = false;
}

/* Two clients of which one may not ask, and rules of single addresses. */
static void same_with_access_rules(void **state)
{
	struct pair *pair = *state;

	for (uint8_t denied = 0; denied < 2; denied++) {
		deny(pair, 1 - denied, denied);
		compare_corpus(pair, 1);
		assert_true(pair->denied > ROUNDS / 10);
		pair->denied = 0;
	}
}

/* Of three clients that ask too often one may not ask at all. */
static void same_with_access_rules_and_a_rate_limit(void **state)
{
	struct pair *pair = *state;

	pair->flood = true;
	deny(pair, 1, 1);
	compare_limited(pair);
	assert_true(pair->denied > ROUNDS / 10);
}

/* Over the instant of a leap second, the day before it and the second itself. */
static void same_at_a_leap_second(void **state)
{
	struct pair *pair = *state;

	for (uint8_t leap = MERIDIAN_NTP_LI_INSERT; leap <= MERIDIAN_NTP_LI_DELETE; leap++) {
		pair->model = fixture_model();
		pair->model.leap = leap;
		pair->model.leap_s = FIXTURE_UTC_S + 2;
		pair->counter = fixture_counter(FIXTURE_UTC_S + 2, -3000 * ROUNDS / 3);
		pair->model.disruption_count = leap;
		compare_corpus(pair, 0);
	}
}

/* Each octet of a good request, changed, with and without the checksums made good again. */
static void same_for_every_octet(void **state)
{
	struct pair *pair = *state;
	struct pkt good[2], pkt[BURST_MAX];
	uint8_t payload[PKT_NTP_SIZE];

	pkt_ntp(payload, 0x23, 0x123456789abcdef0);
	for (int ipv6 = 0; ipv6 < 2; ipv6++)
		pkt_build(&good[ipv6], (struct pkt_spec){.ipv6 = ipv6}, payload, sizeof(payload));
	for (unsigned int round = 0; round < 2 * 110 * 8; round++) {
		unsigned int at = round / 2 % 110, bit = round / 220;

		for (unsigned int i = 0; i < 4; i++) {
			pkt[i] = good[i % 2];
			if (at < pkt[i].length)
				pkt[i].data[at] ^= (uint8_t)(round % 2 ? 1u << bit : 0xffu >> bit);
			if (i < 2 && pkt[i].data[pkt[i].udp + 4] == 0)
				pkt_checksum(&pkt[i]);
		}
		compare(pair, pkt, 4, false);
	}
	assert_true(pair->answered > 1000);
}

static void same_for_every_length(void **state)
{
	struct pair *pair = *state;
	struct pkt pkt;
	uint8_t payload[PKT_NTP_SIZE];

	pkt_ntp(payload, 0x1b, 1);
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		pkt_build(&pkt, (struct pkt_spec){.ipv6 = ipv6}, payload, sizeof(payload));
		for (uint32_t full = pkt.length, length = 0; length <= full; length++) {
			pkt.length = length;
			compare(pair, &pkt, 1, length % 2);
		}
	}
	assert_int_equal(pair->answered, 2);
}

/* Of each family one address more than AVX-512 looks at in one go, the packets' own as the last. */
static void serve_many(struct pair *pair)
{
	struct meridian_policy_address address[SERVED_FEW_IPV4 + SERVED_FEW_IPV6 + 2] = {0};
	const size_t count = sizeof(address) / sizeof(address[0]);

	for (size_t i = 0; i < count; i++) {
		bool ipv6 = i > SERVED_FEW_IPV4;
		size_t left = (ipv6 ? count : SERVED_FEW_IPV4 + 1) - 1 - i;

		address[i].family = ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4;
		memcpy(address[i].octets, ipv6 ? pkt_server_ipv6 : pkt_server_ipv4, ipv6 ? 16 : 4);
		address[i].octets[1] ^= (uint8_t)left;
	}
	served_fini(&pair->policy->served);
	assert_int_equal(served_init(&pair->policy->served, address, count), 0);
	assert_false(pair->policy->served.has_few_ipv4 || pair->policy->served.has_few_ipv6);
}

static void same_with_many_addresses(void **state)
{
	struct pair *pair = *state;

	serve_many(pair);
	compare_corpus(pair, 1);
}

/* What nearly all requests look like takes the short way, and nothing else does: otherwise the
 * comparisons above would compare the plain path with itself. */
static void assert_shapes(const struct responder *responder)
{
	static const struct {
		struct pkt_spec spec;
		uint8_t li_vn_mode;
		enum burst_shape shape;
	} cases[] = {
		{{.ipv6 = false}, 0x23, BURST_IPV4},
		{{.ipv6 = true}, 0x23, BURST_IPV6},
		{{.padding = 6}, 0xdb, BURST_IPV4},
		{{.ipv6 = true, .padding = 6}, 0x0b, BURST_IPV6},
		{{.vlan_tags = 1}, 0x23, BURST_OTHER},
		{{.no_udp_checksum = true}, 0x23, BURST_OTHER},
		{{.ipv6 = false}, 0x21, BURST_OTHER},
		{{.ipv6 = true}, 0x2b, BURST_OTHER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t payload[PKT_NTP_SIZE];
		struct fixture_frame f;
		struct pkt pkt;

		pkt_ntp(payload, cases[i].li_vn_mode, 1);
		pkt_build(&pkt, cases[i].spec, payload, sizeof(payload));
		fixture_frame_init(&f, pkt.data, pkt.length);
		assert_int_equal(engine->shape(responder, &f.frame), cases[i].shape);
		fixture_frame_fini(&f);
	}
}

static void tells_the_common_shapes(void **state)
{
	struct pair *pair = *state;

	responder_begin(&pair->burst.responder, &pair->model, pair->policy, FIXTURE_COUNTER, 0);
	assert_shapes(&pair->burst.responder);
	serve_many(pair);
	assert_shapes(&pair->burst.responder);
}

/* No model yet, no policy, and an address that only one of the two serves. */
static void same_without_model_or_policy(void **state)
{
	struct pair *pair = *state;
	struct meridian_timemodel_data model = pair->model;
	struct pkt pkt[BURST_MAX];
	struct responder_policy *policy = pair->policy;

	for (unsigned int i = 0; i < BURST_MAX; i++)
		corpus_common(&pair->seed, &pkt[i]);
	pair->model.period_shift = 64; /* not sane, so never taken */
	compare(pair, pkt, BURST_MAX, false);
	assert_int_equal(pair->burst.verdict[0] == MERIDIAN_VERDICT_answered, 0);
	pair->model = model;
	pair->policy = NULL;
	compare(pair, pkt, BURST_MAX, false);
	pair->policy = policy;
	assert_int_equal(pair->answered, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(same_for_requests),
		TEST(same_for_damaged_requests),
		TEST(same_with_noise),
		TEST(same_unsynchronised),
		TEST(same_with_a_rate_limit),
		TEST(same_in_interleaved_mode),
		TEST(same_with_access_rules),
		TEST(same_with_access_rules_and_a_rate_limit),
		TEST(same_with_many_addresses),
		TEST(same_at_a_leap_second),
		TEST(same_for_every_octet),
		TEST(same_for_every_length),
		TEST(same_without_model_or_policy),
		TEST(tells_the_common_shapes),
	};

	if (argc > 1) {
		engine = burst_engine_best();
		if (strcmp(engine->name, argv[1]) != 0) {
			printf("1..0 # SKIP no %s here\n", argv[1]);
			return 0;
		}
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
