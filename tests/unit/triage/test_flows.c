/* SPDX-License-Identifier: BSD-3-Clause */
#include <flows.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S    UINT32_C(0x123fff0) /* the time in an entry wraps around soon */
#define OF_A_SET UINT64_C(0x123400000000beef)

static struct flows flows;

static int setup(void **state)
{
	(void)state;
	memset(&flows, 0, sizeof(flows));
	return 0;
}

/* A flow of the same set. */
static uint64_t flow(uint64_t number)
{
	return OF_A_SET + (number << 16);
}

static void knows_what_was_noted(void **state)
{
	(void)state;
	assert_false(flows_known(&flows, flow(1)));
	assert_false(flows_known(&flows, 0));
	flows_note(&flows, flow(1), NOW_S);
	assert_true(flows_known(&flows, flow(1)));
	assert_false(flows_known(&flows, flow(2)));
	assert_false(flows_known(&flows, ~flow(1)));
}

static void forgets_what_is_not_noted_again(void **state)
{
	(void)state;
	flows_note(&flows, flow(1), NOW_S);
	flows_note(&flows, flow(2), NOW_S);
	flows_note(&flows, flow(2), NOW_S + FLOWS_LIFE_S);
	assert_true(flows_known(&flows, flow(1)));
	flows_note(&flows, flow(3), NOW_S + FLOWS_LIFE_S + 1);
	assert_false(flows_known(&flows, flow(1)));
	assert_true(flows_known(&flows, flow(2)));
}

static void replaces_the_oldest(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < FLOWS_WAYS; i++)
		flows_note(&flows, flow(i), NOW_S + i);
	flows_note(&flows, flow(0), NOW_S + FLOWS_WAYS);
	flows_note(&flows, flow(99), NOW_S + FLOWS_WAYS);
	assert_false(flows_known(&flows, flow(1)));
	assert_true(flows_known(&flows, flow(99)));
	assert_true(flows_known(&flows, flow(0)));
	for (uint32_t i = 2; i < FLOWS_WAYS; i++)
		assert_true(flows_known(&flows, flow(i)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(knows_what_was_noted, setup),
		cmocka_unit_test_setup(forgets_what_is_not_noted_again, setup),
		cmocka_unit_test_setup(replaces_the_oldest, setup),
	};

	return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
