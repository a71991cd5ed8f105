/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/leap.h"
#include "leap_file.h"
#include "leap_second.h"
#include <math.h>
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HZ        UINT64_C(1000000000)
#define JULY_2031 INT64_C(1940630400)
#define DAY_S     86400
#define SMEAR_S   3600

/* The test is the file with the list. */
static struct leap_list list;
static bool has_list;

static struct model model;
static struct timescale timescale;
static const struct leap_votes nobody;

void leap_file_open(const char *path)
{
	assert_string_equal(path, "");
}

const struct leap_list *leap_file_list(int64_t utc_s)
{
	(void)utc_s;
	return has_list ? &list : NULL;
}

static uint64_t at(double seconds)
{
	return (uint64_t)(seconds * (double)HZ);
}

/* A run that starts `past_s` after the second that is inserted (or deleted), whose model knows
 * nothing of it: UTC as it is told then. */
static void start(double past_s, uint8_t kind, uint8_t smear_count)
{
	struct config config = {.smear_count = smear_count, .smear_duration_s = SMEAR_S};

	list = (struct leap_list){.entry = {{JULY_2031 - 1000 * DAY_S, 37},
					  {JULY_2031, kind == MERIDIAN_NTP_LI_INSERT ? 38 : 36}},
		.count = 2,
		.expires_s = JULY_2031 + 100 * DAY_S};
	has_list = true;
	timescale = (struct timescale){
		.hz = HZ, .utc = {.s = JULY_2031 + (int64_t)past_s}, .wander = 1e-6};
	model_init(&model, &timescale, MERIDIAN_COUNTER_TSC, -30);
	model_steer(
		&model, &(struct model_target){.utc = timescale.utc, .rate = 1, .may_slew = false});
	model.data.status = MERIDIAN_TIMEMODEL_SYNCHRONISED;
	model.data.root_delay_ns = 1000;
	leap_second_init(&model, &timescale, &config);
}

/* What is told at `seconds` since the start, as seconds since the leap. */
static double told_s(double seconds)
{
	return timescale_utc_diff(
		leap_utc(&model, at(seconds)), (struct meridian_utc){.s = JULY_2031});
}

/* In the second half of a smear the leap second is pending again, and UTC stays what it was, until
 * the smear is over. */
static void smear_goes_on_after_a_restart(uint8_t kind)
{
	double left_s = SMEAR_S / 2.0 + LEAP_NEAR_S - 600;

	start(600, kind, 1);
	assert_true(leap_second_tick(&nobody, at(1), true));
	assert_int_equal(model.data.leap_s, JULY_2031);
	assert_int_equal(model.data.leap, kind);
	assert_int_equal(model.data.tai_offset_s, 37);
	assert_true(fabs(told_s(1) - 601) < 1e-6);
	assert_false(leap_second_tick(&nobody, at(2), true));
	assert_false(leap_second_tick(&nobody, at(left_s - 2), true));
	assert_int_equal(model.data.leap_s, JULY_2031);
	assert_true(leap_second_tick(&nobody, at(left_s + 3), true));
	assert_int_equal(model.data.leap_s, 0);
	assert_int_equal(model.data.tai_offset_s, kind == MERIDIAN_NTP_LI_INSERT ? 38 : 36);
	assert_true(fabs(told_s(left_s + 3) - (left_s + 603)) < 1e-6);
}

static void inserted_second_is_smeared_on(void **state)
{
	(void)state;
	smear_goes_on_after_a_restart(MERIDIAN_NTP_LI_INSERT);
}

static void deleted_second_is_smeared_on(void **state)
{
	(void)state;
	smear_goes_on_after_a_restart(MERIDIAN_NTP_LI_DELETE);
}

static bool is_resumed(void)
{
	leap_second_tick(&nobody, at(1), true);
	return model.data.leap_s != 0;
}

static void nothing_is_smeared_without_a_reason(void **state)
{
	(void)state;
	start(600, MERIDIAN_NTP_LI_INSERT, 0); /* no address wants it */
	assert_false(is_resumed());
	start(SMEAR_S, MERIDIAN_NTP_LI_INSERT, 1); /* the smear is over */
	assert_false(is_resumed());
	start(600, MERIDIAN_NTP_LI_INSERT, 1); /* who knows */
	list.expires_s = JULY_2031 + 300;
	assert_false(is_resumed());
	start(600, MERIDIAN_NTP_LI_INSERT, 1);
	has_list = false;
	assert_false(is_resumed());
}

/* A clock that sources do not lead has no leap second; what is told stays. */
static void smear_ends_with_the_sources(void **state)
{
	(void)state;
	start(600, MERIDIAN_NTP_LI_INSERT, 1);
	assert_true(leap_second_tick(&nobody, at(1), true));
	assert_true(leap_second_tick(&nobody, at(2), false));
	assert_int_equal(model.data.leap_s, 0);
	assert_int_equal(model.data.leap, MERIDIAN_NTP_LI_NONE);
	assert_true(fabs(told_s(2) - 602) < 1e-6);
	assert_false(leap_second_tick(&nobody, at(3), false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inserted_second_is_smeared_on),
		cmocka_unit_test(deleted_second_is_smeared_on),
		cmocka_unit_test(nothing_is_smeared_without_a_reason),
		cmocka_unit_test(smear_ends_with_the_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
