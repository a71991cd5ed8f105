/* SPDX-License-Identifier: BSD-3-Clause */
#include "rundir.h"
#include <errno.h>
#include <meridian/counter.h>
#include <meridian/meridian.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <units.h>

#include <cmocka.h>

#define LEAP_S INT64_C(1483228800)

/* Time passes between the model and the reading of it. */
#define SLACK_NS (5 * NS_PER_SECOND)

/* The clock stood at `utc_s` a moment ago, give or take 0.1 s. */
static struct meridian_timemodel_data model_of(int64_t utc_s)
{
	uint64_t now = meridian_clock_ns(CLOCK_MONOTONIC_RAW);
	struct meridian_line line = {
		.counter = now, .utc_s = utc_s, .period_frac64 = UINT64_C(9903520314283042199)};

	return (struct meridian_timemodel_data){.slew = line,
		.line = line,
		.valid_until_counter = now + 60 * (uint64_t)NS_PER_SECOND,
		.published_counter = now,
		.root_delay_ns = 100000000,
		.root_dispersion_ns = 50000000,
		.counter_hz = (uint64_t)NS_PER_SECOND,
		.period_shift = 29,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = 1,
		.counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW};
}

static void create(struct meridian_page *page, const char *rundir)
{
	assert_int_equal(
		meridian_page_create(page, rundir, &meridian_timemodel_kind, 0, 0644, NULL), 0);
}

static void publish(struct meridian_page *page, const struct meridian_timemodel_data *data)
{
	meridian_timemodel_write(page->addr, data);
}

static void gives_an_interval(void **state)
{
	struct meridian_timemodel_data data;
	struct meridian_utc earliest, latest, start = {LEAP_S, 0};
	struct meridian_page page;
	struct meridian *handle;

	create(&page, *state);
	assert_int_equal(meridian_open(&handle, *state), 0);
	assert_int_equal(meridian_now(handle, &earliest, &latest), -EAGAIN);
	data = model_of(LEAP_S);
	publish(&page, &data);
	assert_int_equal(meridian_now(handle, &earliest, &latest), 0);
	assert_in_range(meridian_utc_diff_ns(latest, earliest), 200000000, 200000010);
	assert_true(meridian_utc_diff_ns(earliest, start) >= -100000002);
	assert_true(meridian_utc_diff_ns(earliest, start) < SLACK_NS);
	data.valid_until_counter = data.published_counter;
	publish(&page, &data);
	assert_int_equal(meridian_now(handle, &earliest, &latest), -EAGAIN);
	meridian_close(handle);
	meridian_page_close(&page);
}

static void follows_a_new_page(void **state)
{
	struct meridian_timemodel_data data = model_of(LEAP_S);
	struct meridian_utc earliest, latest;
	struct meridian_page old, new;
	struct meridian *handle;
	char path[128];

	create(&old, *state);
	data.valid_until_counter = data.published_counter;
	publish(&old, &data);
	assert_int_equal(meridian_open(&handle, *state), 0);
	snprintf(path, sizeof(path), "%s/%s", (const char *)*state, MERIDIAN_TIMEMODEL_NAME);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(meridian_now(handle, &earliest, &latest), -ENOENT);
	meridian_page_close(&old);
	create(&new, *state);
	assert_int_equal(meridian_now(handle, &earliest, &latest), -EAGAIN);
	data = model_of(LEAP_S);
	publish(&new, &data);
	assert_int_equal(meridian_now(handle, &earliest, &latest), 0);
	meridian_close(handle);
	meridian_page_close(&new);
}

/* Reads the time while the interval reaches over a leap second. */
static void read_over(void **state, uint8_t leap, int64_t utc_s, struct meridian_utc *ret_earliest,
	struct meridian_utc *ret_latest)
{
	struct meridian_timemodel_data data = model_of(utc_s);
	struct meridian_page page;
	struct meridian *handle;

	data.leap = leap;
	data.leap_s = LEAP_S;
	data.line.period_frac64 = data.slew.period_frac64 = UINT64_C(9903520314283042199) / 90;
	create(&page, *state);
	publish(&page, &data);
	assert_int_equal(meridian_open(&handle, *state), 0);
	assert_int_equal(meridian_now(handle, ret_earliest, ret_latest), 0);
	meridian_close(handle);
	meridian_page_close(&page);
}

static void covers_a_repeated_second(void **state)
{
	struct meridian_utc earliest, latest;

	read_over(state, MERIDIAN_NTP_LI_INSERT, LEAP_S, &earliest, &latest);
	assert_int_equal(earliest.s, LEAP_S - 1);
	assert_int_equal(earliest.frac64, 0);
	assert_int_equal(latest.s, LEAP_S);
	assert_int_equal(latest.frac64, 0);
	read_over(state, MERIDIAN_NTP_LI_INSERT, LEAP_S + 5, &earliest, &latest);
	assert_int_equal(earliest.s, LEAP_S + 3);
	assert_int_equal(latest.s, LEAP_S + 4);
	assert_true(meridian_utc_diff_ns(latest, earliest) < NS_PER_SECOND / 2);
}

static void jumps_over_a_deleted_second(void **state)
{
	struct meridian_utc earliest, latest;

	read_over(state, MERIDIAN_NTP_LI_DELETE, LEAP_S - 1, &earliest, &latest);
	assert_int_equal(earliest.s, LEAP_S - 2);
	assert_int_equal(latest.s, LEAP_S);
	assert_in_range(meridian_utc_diff_ns(latest, earliest), 1200000000, 1200000010);
}

static void does_sums(void **state)
{
	struct meridian_utc a = {100, UINT64_C(1) << 63};

	(void)state;
	assert_int_equal(meridian_utc_diff_ns(meridian_utc_add_ns(a, 500000000), a), 500000000);
	assert_int_equal(meridian_utc_add_ns(a, 500000000).s, 101);
	assert_int_equal(meridian_utc_add_ns(a, -500000000).s, 100);
	assert_int_equal(meridian_utc_add_ns(a, -500000000).frac64, 0);
	assert_int_equal(meridian_utc_add_ns(a, -100500000000).s, 0);
	assert_int_equal(meridian_utc_add_ns(a, INT64_MIN).s, 100 - 9223372037);
	assert_int_equal(
		meridian_utc_diff_ns((struct meridian_utc){0, 0}, (struct meridian_utc){2, 0}),
		-2000000000);
	assert_int_equal(
		meridian_utc_diff_ns((struct meridian_utc){INT64_C(1) << 60, 0}, a), INT64_MAX);
	assert_int_equal(
		meridian_utc_diff_ns(a, (struct meridian_utc){INT64_C(1) << 60, 0}), INT64_MIN);
}

static void explains_errors(void **state)
{
	struct meridian *handle;

	assert_int_equal(meridian_open(&handle, *state), -ENOENT);
	assert_non_null(strstr(meridian_strerror(-EAGAIN), "synchronised"));
	assert_non_null(strstr(meridian_strerror(-ENOENT), "no such page"));
	meridian_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rundir_setup, rundir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gives_an_interval),
		TEST(follows_a_new_page),
		TEST(covers_a_repeated_second),
		TEST(jumps_over_a_deleted_second),
		TEST(does_sums),
		TEST(explains_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
