/* SPDX-License-Identifier: BSD-3-Clause */

/* What a source is told that has asked too often for long, and who is not. */

#include "fixture.h"
#include <burst.h>
#include <burst_engine.h>
#include <bytes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TRANSMIT UINT64_C(0xe8fe6f8012345678) /* of the request, near the time */
#define TOLD     UINT64_C(0xe8fe6f8000001001) /* T2 of an earlier reply */

struct world {
	struct responder responder;
	struct responder_policy *policy;
	struct meridian_timemodel_data model;
	uint64_t counter;
};

/* The ways through the reply path; NULL: one frame at a time. */
static const struct burst_engine *ways[] = {NULL, &burst_engine_plain, &burst_engine_avx512};

static int world_setup(void **state)
{
	static struct world world;

	world = (struct world){
		.policy = fixture_policy(), .model = fixture_model(), .counter = FIXTURE_COUNTER};
	world.policy->rate = (struct limit_rate){
		.interval_log2 = 7, .burst = 2, .rollup_log2 = 4, .kod_log2 = 1, .kod_after_s = 10};
	responder_init(&world.responder, 1, NULL);
	world.responder.engine = **(const struct burst_engine ***)state;
	assert_int_equal(limit_new(&world.responder.limit, LIMIT_SETS_LOG2_MIN, 1), 0);
	*state = &world;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *world = *state;

	limit_free(world->responder.limit);
	responder_policy_free(world->policy);
	return 0;
}

/* With an extension field of so many octets, or none. */
static struct pkt request_with_field(
	struct pkt_spec spec, uint8_t li_vn_mode, uint8_t poll, uint16_t octets)
{
	uint8_t payload[PKT_MAX];
	size_t length = PKT_NTP_SIZE;
	struct pkt pkt;

	pkt_ntp(payload, li_vn_mode, TRANSMIT);
	payload[2] = poll;
	if (octets != 0)
		length = pkt_extension(payload, length, 0x0104, octets);
	pkt_build(&pkt, spec, payload, length);
	return pkt;
}

static struct pkt request(struct pkt_spec spec, uint8_t li_vn_mode, uint8_t poll)
{
	return request_with_field(spec, li_vn_mode, poll, 0);
}

static void serve(struct world *world, struct fixture_frame *f, enum meridian_verdict *ret_verdict,
	unsigned int count)
{
	uint64_t receive[BURST_MAX];

	for (unsigned int i = 0; i < count; i++)
		receive[i] = world->counter;
	responder_begin(&world->responder, &world->model, world->policy, world->counter, 0);
	fixture_serve(&world->responder, f, receive, count, world->counter + 100, ret_verdict);
}

/* Asks once. The frame is the caller's to free. */
static enum meridian_verdict ask(
	struct world *world, const struct pkt *pkt, struct fixture_frame *ret_frame)
{
	enum meridian_verdict verdict;

	fixture_frame_init(ret_frame, pkt->data, pkt->length);
	serve(world, ret_frame, &verdict, 1);
	return verdict;
}

/* Asks every 0.1 s for so long, at most until a kiss comes; returns whether it did. */
static bool ask_on(
	struct world *world, const struct pkt *pkt, unsigned int s, struct fixture_frame *ret_frame)
{
	for (unsigned int i = 0; i < 10 * s; i++) {
		world->counter += FIXTURE_HZ / 10;
		if (ask(world, pkt, ret_frame) == MERIDIAN_VERDICT_kod)
			return true;
		fixture_frame_fini(ret_frame);
	}
	return false;
}

static void assert_kiss(const struct fixture_frame *f, uint8_t poll)
{
	static const uint8_t nothing[8];
	const struct frame *frame = &f->frame;
	const uint8_t *ntp = frame->data + frame->payload, *asked = f->before + frame->payload;
	uint8_t mode = (asked[0] & 7) == 1 ? 2 : 4;

	assert_int_equal(ntp[0], 0xc0 | (asked[0] & 0x38) | mode);
	assert_int_equal(ntp[1], 0);
	assert_int_equal(ntp[2], poll);
	assert_int_equal(ntp[3], 0);
	assert_memory_equal(ntp + 4, nothing, 8);
	assert_memory_equal(ntp + 12, "RATE", 4);
	assert_memory_equal(ntp + 16, nothing, 8);
	for (int at = 24; at < 48; at += 8) /* origin, receive, transmit */
		assert_int_equal(pkt_u64(ntp + at), TRANSMIT);
	assert_int_equal(frame->payload_length, PKT_NTP_SIZE);
	assert_true(frame->length <= f->length);
	assert_true(frame->ipv6 || pkt_checksum_ipv4_good(frame->data + frame->ip));
	assert_true(pkt_checksum_udp_good(
		frame->data + frame->ip, frame->data + frame->udp, frame->ipv6));
}

static void tells_no_time(void **state)
{
	static const struct {
		struct pkt_spec spec;
		uint8_t li_vn_mode, poll, told;
		uint16_t field;
	} cases[] = {
		{{.ipv6 = false}, 0x23, 4, 7, 0},                  /* the interval of the limit */
		{{.ipv6 = true}, 0xdb, 10, 10, 0},                 /* what the client has anyway */
		{{.vlan_tags = 1, .padding = 8}, 0x21, 99, 17, 0}, /* no absurd one */
		{{.ipv6 = true, .vlan_tags = 2}, 0x0b, 0xf0, 7, 0},
		{{.ipv6 = true}, 0x23, 4, 7, 28}, /* no field, and not its octets either */
	};
	struct world *world = *state;

	world->policy->ntpv5 = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pkt pkt = request_with_field(
			cases[i].spec, cases[i].li_vn_mode, cases[i].poll, cases[i].field);
		struct fixture_frame f;

		/* Nor that NTPv5 is spoken. */
		memcpy(pkt.data + pkt.payload + 16, "NTP5DRFT", 8);
		pkt_checksum(&pkt);
		world->counter += 40 * FIXTURE_HZ; /* the one before is forgotten */
		assert_false(ask_on(world, &pkt, 9, &f));
		assert_true(ask_on(world, &pkt, 3, &f));
		assert_kiss(&f, cases[i].told);
		fixture_frame_fini(&f);
	}
}

static void tells_a_poll_that_clients_take(void **state)
{
	static const int8_t cases[][2] = {{-5, 6}, {6, 6}, {8, 8}, {12, 10}}; /* limit, told */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct request asked = {.version = 4, .reply_mode = 4, .poll = 0};
		uint8_t payload[PKT_NTP_SIZE];

		reply_write_kiss(payload, &asked, cases[i][0]);
		assert_int_equal(payload[2], cases[i][1]);
		assert_true(reply_is_kiss(payload));
	}
}

/* An ordinary answer, of this burst. */
static void assert_told(
	const struct world *world, const struct fixture_frame *f, enum meridian_verdict verdict)
{
	const struct frame *frame = &f->frame;
	const uint8_t *ntp = frame->data + frame->payload;
	uint64_t receive = pkt_u64(ntp + 32), transmit = pkt_u64(ntp + 40);
	uint64_t now = clock_ntp(meridian_timemodel_utc(&world->model, world->counter));

	assert_int_equal(verdict, MERIDIAN_VERDICT_answered);
	assert_in_range(receive - now, 0, 1000);
	assert_in_range(transmit - receive, 1, 1 << 12);
	assert_true(pkt_checksum_udp_good(
		frame->data + frame->ip, frame->data + frame->udp, frame->ipv6));
}

/* Neither kisses nor what comes after them move the clock. */
static void goes_on_after_a_kiss(void **state)
{
	struct world *world = *state;
	struct pkt greedy = request((struct pkt_spec){0}, 0x23, 6);
	struct pkt other = request((struct pkt_spec){.ipv6 = true}, 0x23, 6);
	enum meridian_verdict verdict;
	struct fixture_frame f;

	assert_true(ask_on(world, &greedy, 20, &f));
	fixture_frame_fini(&f);
	verdict = ask(world, &other, &f);
	assert_told(world, &f, verdict);
	fixture_frame_fini(&f);
}

/* A burst in which every second request is that of one greedy client. */
static void tells_one_among_others(void **state)
{
	struct world *world = *state;
	struct pkt greedy = request((struct pkt_spec){0}, 0x23, 6);
	struct fixture_frame f[BURST_MAX];
	enum meridian_verdict verdict[BURST_MAX];
	unsigned int kisses = 0;

	assert_false(ask_on(world, &greedy, 10, &f[0]));
	world->counter += FIXTURE_HZ / 2;
	for (unsigned int i = 0; i < BURST_MAX; i++) {
		struct pkt pkt = request((struct pkt_spec){.ipv6 = i % 4 == 1}, 0x23, 6);

		if (i % 2 == 1)
			pkt.data[pkt.ip + (pkt.ipv6 ? 14 : 15)] = (uint8_t)i;
		pkt_checksum(&pkt);
		fixture_frame_init(&f[i], pkt.data, pkt.length);
	}
	serve(world, f, verdict, BURST_MAX);
	for (unsigned int i = 0; i < BURST_MAX; i++) {
		kisses += verdict[i] == MERIDIAN_VERDICT_kod;
		if (verdict[i] == MERIDIAN_VERDICT_kod)
			assert_kiss(&f[i], 7);
		else if (i % 2 == 1)
			assert_told(world, &f[i], verdict[i]);
		else
			assert_int_equal(verdict[i], MERIDIAN_VERDICT_rate_limited);
		fixture_frame_fini(&f[i]);
	}
	assert_int_equal(kisses, 1);
}

/* A request that refers to a reply of ours with T2 TOLD, and what is saved of it. The frame is one
 * whose last reply was interleaved. */
static struct fixture_frame interleaved_request(const struct world *world, struct pkt pkt)
{
	struct interleave *table = world->policy->interleave;
	const uint8_t *source = pkt.data + pkt.ip + (pkt.ipv6 ? 8 : 12);
	struct interleave_key key =
		interleave_key(table, source, pkt.ipv6, TOLD, world->model.disruption_count);
	struct fixture_frame f;

	interleave_take(key);
	interleave_save(table, key, TOLD + 1, false);
	put_u64(pkt.data + pkt.payload + 24, TOLD);
	put_u64(pkt.data + pkt.payload + 32, TRANSMIT + 2);
	pkt_checksum(&pkt);
	fixture_frame_init(&f, pkt.data, pkt.length);
	f.frame.interleave = FRAME_INTERLEAVED;
	f.frame.earlier = TOLD + 101;
	return f;
}

static void assert_interleaved(const struct fixture_frame *f)
{
	const uint8_t *ntp = f->frame.data + f->frame.payload;

	assert_int_equal(f->frame.interleave, FRAME_INTERLEAVED);
	assert_int_equal(pkt_u64(ntp + 24), TRANSMIT + 2);
	assert_int_equal(pkt_u64(ntp + 40), TOLD + 1);
}

/* Who asks too often in interleaved mode, beside one who does not, is told no time of a reply
 * before either, and what is saved for it stays. */
static void tells_no_earlier_time(void **state)
{
	struct world *world = *state;
	struct pkt greedy = request((struct pkt_spec){0}, 0x23, 6);
	struct pkt other = request((struct pkt_spec){.ipv6 = true}, 0x23, 6);
	enum meridian_verdict verdict[2] = {MERIDIAN_VERDICT_rate_limited};
	struct interleave *table;
	struct fixture_frame f;

	assert_int_equal(interleave_new(&table, 1024, 1), 0);
	world->policy->interleave = table;
	assert_false(ask_on(world, &greedy, 10, &f));
	for (uint8_t i = 0; i < 30 && verdict[0] == MERIDIAN_VERDICT_rate_limited; i++) {
		struct fixture_frame pair[2] = {interleaved_request(world, greedy)};

		other.data[other.ip + 14] = i; /* who has asked nothing yet */
		pair[1] = interleaved_request(world, other);
		world->counter += FIXTURE_HZ / 10;
		serve(world, pair, verdict, 2);
		assert_int_equal(verdict[1], MERIDIAN_VERDICT_answered);
		assert_interleaved(&pair[1]);
		if (verdict[0] == MERIDIAN_VERDICT_kod) {
			assert_kiss(&pair[0], 7);
			assert_int_equal(pair[0].frame.interleave, FRAME_BASIC);
		}
		fixture_frame_fini(&pair[0]);
		fixture_frame_fini(&pair[1]);
	}
	assert_int_equal(verdict[0], MERIDIAN_VERDICT_kod);
	assert_int_equal(interleave_take(interleave_key(table, pkt_client_ipv4, false, TOLD,
				 world->model.disruption_count)),
		TOLD + 1);
	interleave_free(table);
}

static void spares_the_exempt(void **state)
{
	struct world *world = *state;
	struct meridian_policy_access exempt[2] = {
		{.family = MERIDIAN_FAMILY_IPV4, .prefix_len = 24, .allow = 1},
		{.family = MERIDIAN_FAMILY_IPV6, .prefix_len = 64, .allow = 1}};
	struct fixture_frame f;

	memcpy(exempt[0].octets, pkt_client_ipv4, 3);
	memcpy(exempt[1].octets, pkt_client_ipv6, 8);
	access_fini(&world->policy->kod_exempt);
	assert_int_equal(access_init(&world->policy->kod_exempt, exempt, 2), 0);
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct pkt pkt = request((struct pkt_spec){.ipv6 = ipv6}, 0x23, 6);

		assert_false(ask_on(world, &pkt, 60, &f));
	}
}

/* A client with a key wants it signed, which a kiss is not. */
static void spares_who_signs(void **state)
{
	struct world *world = *state;
	struct keyring *keyring = fixture_keyring();
	uint8_t payload[PKT_MAX];
	struct fixture_frame f;
	struct pkt pkt;
	size_t length;

	world->responder.keyring = keyring;
	pkt_ntp(payload, 0x23, TRANSMIT);
	length = fixture_sign(keyring, payload, PKT_NTP_SIZE, MERIDIAN_KEY_AES128);
	pkt_build(&pkt, (struct pkt_spec){.ipv6 = true}, payload, length);
	assert_false(ask_on(world, &pkt, 60, &f));
	keyring_free(keyring);
}

/* Other modes, such as the replies of our own upstream servers, never get as far as the limiter. */
static void counts_no_replies(void **state)
{
	struct world *world = *state;
	struct pkt asked = request((struct pkt_spec){.sport = 123}, 0x23, 6);
	const size_t size = sizeof(struct limit_set) << LIMIT_SETS_LOG2_MIN;
	struct fixture_frame f;

	for (uint8_t mode = 0; mode < 8; mode++) {
		struct pkt pkt = request((struct pkt_spec){.sport = 123}, 0x20 | mode, 6);

		if (mode == 1 || mode == 3)
			continue;
		for (int i = 0; i < 1000; i++) {
			assert_int_equal(ask(world, &pkt, &f), MERIDIAN_VERDICT_bad_mode);
			fixture_frame_fini(&f);
		}
	}
	for (size_t i = 0; i < size; i++)
		assert_int_equal(((const uint8_t *)world->responder.limit->set)[i], 0);
	assert_int_equal(ask(world, &asked, &f), MERIDIAN_VERDICT_answered);
	fixture_frame_fini(&f);
	assert_int_equal(ask(world, &asked, &f), MERIDIAN_VERDICT_answered);
	fixture_frame_fini(&f);
}

#define TEXT(name) #name
#define WAY(name, i, how)                                                                          \
	{                                                                                          \
		TEXT(name) " " how, name, world_setup, world_teardown, &ways[i]                    \
	}
#define TEST(name)                                                                                 \
	WAY(name, 0, "one at a time"), WAY(name, 1, "in plain C"), WAY(name, 2, "with AVX-512")

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_no_time),
		TEST(goes_on_after_a_kiss),
		TEST(tells_one_among_others),
		TEST(tells_no_earlier_time),
		TEST(spares_the_exempt),
		TEST(spares_who_signs),
		TEST(counts_no_replies),
		cmocka_unit_test(tells_a_poll_that_clients_take),
	};

	if (!burst_engine_has_avx512()) {
		print_message("# no AVX-512 here: plain C is tested in its place\n");
		ways[2] = &burst_engine_plain;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
