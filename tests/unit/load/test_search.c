/* SPDX-License-Identifier: BSD-3-Clause */
#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FROM 1000000
#define TO   UINT64_C(2000000000)

/* Runs a search against a server of that capacity and a generator of another. */
static void run(struct search *search, uint64_t capacity, uint64_t generator)
{
	uint64_t rate;

	search_init(search, 1000, FROM, TO, 20000);
	while (search_next(search, &rate)) {
		double loss = rate > capacity ? 1 - (double)capacity / (double)rate : 0;

		assert_in_range(rate, FROM, TO);
		search_take(search, rate, loss, 0, rate > generator);
	}
}

static void finds_the_capacity(void **state)
{
	static const uint64_t capacities[] = {FROM, 1500000, 77777777, 1234567890, TO - 1};
	struct search search;

	(void)state;
	for (int i = 0; i < 5; i++) {
		double capacity = (double)capacities[i], found;

		run(&search, capacities[i], UINT64_MAX);
		found = (double)search.passed_milli;
		assert_true(found <= capacity * 1.0011 && found >= capacity * 0.979);
		assert_false(search_generator_limited(&search));
		assert_in_range(search.step_count, 1, 20);
	}
}

static void ends_at_the_edges(void **state)
{
	struct search search;

	(void)state;
	run(&search, TO, UINT64_MAX);
	assert_int_equal(search.passed_milli, TO);
	assert_int_equal(search.step_count, 1);
	run(&search, FROM / 2, UINT64_MAX);
	assert_int_equal(search.passed_milli, 0);
	assert_int_equal(search.step_count, 2);
}

static void says_when_the_generator_was_the_limit(void **state)
{
	struct search search;

	(void)state;
	run(&search, 1000000000, 500000000);
	assert_in_range(search.passed_milli, 490000000, 500000000);
	assert_true(search_generator_limited(&search));
}

static void tries_again_what_has_not_passed(void **state)
{
	struct search search;

	(void)state;
	search_init(&search, 1000, FROM, TO, 20000);
	assert_false(search_again(&search, 1, 0.5, false));
	assert_true(search_again(&search, 1, 0, true));
	assert_false(search_again(&search, 2, 0, true));
	search.tries = 3;
	assert_false(search_again(&search, 1, 0.001, false));
	assert_true(search_again(&search, 2, 0.0011, false));
	assert_true(search_again(&search, 2, 0, true));
	assert_false(search_again(&search, 3, 0.5, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_capacity),
		cmocka_unit_test(ends_at_the_edges),
		cmocka_unit_test(says_when_the_generator_was_the_limit),
		cmocka_unit_test(tries_again_what_has_not_passed),
	};

	return cmocka_run_group_tests_name("load-search", tests, NULL, NULL);
}
