/* SPDX-License-Identifier: BSD-3-Clause */
#include "leap.h"
#include <math.h>
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HZ    UINT64_C(1000000000)
#define DAY_S INT64_C(86400)

/* First seconds of months. */
#define JANUARY_2017  INT64_C(1483228800)
#define JULY_2031     INT64_C(1940630400)
#define SEPTEMBER     INT64_C(1945987200) /* of 2031: August is no month of preference */
#define FEBRUARY_2036 INT64_C(2085436800)

static struct leap_list list;
static struct model model;
static struct timescale timescale;

static int setup(void **state)
{
	(void)state;
	list = (struct leap_list){.entry = {{JANUARY_2017, 37}, {JULY_2031, 38}, {SEPTEMBER, 37}},
		.count = 3,
		.updated_s = JANUARY_2017,
		.expires_s = SEPTEMBER + 100 * DAY_S};
	return 0;
}

static void months_begin(void **state)
{
	(void)state;
	assert_true(leap_month_begins(JANUARY_2017));
	assert_true(leap_month_begins(JULY_2031));
	assert_true(leap_month_begins(SEPTEMBER));
	assert_true(leap_month_begins(FEBRUARY_2036));
	assert_false(leap_month_begins(JULY_2031 + 1));
	assert_false(leap_month_begins(JULY_2031 - DAY_S));
	assert_false(leap_month_begins(JULY_2031 + DAY_S));
}

static void list_tells_what_is_next(void **state)
{
	const struct leap_votes none = {0, 0, 0};
	struct leap_outlook outlook = leap_next(&list, &none, JULY_2031 - 400 * DAY_S);

	(void)state;
	assert_int_equal(outlook.from_s, JULY_2031);
	assert_int_equal(outlook.kind, MERIDIAN_NTP_LI_INSERT);
	assert_int_equal(outlook.tai_offset_s, 37);
	assert_int_equal(outlook.known_until_s, list.expires_s);
	outlook = leap_next(&list, &none, JULY_2031);
	assert_int_equal(outlook.from_s, SEPTEMBER);
	assert_int_equal(outlook.kind, MERIDIAN_NTP_LI_DELETE);
	assert_int_equal(outlook.tai_offset_s, 38);
	outlook = leap_next(&list, &none, SEPTEMBER);
	assert_int_equal(outlook.from_s, 0);
	assert_int_equal(outlook.kind, MERIDIAN_NTP_LI_NONE);
	assert_int_equal(outlook.tai_offset_s, 37);
}

static uint8_t elected(int64_t utc_s, unsigned int voters, unsigned int insert, unsigned int delete)
{
	struct leap_votes votes = {voters, insert, delete};
	struct leap_outlook outlook = leap_next(NULL, &votes, utc_s);

	if (outlook.kind != MERIDIAN_NTP_LI_NONE)
		assert_int_equal(outlook.from_s, (utc_s + 10 * DAY_S) / DAY_S * DAY_S - 9 * DAY_S);
	else
		assert_int_equal(outlook.from_s, 0);
	return outlook.kind;
}

static void votes_need_a_majority_and_the_last_day(void **state)
{
	(void)state;
	assert_int_equal(elected(JULY_2031 - 1, 3, 2, 0), MERIDIAN_NTP_LI_INSERT);
	assert_int_equal(elected(JULY_2031 - DAY_S, 3, 0, 3), MERIDIAN_NTP_LI_DELETE);
	assert_int_equal(elected(JULY_2031 - 1, 1, 1, 0), MERIDIAN_NTP_LI_INSERT);
	assert_int_equal(elected(JULY_2031 - 1, 4, 2, 2), MERIDIAN_NTP_LI_NONE);
	assert_int_equal(elected(JULY_2031 - 1, 3, 1, 1), MERIDIAN_NTP_LI_NONE);
	assert_int_equal(elected(JULY_2031 - 1, 0, 0, 0), MERIDIAN_NTP_LI_NONE);
	assert_int_equal(elected(JULY_2031 - DAY_S - 1, 3, 3, 0), MERIDIAN_NTP_LI_NONE);
	assert_int_equal(elected(JULY_2031, 3, 3, 0), MERIDIAN_NTP_LI_NONE);
	/* Other months. */
	assert_int_equal(elected(SEPTEMBER - 1, 3, 2, 0), MERIDIAN_NTP_LI_NONE);
	assert_int_equal(elected(SEPTEMBER - 1, 1, 1, 0), MERIDIAN_NTP_LI_NONE);
	assert_int_equal(elected(SEPTEMBER - 1, 3, 3, 0), MERIDIAN_NTP_LI_INSERT);
	/* February of a leap year ends on the 29th, and 1969 on a negative day. */
	assert_int_equal(elected(FEBRUARY_2036 + 29 * DAY_S - 1, 2, 2, 0), MERIDIAN_NTP_LI_INSERT);
	assert_int_equal(elected(-1, 3, 3, 0), MERIDIAN_NTP_LI_INSERT);
}

static void list_wins_until_it_expires(void **state)
{
	const struct leap_votes votes = {3, 3, 0};
	struct leap_outlook outlook;

	(void)state;
	list.count = 1;
	list.expires_s = JULY_2031;
	outlook = leap_next(&list, &votes, JULY_2031 - 1);
	assert_int_equal(outlook.kind, MERIDIAN_NTP_LI_NONE);
	assert_int_equal(outlook.tai_offset_s, 37);
	list.expires_s = JULY_2031 - DAY_S;
	outlook = leap_next(&list, &votes, JULY_2031 - 1);
	assert_int_equal(outlook.kind, MERIDIAN_NTP_LI_INSERT);
	assert_int_equal(outlook.tai_offset_s, 0);
	assert_int_equal(outlook.known_until_s, JULY_2031 - DAY_S);
}

/* A clock that is right to the nanosecond, 1000 s before the leap second at counter 0. */
static void clock_start(uint8_t kind)
{
	const struct leap_outlook outlook = {
		.from_s = JULY_2031, .kind = kind, .tai_offset_s = 37, .known_until_s = JULY_2031};
	int64_t instant_s = JULY_2031 - (kind == MERIDIAN_NTP_LI_DELETE);
	struct model_target target = {
		.counter = 0, .utc = {instant_s - 1000, 0}, .rate = 1, .slew_s = 1};
	struct model_facts facts = {.root_dispersion_s = 0.001,
		.valid_s = 86400,
		.refid = 1,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = 2};

	timescale = (struct timescale){.hz = HZ, .utc = target.utc};
	model_init(&model, &timescale, MERIDIAN_COUNTER_MONOTONIC_RAW, -30);
	model_steer(&model, &target);
	model_state(&model, 0, &facts);
	leap_announce(&model, &outlook);
}

static uint64_t at(double seconds_past)
{
	return (uint64_t)((1000 + seconds_past) * (double)HZ);
}

/* A sample of a source whose clock is `leapt_s` and `error_s` off the time without the leap second,
 * taken within 20 ms. */
static bool admitted(double seconds_past, double leapt_s, double error_s, double *ret_offset_s)
{
	uint64_t middle = at(seconds_past), from = middle - HZ / 100, to = middle + HZ / 100;
	struct sample sample = {.counter = middle, .offset_s = leapt_s + error_s, .delay_s = 0.02};
	bool result = leap_admit(&model, &timescale, from, to, &sample);

	*ret_offset_s = sample.offset_s;
	return result;
}

static void sources_leap_with_us(void **state)
{
	static const uint8_t kinds[] = {MERIDIAN_NTP_LI_INSERT, MERIDIAN_NTP_LI_DELETE};
	double offset_s;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		double leapt_s = kinds[i] == MERIDIAN_NTP_LI_INSERT ? -1 : 1;

		clock_start(kinds[i]);
		for (double t = -900; t < -0.1; t += 0.7) {
			assert_true(admitted(t, 0, 0.125, &offset_s));
			assert_true(offset_s == 0.125);
		}
		for (double t = 0.1; t < 9000; t += 0.7) {
			assert_true(admitted(t, leapt_s, 0.125, &offset_s));
			assert_true(offset_s == 0.125);
		}
		/* Where it is not sure on which side a sample is, it is left out. */
		assert_false(admitted(0, 0, 0, &offset_s));
		assert_false(admitted(0, leapt_s, 0, &offset_s));
		assert_false(admitted(-0.0105, 0, 0, &offset_s));
		assert_false(admitted(0.0105, leapt_s, 0, &offset_s));
	}
}

static void late_and_early_leapers_are_ignored(void **state)
{
	double offset_s;

	(void)state;
	clock_start(MERIDIAN_NTP_LI_INSERT);
	assert_false(admitted(5, 0, 0, &offset_s));
	assert_false(admitted(-5, -1, 0, &offset_s));
	assert_false(admitted(5, 0, -0.4, &offset_s));
	assert_false(admitted(LEAP_NEAR_S - 1, 0, 0, &offset_s));
	/* Later it is a source like any other that is wrong. */
	assert_true(admitted(LEAP_NEAR_S + 1, 0, 0, &offset_s));
	assert_true(offset_s == 1);
	assert_true(admitted(-LEAP_NEAR_S - 1, -1, 0, &offset_s));
	assert_true(offset_s == -1);
}

static void unsure_clock_asks_nobody(void **state)
{
	double offset_s;

	(void)state;
	clock_start(MERIDIAN_NTP_LI_INSERT);
	model.data.root_dispersion_ns = HZ;
	assert_false(admitted(-0.9, 0, 0, &offset_s));
	assert_false(admitted(0.9, -1, 0, &offset_s));
	assert_true(admitted(1.1, -1, 0, &offset_s));
}

static void nothing_pending_changes_nothing(void **state)
{
	double offset_s;

	(void)state;
	clock_start(MERIDIAN_NTP_LI_INSERT);
	leap_fold(&model, &timescale, at(1));
	assert_true(admitted(5, 3, 0, &offset_s));
	assert_true(offset_s == 3);
	assert_false(leap_is_due(&model, at(5)));
	assert_false(leap_is_over(&model, at(5000), 60));
}

/* An interleaved answer completes an exchange of the poll before: its source had not leapt. */
static void what_began_before_the_fold_is_refused(void **state)
{
	double offset_s;

	(void)state;
	clock_start(MERIDIAN_NTP_LI_INSERT);
	leap_fold(&model, &timescale, at(62));
	assert_false(admitted(-2, 1, 0, &offset_s));
	assert_false(admitted(61.9, 0, 0, &offset_s));
	assert_true(admitted(62.1, 0, 0, &offset_s));
	assert_true(offset_s == 0);
}

static void due_and_over(void **state)
{
	(void)state;
	clock_start(MERIDIAN_NTP_LI_DELETE);
	assert_false(leap_is_due(&model, at(-3)));
	assert_true(leap_is_due(&model, at(-1)));
	assert_true(leap_is_due(&model, at(30)));
	assert_false(leap_is_over(&model, at(61), 60));
	assert_true(leap_is_over(&model, at(61.1), 60));
	model.data.root_dispersion_ns = 5 * HZ;
	assert_false(leap_is_over(&model, at(65), 60));
}

/* What readers see does not change by folding. */
static void folding_is_not_seen(void **state)
{
	static const uint8_t kinds[] = {MERIDIAN_NTP_LI_INSERT, MERIDIAN_NTP_LI_DELETE};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint64_t disruptions;
		struct meridian_utc before, after;
		double against_timescale_s;

		clock_start(kinds[i]);
		disruptions = model.data.disruption_count;
		before = leap_utc(&model, at(70));
		against_timescale_s =
			timescale_utc_diff(meridian_timemodel_utc(&model.data, at(70)),
				timescale_utc(&timescale, at(70)));
		leap_fold(&model, &timescale, at(70));
		after = leap_utc(&model, at(70));
		assert_int_equal(after.s, before.s);
		assert_int_equal(after.frac64, before.frac64);
		assert_true(timescale_utc_diff(meridian_timemodel_utc(&model.data, at(70)),
				    timescale_utc(&timescale, at(70))) == against_timescale_s);
		assert_int_equal(after.s, JULY_2031 + (i == 0 ? 69 : 70));
		assert_int_equal(model.data.leap_s, 0);
		assert_int_equal(model.data.leap, MERIDIAN_NTP_LI_NONE);
		assert_int_equal(model.data.tai_offset_s, i == 0 ? 38 : 36);
		assert_int_equal(model.data.disruption_count, disruptions);
		assert_true(meridian_timemodel_sane(&model.data));
	}
}

static void last_is_found_while_it_counts(void **state)
{
	struct leap_outlook outlook;

	(void)state;
	assert_false(leap_last(&list, JULY_2031 - 1, 43260, &outlook));
	assert_true(leap_last(&list, JULY_2031, 43260, &outlook));
	assert_int_equal(outlook.from_s, JULY_2031);
	assert_int_equal(outlook.kind, MERIDIAN_NTP_LI_INSERT);
	assert_int_equal(outlook.tai_offset_s, 37);
	assert_int_equal(outlook.known_until_s, list.expires_s);
	assert_true(leap_last(&list, JULY_2031 + 43259, 43260, &outlook));
	assert_false(leap_last(&list, JULY_2031 + 43260, 43260, &outlook));
	assert_true(leap_last(&list, SEPTEMBER + 5, 43260, &outlook));
	assert_int_equal(outlook.kind, MERIDIAN_NTP_LI_DELETE);
	/* Before the first of the list nothing is known. */
	assert_false(leap_last(&list, JANUARY_2017 + 5, 43260, &outlook));
}

/* A clock that started after the leap second is as one that lived through it. */
static void unfolding_is_not_seen(void **state)
{
	static const uint8_t kinds[] = {MERIDIAN_NTP_LI_INSERT, MERIDIAN_NTP_LI_DELETE};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct meridian_timemodel_data lived;
		struct timescale lived_timescale;
		struct leap_outlook outlook = {.from_s = JULY_2031,
			.kind = kinds[i],
			.tai_offset_s = 37,
			.known_until_s = JULY_2031};

		clock_start(kinds[i]);
		lived = model.data;
		lived_timescale = timescale;
		leap_fold(&model, &timescale, at(70));
		leap_unfold(&model, &timescale, at(80), &outlook);
		assert_int_equal(model.folded_counter, at(80));
		assert_memory_equal(&model.data, &lived, sizeof(lived));
		assert_memory_equal(&timescale, &lived_timescale, sizeof(timescale));
	}
}

/* What is resumed is not over at once, and what is over is not resumed. */
static void resumed_or_over(void **state)
{
	static const uint8_t kinds[] = {MERIDIAN_NTP_LI_INSERT, MERIDIAN_NTP_LI_DELETE};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct leap_outlook outlook;

		list.entry[1].tai_offset_s = i == 0 ? 38 : 36;
		clock_start(kinds[i]);
		for (double t = 295; t < 305; t += 0.25) {
			bool over = leap_is_over(&model, at(t), 300);
			bool resumed = leap_last(&list, leap_utc(&model, at(t)).s, 300, &outlook);

			assert_false(over && resumed);
		}
		assert_true(leap_is_over(&model, at(302), 300));
		assert_true(leap_last(&list, leap_utc(&model, at(299)).s, 300, &outlook));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(months_begin),
		cmocka_unit_test_setup(list_tells_what_is_next, setup),
		cmocka_unit_test(votes_need_a_majority_and_the_last_day),
		cmocka_unit_test_setup(list_wins_until_it_expires, setup),
		cmocka_unit_test(sources_leap_with_us),
		cmocka_unit_test(late_and_early_leapers_are_ignored),
		cmocka_unit_test(unsure_clock_asks_nobody),
		cmocka_unit_test(nothing_pending_changes_nothing),
		cmocka_unit_test(what_began_before_the_fold_is_refused),
		cmocka_unit_test(due_and_over),
		cmocka_unit_test(folding_is_not_seen),
		cmocka_unit_test_setup(last_is_found_while_it_counts, setup),
		cmocka_unit_test(unfolding_is_not_seen),
		cmocka_unit_test_setup(resumed_or_over, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
