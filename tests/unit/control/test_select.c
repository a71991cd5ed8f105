/* SPDX-License-Identifier: BSD-3-Clause */
#include "select.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct select_source source_at(double offset_s, double distance_s)
{
	return (struct select_source){.usable = true,
		.estimate = {.offset_s = offset_s, .offset_sd_s = 1e-4, .frequency_sd = 1e-8},
		.distance_s = distance_s,
		.likely_s = distance_s / 2};
}

static void test_nobody(void **state)
{
	struct select_source source = source_at(0, 1e-3);
	struct estimate combined;

	(void)state;
	assert_int_equal(select_combine(NULL, 0, 1, &combined), -1);
	source.usable = false;
	assert_int_equal(select_combine(&source, 1, 1, &combined), -1);
	assert_int_equal(source.state, SELECT_UNUSABLE);
}

static void test_single_source(void **state)
{
	struct select_source source = source_at(0.5, 1e-3);
	struct estimate combined;

	(void)state;
	assert_int_equal(select_combine(&source, 1, 1, &combined), 0);
	assert_int_equal(source.state, SELECT_BEST);
	assert_true(combined.offset_s == 0.5);
}

static void test_minority_falseticker(void **state)
{
	struct select_source source[] = {source_at(0.001, 0.010), source_at(-0.002, 0.015),
		source_at(0.05, 0.012), source_at(0.0, 0.025)};
	struct estimate combined;

	(void)state;
	assert_int_equal(select_combine(source, 4, 1, &combined), 0);
	assert_int_equal(source[0].state, SELECT_BEST);
	assert_int_equal(source[1].state, SELECT_COMBINED);
	assert_int_equal(source[2].state, SELECT_FALSETICKER);
	assert_int_equal(source[3].state, SELECT_COMBINED);
	assert_true(fabs(combined.offset_s) < 0.002);
}

/* A near liar that all others may agree with is not found out; one that they cannot is. */
static void test_refuted_is_who_can_have_no_majority(void **state)
{
	struct select_source source[] = {source_at(0.001, 0.010), source_at(-0.002, 0.015),
		source_at(0.005, 0.0001), source_at(0.05, 0.002)};
	struct estimate combined;

	(void)state;
	select_combine(source, 4, 1, &combined);
	assert_false(source[0].refuted);
	assert_false(source[1].refuted);
	assert_false(source[2].refuted);
	assert_true(source[3].refuted);
	/* It makes a majority with one of two honest ones: they cannot both be told from it. */
	source[0] = source_at(-0.004, 0.005);
	source[1] = source_at(0.006, 0.008);
	source[2] = source_at(0.012, 0.004);
	select_combine(source, 3, 1, &combined);
	for (int i = 0; i < 3; i++)
		assert_false(source[i].refuted);
}

static void test_majority_of_liars_wins(void **state)
{
	struct select_source source[] = {
		source_at(0, 1e-3), source_at(1.0, 1e-3), source_at(1.0001, 1e-3)};
	struct estimate combined;

	(void)state;
	assert_true(select_combine(source, 3, 1, &combined) > 0);
	assert_int_equal(source[0].state, SELECT_FALSETICKER);
}

static void test_no_majority(void **state)
{
	struct select_source source[] = {source_at(0, 1e-3), source_at(1.0, 1e-3)};
	struct estimate combined = {.offset_s = 42};

	(void)state;
	assert_int_equal(select_combine(source, 2, 1, &combined), -1);
	assert_int_equal(source[0].state, SELECT_FALSETICKER);
	assert_int_equal(source[1].state, SELECT_FALSETICKER);
	assert_true(combined.offset_s == 42);
}

static void test_touching_intervals_agree(void **state)
{
	struct select_source source[] = {source_at(0, 0.5), source_at(1.0, 0.5)};
	struct estimate combined;

	(void)state;
	assert_true(select_combine(source, 2, 1, &combined) >= 0);
}

static void test_prefer(void **state)
{
	struct select_source source[] = {source_at(0, 1e-3), source_at(0.0005, 2e-3)};
	struct estimate combined;

	(void)state;
	source[1].prefer = true;
	assert_int_equal(select_combine(source, 2, 1, &combined), 1);
	assert_int_equal(source[0].state, SELECT_UNSELECTED);
	assert_true(combined.offset_s == 0.0005);
}

static void test_preferred_falseticker_is_not_believed(void **state)
{
	struct select_source source[] = {
		source_at(0, 1e-3), source_at(0.0001, 1e-3), source_at(1, 1e-3)};
	struct estimate combined;

	(void)state;
	source[2].prefer = true;
	assert_true(select_combine(source, 3, 1, &combined) < 2);
	assert_int_equal(source[2].state, SELECT_FALSETICKER);
}

static void test_current_source_stays(void **state)
{
	struct select_source source[] = {source_at(0, 1.0e-3), source_at(0, 0.9e-3)};
	struct estimate combined;

	(void)state;
	source[0].current = true;
	assert_int_equal(select_combine(source, 2, 1, &combined), 0);
	source[1].distance_s = 0.5e-3;
	assert_int_equal(select_combine(source, 2, 1, &combined), 1);
}

static void test_unlikely_source_is_not_combined(void **state)
{
	struct select_source source[] = {source_at(0, 0.01), source_at(0.012, 0.02)};
	struct estimate combined;

	(void)state;
	source[0].likely_s = source[1].likely_s = 1e-3;
	assert_int_equal(select_combine(source, 2, 1, &combined), 0);
	assert_int_equal(source[1].state, SELECT_UNSELECTED);
	assert_true(combined.offset_s == 0);
}

/* Two near liars and two far honest servers have a point in common, the three honest ones do not
 * share it. */
static void test_near_liars_do_not_win_by_wide_intervals(void **state)
{
	struct select_source source[] = {source_at(0.020, 0.002), source_at(0.020, 0.002),
		source_at(0, 0.030), source_at(0.001, 0.030), source_at(0, 0.007)};
	struct estimate combined;

	(void)state;
	source[2].likely_s = source[3].likely_s = source[4].likely_s = 0.003;
	assert_int_equal(select_combine(source, 5, 1, &combined), 4);
	assert_int_equal(source[0].state, SELECT_FALSETICKER);
	assert_int_equal(source[1].state, SELECT_FALSETICKER);
	assert_int_equal(source[2].state, SELECT_COMBINED);
	assert_int_equal(source[3].state, SELECT_COMBINED);
	assert_true(fabs(combined.offset_s) < 0.001);
}

/* One whose root distance agrees with the majority, but not its likely error. */
static void test_unlikely_source_is_no_candidate(void **state)
{
	struct select_source source[] = {
		source_at(0.008, 0.010), source_at(0, 0.020), source_at(0.0001, 0.020)};
	struct estimate combined;

	(void)state;
	source[0].likely_s = source[1].likely_s = source[2].likely_s = 0.002;
	assert_int_equal(select_combine(source, 3, 1, &combined), 1);
	assert_int_equal(source[0].state, SELECT_UNSELECTED);
	assert_true(combined.offset_s < 0.001);
}

static void test_weights(void **state)
{
	struct select_source source[] = {source_at(0, 0.01), source_at(0.003, 0.01)};
	struct estimate combined;

	(void)state;
	source[1].estimate.offset_sd_s = 2e-4;
	select_combine(source, 2, 1, &combined);
	assert_true(fabs(combined.offset_s - 0.003 / 5) < 1e-9);
}

static void test_trusted_minority_is_believed(void **state)
{
	struct select_source source[] = {source_at(0, 1e-2), source_at(1.0, 1e-3),
		source_at(1.0001, 1e-3), source_at(0, 1e-3)};
	struct estimate combined;

	(void)state;
	source[0].trust = true;
	assert_int_equal(select_combine(source, 4, 1, &combined), 3);
	assert_int_equal(source[0].state, SELECT_COMBINED);
	assert_int_equal(source[1].state, SELECT_FALSETICKER);
	assert_int_equal(source[2].state, SELECT_FALSETICKER);
	assert_int_equal(source[3].state, SELECT_BEST);
}

static void test_trusted_ones_that_disagree_are_not_believed(void **state)
{
	struct select_source source[] = {
		source_at(0, 1e-3), source_at(1.0, 1e-3), source_at(1.0001, 1e-3)};
	struct estimate combined;

	(void)state;
	source[0].trust = source[1].trust = true;
	assert_int_equal(select_combine(source, 3, 1, &combined), -1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(source[i].state, SELECT_FALSETICKER);
}

static void test_what_is_wider_than_the_trusted_is_not_used(void **state)
{
	struct select_source source[] = {source_at(0, 1e-3), source_at(0.0005, 2e-3)};
	struct estimate combined;

	(void)state;
	source[0].trust = true;
	assert_int_equal(select_combine(source, 2, 1, &combined), 0);
	assert_int_equal(source[1].state, SELECT_UNTRUSTED);
	assert_true(combined.offset_s == 0);
}

static void test_required_source(void **state)
{
	struct select_source source[] = {
		source_at(0, 1e-3), source_at(0.0001, 1e-3), source_at(1, 1e-3)};
	struct estimate combined;

	(void)state;
	source[2].require = true;
	assert_int_equal(select_combine(source, 3, 1, &combined), -1);
	assert_int_equal(source[0].state, SELECT_WAITING);
	assert_int_equal(source[2].state, SELECT_FALSETICKER);
	source[2].usable = false;
	source[2].state = SELECT_DISTANT;
	assert_int_equal(select_combine(source, 3, 1, &combined), -1);
	assert_int_equal(source[2].state, SELECT_DISTANT);
	source[1].require = true;
	assert_true(select_combine(source, 3, 1, &combined) >= 0);
}

static void test_min_sources(void **state)
{
	struct select_source source[] = {
		source_at(0, 1e-3), source_at(0.0001, 1e-3), source_at(1, 1e-3)};
	struct estimate combined;

	(void)state;
	assert_int_equal(select_combine(source, 3, 3, &combined), -1);
	assert_int_equal(source[0].state, SELECT_WAITING);
	assert_int_equal(source[1].state, SELECT_WAITING);
	assert_int_equal(source[2].state, SELECT_FALSETICKER);
	assert_true(select_combine(source, 3, 2, &combined) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_single_source),
		cmocka_unit_test(test_minority_falseticker),
		cmocka_unit_test(test_majority_of_liars_wins),
		cmocka_unit_test(test_refuted_is_who_can_have_no_majority),
		cmocka_unit_test(test_no_majority),
		cmocka_unit_test(test_touching_intervals_agree),
		cmocka_unit_test(test_prefer),
		cmocka_unit_test(test_trusted_minority_is_believed),
		cmocka_unit_test(test_trusted_ones_that_disagree_are_not_believed),
		cmocka_unit_test(test_what_is_wider_than_the_trusted_is_not_used),
		cmocka_unit_test(test_required_source),
		cmocka_unit_test(test_min_sources),
		cmocka_unit_test(test_preferred_falseticker_is_not_believed),
		cmocka_unit_test(test_current_source_stays),
		cmocka_unit_test(test_unlikely_source_is_not_combined),
		cmocka_unit_test(test_near_liars_do_not_win_by_wide_intervals),
		cmocka_unit_test(test_unlikely_source_is_no_candidate),
		cmocka_unit_test(test_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
