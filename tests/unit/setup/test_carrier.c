/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "carrier.h"

#define COUNT(links) (sizeof(links) / sizeof((links)[0]))

static void test_alone(void **state)
{
	struct carrier_link links[] = {
		{.index = 2, .is_default = true}, {.index = 3, .carries = true}};

	(void)state;
	carrier_spread(links, COUNT(links));
	assert_true(links[0].carries);
	assert_false(links[1].carries);
}

/* In an order in which one pass is not enough. */
static void test_ports_of_a_bond_under_a_bridge_under_a_vlan(void **state)
{
	struct carrier_link links[] = {
		{.index = 2, .master = 5},
		{.index = 3, .master = 5},
		{.index = 4},
		{.index = 5, .master = 6},
		{.index = 6},
		{.index = 7, .lower = 6, .is_default = true},
		{.index = 8, .lower = 4},
	};

	(void)state;
	carrier_spread(links, COUNT(links));
	for (size_t i = 0; i < COUNT(links); i++)
		assert_int_equal(links[i].carries, links[i].index != 4 && links[i].index != 8);
}

/* What is above an interface is not needed by what is below. */
static void test_not_upwards(void **state)
{
	struct carrier_link links[] = {{.index = 2, .is_default = true, .master = 4},
		{.index = 3, .lower = 2}, {.index = 4}, {.index = 5, .master = 4}};

	(void)state;
	carrier_spread(links, COUNT(links));
	assert_false(links[1].carries);
	assert_false(links[2].carries);
	assert_false(links[3].carries);
}

static void test_ports_of_a_switch(void **state)
{
	struct carrier_link links[] = {{.index = 2, .is_default = true, .master = 4},
		{.index = 4, .is_switch = true}, {.index = 5, .master = 4}};

	(void)state;
	carrier_spread(links, COUNT(links));
	assert_true(links[2].carries);
}

/* Two interfaces that are each other's lower one, as veths say. */
static void test_rings_end(void **state)
{
	struct carrier_link links[] = {
		{.index = 2, .lower = 3, .is_default = true}, {.index = 3, .lower = 2}};

	(void)state;
	carrier_spread(links, COUNT(links));
	assert_true(links[1].carries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_ports_of_a_bond_under_a_bridge_under_a_vlan),
		cmocka_unit_test(test_not_upwards),
		cmocka_unit_test(test_ports_of_a_switch),
		cmocka_unit_test(test_rings_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
