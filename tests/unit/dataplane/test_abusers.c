/* SPDX-License-Identifier: BSD-3-Clause */
#include "seed.h"
#include <abusers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HZ      UINT64_C(1000)
#define START   (UINT64_C(1) << 50)
#define AFTER_S 240

static struct abusers abusers;

static int setup(void **state)
{
	(void)state;
	memset(&abusers, 0, sizeof(abusers));
	return 0;
}

/* Notes a refusal `s` after the start, and tells who may be told. */
static bool refused(uint64_t hash, double s)
{
	uint64_t now = START + (uint64_t)(s * (double)HZ);
	struct abuser *abuser = abusers_note(&abusers, hash, now, HZ, AFTER_S);

	if (abuser != NULL)
		abuser->told = now;
	return abuser != NULL;
}

static void waits_and_repeats(void **state)
{
	unsigned int told = 0;

	(void)state;
	for (double s = 0; s < AFTER_S; s += 0.5)
		assert_false(refused(1, s));
	assert_true(refused(1, AFTER_S));
	for (double s = AFTER_S + 0.5; s < AFTER_S + ABUSERS_REPEAT_S; s += 0.5)
		assert_false(refused(1, s));
	for (double s = AFTER_S + ABUSERS_REPEAT_S; s < AFTER_S + 11 * ABUSERS_REPEAT_S; s += 0.5)
		told += refused(1, s);
	assert_int_equal(told, 10);
}

static void forgets_after_a_pause(void **state)
{
	(void)state;
	for (double s = 0; s < AFTER_S; s += ABUSERS_PAUSE_S)
		assert_false(refused(1, s));
	assert_false(refused(1, AFTER_S + 1.5)); /* since the last one 16 and more */
	for (double s = AFTER_S + 2; s < 2 * AFTER_S + 1; s += ABUSERS_PAUSE_S)
		assert_false(refused(1, s));
	assert_true(refused(1, 2 * AFTER_S + 2));
}

/* Each set has a few who have been at it for long, and a crowd of others comes by. */
static void a_crowd_pushes_out_nobody(void **state)
{
	struct seed seed = seed_init(__func__);
	uint64_t old[ABUSERS_WAYS - 1];
	unsigned int told = 0;

	(void)state;
	for (unsigned int i = 0; i < ABUSERS_WAYS - 1; i++)
		refused(old[i] = i + 1, 0);
	for (unsigned int s = 1; s < AFTER_S + ABUSERS_REPEAT_S - 1; s++) {
		for (int i = 0; i < 100; i++) /* of the same set */
			assert_false(refused(seed_next(&seed) >> ABUSERS_SETS_LOG2, s));
		for (unsigned int i = 0; i < ABUSERS_WAYS - 1; i++)
			told += refused(old[i], s);
	}
	assert_int_equal(told, ABUSERS_WAYS - 1);
}

/* Far more abusers than entries, for an hour: nobody above the bound is told, and nothing grows. */
static void tells_a_bounded_number(void **state)
{
	struct seed seed = seed_init(__func__);
	const unsigned int hours_s = 3600;
	uint64_t told = 0;

	(void)state;
	for (unsigned int s = 0; s < hours_s; s++) {
		for (int i = 0; i < 4000; i++)
			told += refused(
				(seed_next(&seed) % 20000) * UINT64_C(0x9e3779b97f4a7c15), s);
	}
	print_message("# %.1f told a second\n", (double)told / (hours_s - AFTER_S));
	assert_true(told <= (uint64_t)(ABUSERS_WAYS << ABUSERS_SETS_LOG2) *
			((hours_s - AFTER_S) / ABUSERS_REPEAT_S + 1));
	assert_true(told > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(waits_and_repeats, setup),
		cmocka_unit_test_setup(forgets_after_a_pause, setup),
		cmocka_unit_test_setup(a_crowd_pushes_out_nobody, setup),
		cmocka_unit_test_setup(tells_a_bounded_number, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
