/* SPDX-License-Identifier: BSD-3-Clause */

/* What must hold for any octets at all: random ones, and valid frames with random damage. */

#include "corpus.h"
#include "fixture.h"
#include "seed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 60000

struct world {
	struct seed seed;
	struct responder responder;
	struct responder_policy *policy;
	uint64_t counter;      /* of the last frame */
	uint64_t last_receive; /* last T2 */
	unsigned int answered;
};

static void world_init(struct world *world, const char *test)
{
	struct meridian_timemodel_data model = fixture_model();

	*world = (struct world){
		.seed = seed_init(test), .policy = fixture_policy(), .counter = FIXTURE_COUNTER};
	model.precision_log2 = -26;
	responder_init(&world->responder, seed_next(&world->seed), NULL);
	responder_begin(&world->responder, &model, world->policy, FIXTURE_COUNTER, 0);
}

/* Offers the reply to a server at the client's place, which is open to all. */
static void assert_ends_the_talk(struct world *world, const struct frame *reply)
{
	struct meridian_policy_address client = {
		.family = reply->ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4};
	struct responder_policy peer = {.access = world->policy->access};
	struct responder responder = world->responder;
	struct fixture_frame f;
	uint8_t mac[6];

	memcpy(mac, reply->data, sizeof(mac));
	memcpy(client.octets, frame_destination(reply), reply->ipv6 ? 16 : 4);
	assert_int_equal(served_init(&peer.served, &client, 1), 0);
	responder_begin(&responder, NULL, &peer, world->counter, 0);
	fixture_frame_init(&f, reply->data, reply->length);
	f.frame.mac = frame_mac(mac);
	assert_int_not_equal(meridian_verdict_outcome(responder_classify(
				     &responder, &f.frame, world->counter + 100)),
		MERIDIAN_OUTCOME_ANSWER);
	fixture_frame_fini(&f);
	served_fini(&peer.served);
}

static void assert_headers_good(const struct frame *reply)
{
	const uint8_t *ip = reply->data + reply->ip, *udp = reply->data + reply->udp;

	assert_true(reply->ipv6 || pkt_checksum_ipv4_good(ip));
	assert_true(pkt_checksum_udp_good(ip, udp, reply->ipv6));
	assert_int_equal(reply->length, reply->payload + PKT_NTP_SIZE);
}

static void assert_reply_good(struct world *world, struct fixture_frame *f)
{
	const struct frame *reply = &f->frame;
	const uint8_t *ntp = reply->data + reply->payload, *was = f->before + reply->payload;
	uint8_t mode = was[0] & 7;
	uint64_t receive = pkt_u64(ntp + 32), transmit = pkt_u64(ntp + 40);

	assert_true(reply->length <= f->length);
	assert_true(mode == 3 || mode == 1 || (mode == 0 && (was[0] >> 3 & 7) == 1));
	assert_int_equal(ntp[0] & 7, mode == 1 ? 2 : 4);
	assert_int_equal(ntp[0] >> 3 & 7, was[0] >> 3 & 7);
	assert_memory_equal(ntp + 24, was + 40, 8);
	assert_true(transmit > receive);
	assert_true(receive > world->last_receive);
	assert_true(receive != pkt_u64(was + 40) && transmit != pkt_u64(was + 40));
	world->last_receive = receive;
	assert_headers_good(reply);
	assert_ends_the_talk(world, reply);
}

static void offer(struct world *world, const uint8_t *data, uint32_t length)
{
	enum meridian_verdict verdict;
	struct fixture_frame f;

	world->counter += seed_below(&world->seed, 50);
	fixture_frame_init(&f, data, length);
	verdict = responder_classify(
		&world->responder, &f.frame, world->counter - seed_below(&world->seed, 9));
	assert_true(verdict < MERIDIAN_VERDICT_COUNT);
	if (meridian_verdict_outcome(verdict) == MERIDIAN_OUTCOME_ANSWER) {
		responder_finish(
			&world->responder, &f.frame, world->counter + seed_below(&world->seed, 9));
		assert_reply_good(world, &f);
		world->answered++;
	} else {
		assert_true(fixture_frame_unchanged(&f));
	}
	fixture_frame_fini(&f);
}

static void holds_for_random_octets(void **state)
{
	struct world world;
	uint8_t data[256];

	(void)state;
	world_init(&world, __func__);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t length = seed_below(&world.seed, sizeof(data) + 1);

		for (uint32_t i = 0; i < length; i++)
			data[i] = (uint8_t)seed_next(&world.seed);
		if (length >= 14 && round % 2) {
			memcpy(data, pkt_server_mac, sizeof(pkt_server_mac));
			data[12] = round % 4 == 1 ? 0x08 : 0x86;
			data[13] = round % 4 == 1 ? 0x00 : 0xdd;
		}
		offer(&world, data, length);
	}
	responder_policy_free(world.policy);
}

static void holds_for_damaged_frames(void **state)
{
	struct world world;
	struct pkt pkt;

	(void)state;
	world_init(&world, __func__);
	for (int round = 0; round < ROUNDS; round++) {
		corpus_request(&world.seed, &pkt);
		if (round % 2)
			corpus_damage(&world.seed, &pkt);
		offer(&world, pkt.data, pkt.length);
	}
	print_message("# %u of %d answered\n", world.answered, ROUNDS);
	assert_true(world.answered > ROUNDS / 50);
	responder_policy_free(world.policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_for_random_octets),
		cmocka_unit_test(holds_for_damaged_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
