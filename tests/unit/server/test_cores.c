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

static void takes_what_is_configured(void **state)
{
	static const struct meridian_policy_worker workers[] = {{.core = 5}, {.core = 1}};
	cpu_set_t allowed = set_of(4, four), rest;
	uint32_t core[2];
	size_t wrong;

	(void)state;
	assert_int_equal(cores_choose(workers, 2, &allowed, core, &wrong), 0);
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

		assert_int_equal(cores_choose(workers, 2, &allowed, core, &wrong), -EINVAL);
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
	assert_int_equal(cores_choose(workers, 1, &allowed, core, &wrong), 0);
	assert_int_equal(core[0], 900);
	assert_int_equal(cores_choose(workers, 3, &allowed, core, &wrong), 0);
	assert_int_equal(core[0], 5);
	assert_int_equal(core[1], 2);
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
	assert_int_equal(cores_choose(workers, 2, &allowed, core, &wrong), 0);
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
		cmocka_unit_test(shares_when_there_are_too_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
