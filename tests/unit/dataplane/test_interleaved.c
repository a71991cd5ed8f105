/* SPDX-License-Identifier: BSD-3-Clause */

/* Interleaved replies (RFC 9769), by the plain reply path and by the engines for bursts. */

#include "interleaved_bench.h"
#include "seed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* NULL: one frame at a time. */
static const struct burst_engine *engines[] = {NULL, &burst_engine_plain, &burst_engine_avx512};

/* Of each client, over both families. */
static void the_third_reply_is_interleaved(void **state)
{
	struct bench *bench = *state;

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct told first = ask_at(bench, (struct ask){.ipv6 = ipv6}), second, third;
		struct ask ask = after(&first);

		ask.ipv6 = ipv6;
		assert_basic(&first, FRAME_BASIC);
		assert_int_equal(held(bench), 0);
		second = ask_at(bench, ask);
		assert_basic(&second, FRAME_ASKS);
		assert_int_equal(held(bench), 1);
		ask.origin = second.receive;
		third = ask_at(bench, ask);
		assert_interleaved(&third, ntp_at(bench, second.left));
		assert_int_equal(third.transmit - second.transmit, DELAY * NTP_PER_TICK);
		assert_int_equal(held(bench), 1);
		/* The same once more: its time is used up. */
		first = ask_at(bench, ask);
		assert_basic(&first, FRAME_ASKS);
		ask.origin = third.receive;
		first = ask_at(bench, ask);
		assert_interleaved(&first, ntp_at(bench, third.left));
		ask.client = 1; /* for whom nothing is left of it */
		first = ask_at(bench, ask);
		assert_basic(&first, FRAME_ASKS);
		interleave_free(bench->policy->interleave);
		assert_int_equal(interleave_new(&bench->policy->interleave, 4096, 1), 0);
	}
}

/* Who is in basic mode leaves nothing in the table and is told nothing of it. */
static void others_are_answered_as_ever(void **state)
{
	struct bench *bench = *state;
	struct told first = ask_at(bench, (struct ask){.client = 0}), told;
	struct ask asks[5];
	struct told second;

	for (int i = 0; i < 5; i++)
		asks[i] = after(&first);
	second = ask_at(bench, asks[0]);
	asks[0].origin = second.transmit;
	asks[1].origin = second.receive;
	asks[1].li_vn_mode = 0x1b; /* version 3 */
	asks[2].origin = second.receive;
	asks[2].li_vn_mode = 0x21; /* symmetric active */
	asks[3].origin = second.receive;
	asks[3].receive = CLIENT_TRANSMIT; /* same as its transmit timestamp */
	asks[4].origin = 0;
	for (int i = 0; i < 5; i++) {
		told = ask_at(bench, asks[i]);
		assert_basic(&told, FRAME_BASIC);
		assert_int_equal(held(bench), 1);
	}
	told = ask_at(bench, after(&second));
	assert_interleaved(&told, ntp_at(bench, second.left));
}

static void forgets_nothing_but_what_could_not_be_sent(void **state)
{
	struct bench *bench = *state;
	struct told first = ask_at(bench, (struct ask){.client = 0}), second, third;
	struct ask ask = after(&first);

	ask.lost = true;
	second = ask_at(bench, ask);
	assert_int_equal(second.interleave, FRAME_ASKS);
	assert_int_equal(held(bench), 0);
	third = ask_at(bench, after(&second));
	assert_basic(&third, FRAME_ASKS);
}

/* Not by one who knows when another client asked. */
static void gives_a_time_to_its_client_only(void **state)
{
	struct bench *bench = *state;
	struct told first = ask_at(bench, (struct ask){.client = 0});
	struct told second = ask_at(bench, after(&first)), told;
	struct ask ask = after(&second);

	ask.client = 1;
	told = ask_at(bench, ask);
	assert_basic(&told, FRAME_ASKS);
	ask = after(&second);
	ask.ipv6 = true;
	told = ask_at(bench, ask);
	assert_basic(&told, FRAME_ASKS);
	told = ask_at(bench, after(&second));
	assert_interleaved(&told, ntp_at(bench, second.left));
}

/* The MAC is of what is told in the end, the time of the reply before; and who does not have the
 * key cannot use up a time by asking for it. */
static void signs_and_verifies_as_in_basic_mode(void **state)
{
	struct bench *bench = *state;

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct ask ask = {
			.ipv6 = ipv6, .key = MERIDIAN_KEY_AES128, .receive = CLIENT_RECEIVE};
		struct told told = ask_at(bench, ask), before;

		assert_basic(&told, FRAME_BASIC);
		ask.origin = told.receive;
		before = ask_at(bench, ask);
		assert_basic(&before, FRAME_ASKS);
		ask.origin = before.receive;
		ask.forged = true;
		assert_int_equal(refused(bench, &ask), MERIDIAN_VERDICT_bad_mac);
		ask.forged = false;
		told = ask_at(bench, ask);
		assert_interleaved(&told, ntp_at(bench, before.left));
		ask.key = MERIDIAN_KEY_SHA256; /* its keys may change */
		ask.origin = told.receive;
		before = told;
		told = ask_at(bench, ask);
		assert_interleaved(&told, ntp_at(bench, before.left));
	}
}

static void without_a_table_all_are_basic(void **state)
{
	struct bench *bench = *state;
	struct interleave *table = bench->policy->interleave;
	struct told first = ask_at(bench, (struct ask){.client = 0}), told;

	bench->policy->interleave = NULL;
	first = ask_at(bench, after(&first));
	assert_basic(&first, FRAME_BASIC);
	told = ask_at(bench, after(&first));
	assert_basic(&told, FRAME_BASIC);
	bench->policy->interleave = table;
	assert_int_equal(held(bench), 0);
}

static void unsynchronised_all_are_basic(void **state)
{
	struct bench *bench = *state;
	struct told first = ask_at(bench, (struct ask){.client = 0}), second, told;

	second = ask_at(bench, after(&first));
	bench->model.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED;
	told = ask_at(bench, after(&second));
	assert_basic(&told, FRAME_BASIC);
	bench->model.status = MERIDIAN_TIMEMODEL_SYNCHRONISED;
	told = ask_at(bench, after(&second));
	assert_interleaved(&told, ntp_at(bench, second.left));
}

/* What was told before stays true when the clock's rate changes, and not when it is set. */
static void a_time_is_of_its_course_of_the_clock(void **state)
{
	struct bench *bench = *state;
	struct told first = ask_at(bench, (struct ask){.client = 0}), second, told;
	uint64_t expected;

	second = ask_at(bench, after(&first));
	expected = ntp_at(bench, second.left);
	bench->model.slew = bench->model.line;
	bench->model.line.counter = bench->counter;
	bench->model.line.utc_s += 192;
	bench->model.line.utc_frac64 = UINT64_C(1) << 60;
	told = ask_at(bench, after(&second));
	assert_interleaved(&told, expected);
	bench->model.disruption_count++;
	second = ask_at(bench, after(&told));
	assert_basic(&second, FRAME_ASKS);
	told = ask_at(bench, after(&second));
	assert_interleaved(&told, ntp_at(bench, second.left));
}

/* A reply that was answered before a leap second told a time of before it, and so does what was
 * measured; even if it left after the leap second had begun. */
static void a_time_is_of_its_side_of_a_leap_second(void **state)
{
	struct bench *bench = *state;

	for (uint8_t leap = MERIDIAN_NTP_LI_INSERT; leap <= MERIDIAN_NTP_LI_DELETE; leap++) {
		int64_t step_s = leap == MERIDIAN_NTP_LI_INSERT ? -1 : 1;
		struct told first, second, told;
		uint64_t expected;

		bench->model = fixture_model();
		bench->model.leap = leap;
		bench->model.leap_s = FIXTURE_UTC_S + 1000;
		bench->model.disruption_count = leap;
		bench->counter = fixture_counter(FIXTURE_UTC_S + 900, 0);
		first = ask_at(bench, (struct ask){.client = 0});
		bench->counter = fixture_counter(
			FIXTURE_UTC_S + 1000 - (leap == MERIDIAN_NTP_LI_DELETE), -RESIDENCE - 100);
		second = ask_at(bench, after(&first));
		expected = ntp_at(bench, second.left);
		assert_true(second.left > fixture_counter(FIXTURE_UTC_S + 999, 0));
		told = ask_at(bench, after(&second));
		assert_interleaved(&told, expected);
		expected = ntp_at(bench, told.left) + ((uint64_t)step_s << 32);
		told = ask_at(bench, after(&told));
		assert_interleaved(&told, expected);
	}
}

/* Whatever the measurement says: T3 is after T2. */
static void a_time_is_after_its_receive_time(void **state)
{
	struct bench *bench = *state;
	struct told first = ask_at(bench, (struct ask){.client = 0}), second, told;
	struct ask ask = after(&first);

	ask.delay_ticks = -2 * RESIDENCE;
	second = ask_at(bench, ask);
	told = ask_at(bench, after(&second));
	assert_interleaved(&told, second.receive + 1);
}

/* The client chooses its origin timestamp; T3 is never the same. */
static void a_reply_is_no_answer_to_itself(void **state)
{
	struct bench *bench = *state;
	struct told first = ask_at(bench, (struct ask){.client = 0}), second, told;
	struct ask ask;

	second = ask_at(bench, after(&first));
	ask = after(&second);
	ask.receive = ntp_at(bench, second.left);
	told = ask_at(bench, ask);
	assert_basic(&told, FRAME_ASKS);
	ask = after(&told);
	ask.receive = ntp_at(bench, bench->counter) | 1; /* T2 of the reply to come */
	told = ask_at(bench, ask);
	assert_int_equal(told.interleave, FRAME_INTERLEAVED);
	assert_int_equal(told.origin, ask.receive);
	assert_true(told.receive != told.origin);
}

/*
 * Clients that ask as they like: with the last reply's T2, an older one, another client's, or a
 * made-up one. A reply that is interleaved tells the time of just the reply that the request
 * refers to, of the same client, which nobody was told before.
 */
#define ROUNDS  40000
#define CLIENTS 6
#define MEMORY  64

struct saved {
	uint64_t receive, transmit;
	uint8_t client;
	bool used;
};

static struct ask any_ask(struct seed *seed, const struct saved *saved)
{
	const struct saved *reply = &saved[seed_below(seed, MEMORY)];
	struct ask ask = {.client = (uint8_t)seed_below(seed, CLIENTS),
		.receive = CLIENT_RECEIVE,
		.lost = seed_below(seed, 8) == 0};

	if (seed_below(seed, 8) != 0) {
		ask.origin = reply->receive;
		if (seed_below(seed, 8) != 0)
			ask.client = reply->client;
	} else {
		ask.origin = seed_next(seed);
	}
	ask.ipv6 = ask.client % 2;
	return ask;
}

static void assert_told(struct saved *saved, const struct ask *ask, const struct told *told)
{
	for (size_t i = 0; i < MEMORY; i++) {
		if (saved[i].client != ask->client || saved[i].receive != ask->origin)
			continue;
		assert_interleaved(told, saved[i].transmit);
		assert_false(saved[i].used);
		saved[i].used = true;
		return;
	}
	fail_msg("interleaved, and nobody knows of which reply");
}

static void tells_what_is_asked_for_and_once(void **state)
{
	struct bench *bench = *state;
	struct saved saved[MEMORY] = {{0}};
	struct seed seed = seed_init("interleaved");
	unsigned int interleaved = 0;

	bench->model.valid_until_counter = UINT64_MAX;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct ask ask = any_ask(&seed, saved);
		struct told told = ask_at(bench, ask);

		if (told.interleave == FRAME_INTERLEAVED) {
			assert_told(saved, &ask, &told);
			interleaved++;
		} else {
			assert_basic(&told, told.interleave);
		}
		if (told.interleave != FRAME_BASIC && !ask.lost)
			saved[seed_below(&seed, MEMORY)] = (struct saved){.client = ask.client,
				.receive = told.receive,
				.transmit = ntp_at(bench, told.left)};
		if (seed_below(&seed, 2)) /* soon, or a poll interval later */
			bench->counter -= LATER - seed_below(&seed, 1000);
	}
	print_message("# %u of %d interleaved\n", interleaved, ROUNDS);
	assert_true(interleaved > ROUNDS / 4);
}

#define TEXT(name) #name
#define TEST(name)                                                                                 \
	{TEXT(name) " one by one", name, bench_setup, bench_teardown, &engines[0]},                \
		{TEXT(name) " in plain C", name, bench_setup, bench_teardown, &engines[1]},        \
	{                                                                                          \
		TEXT(name) " with AVX-512", name, bench_setup, bench_teardown, &engines[2]         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_third_reply_is_interleaved),
		TEST(others_are_answered_as_ever),
		TEST(forgets_nothing_but_what_could_not_be_sent),
		TEST(gives_a_time_to_its_client_only),
		TEST(signs_and_verifies_as_in_basic_mode),
		TEST(without_a_table_all_are_basic),
		TEST(unsynchronised_all_are_basic),
		TEST(a_time_is_of_its_course_of_the_clock),
		TEST(a_time_is_of_its_side_of_a_leap_second),
		TEST(a_time_is_after_its_receive_time),
		TEST(a_reply_is_no_answer_to_itself),
		TEST(tells_what_is_asked_for_and_once),
	};

	if (!burst_engine_has_avx512()) {
		print_message("# no AVX-512 here: plain C is tested in its place\n");
		engines[2] = &burst_engine_plain;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
