/* SPDX-License-Identifier: BSD-3-Clause */
#include <meridian/stats.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void buckets_and_floors_agree(void **state)
{
	(void)state;
	for (unsigned int bucket = 0; bucket < MERIDIAN_RESIDENCE_BUCKETS; bucket++) {
		uint64_t floor_ns = meridian_residence_floor_ns(bucket);

		assert_int_equal(meridian_residence_bucket(floor_ns), bucket);
		if (bucket > 0)
			assert_int_equal(meridian_residence_bucket(floor_ns - 1), bucket - 1);
	}
}

/* No bucket is wider than an eighth of its floor. */
static void buckets_are_fine_enough(void **state)
{
	(void)state;
	assert_int_equal(meridian_residence_bucket(63), 0);
	assert_int_equal(meridian_residence_bucket(64), 1);
	assert_int_equal(meridian_residence_bucket(UINT64_MAX), MERIDIAN_RESIDENCE_BUCKETS - 1);
	assert_int_equal(meridian_residence_floor_ns(MERIDIAN_RESIDENCE_BUCKETS + 5), 1 << 26);
	for (unsigned int bucket = 1; bucket + 1 < MERIDIAN_RESIDENCE_BUCKETS; bucket++) {
		uint64_t floor_ns = meridian_residence_floor_ns(bucket);

		assert_true(meridian_residence_floor_ns(bucket + 1) - floor_ns <= floor_ns / 8);
	}
}

static void every_verdict_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MERIDIAN_VERDICT_COUNT; i++) {
		assert_true(strlen(meridian_verdict_name(i)) > 2);
		assert_true(strlen(meridian_verdict_text(i)) > 10);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(meridian_verdict_name(i), meridian_verdict_name(j));
	}
	assert_string_equal(meridian_verdict_name(MERIDIAN_VERDICT_bad_mode), "bad_mode");
	assert_string_equal(meridian_verdict_name(MERIDIAN_VERDICT_COUNT), "unknown");
	assert_string_equal(meridian_verdict_text(UINT32_MAX), "unknown");
	assert_string_equal(meridian_stamp_name(MERIDIAN_STAMP_xdp), "xdp");
	assert_string_equal(meridian_stamp_name(MERIDIAN_STAMP_COUNT), "unknown");
	assert_string_equal(meridian_fault_name(MERIDIAN_FAULT_early), "early");
	assert_string_equal(meridian_fault_text(MERIDIAN_FAULT_future), "lies in the future");
	assert_string_equal(meridian_fault_name(MERIDIAN_FAULT_COUNT), "unknown");
}

static void every_class_has_a_name_and_a_share(void **state)
{
	unsigned int shares = 0;

	(void)state;
	for (unsigned int i = 0; i < MERIDIAN_PUNT_COUNT; i++) {
		assert_true(strlen(meridian_punt_text(i)) > 10);
		assert_int_not_equal(meridian_punt_share(i), 0);
		shares += meridian_punt_share(i);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(meridian_punt_name(i), meridian_punt_name(j));
	}
	assert_int_equal(shares, MERIDIAN_PUNT_SHARES);
	assert_string_equal(meridian_punt_name(MERIDIAN_PUNT_answer), "answer");
	assert_string_equal(meridian_punt_name(MERIDIAN_PUNT_COUNT), "unknown");
	assert_string_equal(meridian_punt_text(MERIDIAN_PUNT_COUNT), "unknown");
	assert_int_equal(meridian_punt_share(MERIDIAN_PUNT_COUNT), 0);
}

static void outcomes_follow_the_list(void **state)
{
	(void)state;
	assert_int_equal(meridian_verdict_outcome(0), MERIDIAN_OUTCOME_ANSWER);
	assert_int_equal(meridian_verdict_outcome(1), MERIDIAN_OUTCOME_ANSWER);
	assert_int_equal(meridian_verdict_outcome(MERIDIAN_VERDICT_punt), MERIDIAN_OUTCOME_PUNT);
	for (unsigned int i = MERIDIAN_VERDICT_short_frame; i < MERIDIAN_VERDICT_COUNT + 3; i++)
		assert_int_equal(meridian_verdict_outcome(i),
			i == MERIDIAN_VERDICT_kod || i == MERIDIAN_VERDICT_answered_ntpv5
				? MERIDIAN_OUTCOME_ANSWER
				: MERIDIAN_OUTCOME_DROP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_and_floors_agree),
		cmocka_unit_test(buckets_are_fine_enough),
		cmocka_unit_test(every_verdict_has_a_name_of_its_own),
		cmocka_unit_test(every_class_has_a_name_and_a_share),
		cmocka_unit_test(outcomes_follow_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
