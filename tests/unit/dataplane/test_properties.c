/* SPDX-License-Identifier: BSD-3-Clause */

/* What must hold for any octets at all: random ones, and valid frames with random damage. */

#include "corpus.h"
#include "fixture.h"
#include "reply_check.h"
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

static void assert_reply_good(struct world *world, const struct fixture_frame *f)
{
	const char *fault = reply_fault(f);
	uint64_t receive = pkt_u64(f->frame.data + f->frame.payload + 32);

	if (fault == NULL)
		fault = reply_ends_the_talk(&world->responder, &f->frame, world->counter);
	if (fault != NULL)
		fail_msg("reply: %s", fault);
	assert_true(receive > world->last_receive);
	world->last_receive = receive;
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

static void holds_for_ntpv5(void **state)
{
	struct world world;
	struct pkt pkt;

	(void)state;
	world_init(&world, __func__);
	world.policy->ntpv5 = true;
	for (int round = 0; round < ROUNDS; round++) {
		corpus_ntpv5(&world.seed, NULL, &pkt);
		if (round % 2)
			corpus_damage(&world.seed, &pkt);
		offer(&world, pkt.data, pkt.length);
	}
	print_message("# %u of %d answered\n", world.answered, ROUNDS);
	assert_true(world.answered > ROUNDS / 4);
	responder_policy_free(world.policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_for_ntpv5),
		cmocka_unit_test(holds_for_random_octets),
		cmocka_unit_test(holds_for_damaged_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
