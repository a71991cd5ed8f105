/* SPDX-License-Identifier: BSD-3-Clause */
#include <cores.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#define ANY MERIDIAN_CORE_ANY

static cpu_set_t set_of(size_t count, const uint32_t *core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (size_t i = 0; i < count; i++)
		CPU_SET(core[i], &set);
	return set;
}

static const uint32_t four[] = {1, 2, 5, 900};
static const cpu_set_t nowhere;

static void takes_what_is_configured(void **state)
{
	static const struct meridian_policy_worker workers[] = {{.core = 5}, {.core = 1}};
	cpu_set_t allowed = set_of(4, four), rest;
	uint32_t core[2];
	size_t wrong;

	(void)state;
	assert_int_equal(cores_choose(workers, 2, &allowed, &nowhere, core, &wrong), 0);
	assert_int_equal(core[0], 5);
	assert_int_equal(core[1], 1);
	cores_rest(core, 2, &allowed, &rest);
	assert_int_equal(CPU_COUNT(&rest), 2);
	assert_true(CPU_ISSET(2, &rest) && CPU_ISSET(900, &rest));
}

static void names_a_core_that_is_not_allowed(void **state)
{
	static const uint32_t wrong_cores[] = {0, 1023, 1024, UINT32_MAX - 1};
	cpu_set_t allowed = set_of(4, four);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct meridian_policy_worker workers[] = {
			{.core = ANY}, {.core = wrong_cores[i]}};
		uint32_t core[2];
		size_t wrong = 0;

		assert_int_equal(
			cores_choose(workers, 2, &allowed, &nowhere, core, &wrong), -EINVAL);
		assert_int_equal(wrong, 1);
	}
}

/* The last one that is free, also with a configured worker behind it in the list. */
static void chooses_the_last_free_core(void **state)
{
	static const struct meridian_policy_worker workers[] = {
		{.core = ANY}, {.core = ANY}, {.core = 900}};
	cpu_set_t allowed = set_of(4, four);
	uint32_t core[3];
	size_t wrong;

	(void)state;
	assert_int_equal(cores_choose(workers, 1, &allowed, &nowhere, core, &wrong), 0);
	assert_int_equal(core[0], 900);
	assert_int_equal(cores_choose(workers, 3, &allowed, &nowhere, core, &wrong), 0);
	assert_int_equal(core[0], 5);
	assert_int_equal(core[1], 2);
}

/* As long as one is free there. */
static void prefers_what_is_near(void **state)
{
	static const struct meridian_policy_worker workers[] = {
		{.core = ANY}, {.core = ANY}, {.core = ANY}};
	static const uint32_t of_node[] = {0, 1, 2, 3};
	cpu_set_t allowed = set_of(4, four), near = set_of(4, of_node);
	uint32_t core[3];
	size_t wrong;

	(void)state;
	assert_int_equal(cores_choose(workers, 3, &allowed, &near, core, &wrong), 0);
	assert_int_equal(core[0], 2);
	assert_int_equal(core[1], 1);
	assert_int_equal(core[2], 900);
}

static void reads_lists_of_the_kernel(void **state)
{
	static const struct {
		const char *text;
		int count, among;
	} right[] = {{"0-3,8\n", 5, 8}, {"5", 1, 5}, {"1,2,5,900\n", 4, 900}, {"0-1,4-5", 4, 4},
		{"1000-4095", 24, 1023}};
	static const char *const wrong[] = {"x", "1,x", "3-1", "1-", "-1", "1 2", "1-2-3"};
	cpu_set_t set;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		assert_int_equal(cores_parse(right[i].text, &set), 0);
		assert_int_equal(CPU_COUNT(&set), right[i].count);
		assert_true(CPU_ISSET(right[i].among, &set));
	}
	assert_int_equal(cores_parse("\n", &set), 0);
	assert_int_equal(CPU_COUNT(&set), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(cores_parse(wrong[i], &set), -EINVAL);
}

/* With one CPU, worker and main thread share it. */
static void shares_when_there_are_too_few(void **state)
{
	static const struct meridian_policy_worker workers[] = {{.core = ANY}, {.core = ANY}};
	static const uint32_t one[] = {3};
	cpu_set_t allowed = set_of(1, one), rest;
	uint32_t core[2];
	size_t wrong;

	(void)state;
	assert_int_equal(cores_choose(workers, 2, &allowed, &nowhere, core, &wrong), 0);
	assert_int_equal(core[0], 3);
	assert_int_equal(core[1], 3);
	cores_rest(core, 2, &allowed, &rest);
	assert_true(CPU_EQUAL(&rest, &allowed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_is_configured),
		cmocka_unit_test(names_a_core_that_is_not_allowed),
		cmocka_unit_test(chooses_the_last_free_core),
		cmocka_unit_test(prefers_what_is_near),
		cmocka_unit_test(reads_lists_of_the_kernel),
		cmocka_unit_test(shares_when_there_are_too_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
