/* SPDX-License-Identifier: BSD-3-Clause */
#include "seed.h"
#include <errno.h>
#include <math.h>
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <meridian/timemodel.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define GHZ UINT64_C(1000000000)

/* 1 ns per tick, 2^-93 s fine. */
#define NS_SHIFT  29
#define NS_PERIOD UINT64_C(9903520314283042199)

static struct meridian_timemodel_data sane_model(void)
{
	struct meridian_line line = {
		.counter = 5 * GHZ, .utc_s = 1700000000, .period_frac64 = NS_PERIOD};

	return (struct meridian_timemodel_data){.slew = line,
		.line = line,
		.valid_until_counter = 10 * GHZ,
		.published_counter = 5 * GHZ,
		.counter_hz = GHZ,
		.period_shift = NS_SHIFT,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = 1,
		.precision_log2 = -25,
		.counter_id = MERIDIAN_COUNTER_TSC};
}

static void reads_what_was_written(void **state)
{
	struct meridian_timemodel page = {0};
	struct meridian_timemodel_data data = sane_model(), read;

	(void)state;
	assert_int_equal(meridian_timemodel_read(&page, &read), -ENODATA);
	meridian_timemodel_write(&page, &data);
	assert_int_equal(page.seq, 2);
	assert_int_equal(meridian_timemodel_read(&page, &read), 0);
	assert_memory_equal(&read, &data, sizeof(data));
}

static void reads_the_reference_ids(void **state)
{
	struct meridian_timemodel page = {0};
	uint8_t ids[MERIDIAN_REFERENCE_IDS_SIZE], read[MERIDIAN_REFERENCE_IDS_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(ids); i++)
		ids[i] = (uint8_t)(i * 7);
	meridian_reference_ids_write(&page, ids);
	meridian_reference_ids_read(&page, 0, sizeof(read), read);
	assert_memory_equal(read, ids, sizeof(ids));
	for (size_t offset = 0; offset < 17; offset++) {
		memset(read, 0xaa, sizeof(read));
		meridian_reference_ids_read(&page, offset, 13, read);
		assert_memory_equal(read, ids + offset, 13);
		assert_int_equal(read[13], 0xaa);
	}
	assert_memory_equal(page.reference_ids, ids, sizeof(ids));
}

/* A writer that died in the middle stops nobody for longer than its successor needs. */
static void waits_out_a_dead_writer(void **state)
{
	struct meridian_timemodel page = {0};
	struct meridian_timemodel_data data = sane_model(), read;

	(void)state;
	page.seq = 7;
	assert_int_equal(meridian_timemodel_read(&page, &read), -EAGAIN);
	meridian_timemodel_write(&page, &data);
	assert_int_equal(page.seq, 8);
	assert_int_equal(meridian_timemodel_read(&page, &read), 0);
}

/* Enough for a mixture to show; the time is for a machine under load. */
#define SNAPSHOTS   200000
#define UPDATES     200000
#define RACE_MAX_NS UINT64_C(20000000000)

struct race {
	struct meridian_timemodel page;
	int stop;
	uint64_t snapshots, torn, backwards;
};

static int race_goes_on(const struct race *race, uint64_t updates)
{
	return __atomic_load_n(&race->snapshots, __ATOMIC_RELAXED) < SNAPSHOTS || updates < UPDATES;
}

static void *race_reader(void *argument)
{
	struct race *race = argument;
	struct meridian_timemodel_data data;
	uint64_t words[MERIDIAN_TIMEMODEL_WORDS], last = 0;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		if (meridian_timemodel_read(&race->page, &data) < 0)
			continue;
		memcpy(words, &data, sizeof(words));
		for (size_t i = 1; i < MERIDIAN_TIMEMODEL_WORDS; i++)
			race->torn += words[i] != words[0];
		race->backwards += words[0] < last;
		last = words[0];
		__atomic_store_n(&race->snapshots, race->snapshots + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* All words of a model equal: a reader sees a mixture at once. */
static void never_shows_half_a_model(void **state)
{
	static struct race race;
	uint64_t words[MERIDIAN_TIMEMODEL_WORDS], end;
	struct meridian_timemodel_data data;
	pthread_t reader;

	(void)state;
	assert_int_equal(pthread_create(&reader, NULL, race_reader, &race), 0);
	end = meridian_clock_ns(CLOCK_MONOTONIC) + RACE_MAX_NS;
	for (uint64_t n = 1; race_goes_on(&race, n) && meridian_clock_ns(CLOCK_MONOTONIC) < end;
		n++) {
		for (size_t i = 0; i < MERIDIAN_TIMEMODEL_WORDS; i++)
			words[i] = n;
		memcpy(&data, words, sizeof(data));
		meridian_timemodel_write(&race.page, &data);
	}
	__atomic_store_n(&race.stop, 1, __ATOMIC_RELAXED);
	pthread_join(reader, NULL);
	assert_true(race.snapshots >= SNAPSHOTS);
	assert_int_equal(race.torn, 0);
	assert_int_equal(race.backwards, 0);
}

/* Seconds since the line's anchor, with the 64 bits of a long double. */
static long double since(struct meridian_utc utc, const struct meridian_line *line)
{
	meridian_u128 at = (meridian_u128)(uint64_t)utc.s << 64 | utc.frac64;
	meridian_u128 anchor = (meridian_u128)(uint64_t)line->utc_s << 64 | line->utc_frac64;

	if (utc.s < line->utc_s || (utc.s == line->utc_s && utc.frac64 < line->utc_frac64))
		return -ldexpl((long double)(anchor - at), -64);
	return ldexpl((long double)(at - anchor), -64);
}

static void follows_its_line(void **state)
{
	struct seed seed = seed_init(__func__);
	struct meridian_timemodel_data data = sane_model();

	(void)state;
	for (int round = 0; round < 20000; round++) {
		int64_t ticks = (int64_t)seed_next(&seed) >> (seed_next(&seed) % 62);
		long double period, expected, found;

		data.period_shift = (uint8_t)(seed_next(&seed) % 30);
		data.line.period_frac64 =
			(seed_next(&seed) | UINT64_C(1) << 63) >> (29 - data.period_shift);
		data.line.counter = seed_next(&seed) >> 1 | UINT64_C(1) << 62;
		data.line.utc_frac64 = seed_next(&seed);
		data.slew = data.line;
		ticks >>= 2;
		period = ldexpl((long double)data.line.period_frac64, -64 - data.period_shift);
		expected = period * (long double)ticks;
		found = since(meridian_timemodel_utc(&data, data.line.counter + (uint64_t)ticks),
			&data.line);
		assert_true(fabsl(found - expected) <= fabsl(expected) * 0x1p-61L + 0x1p-63L);
	}
}

/* A slew of +100 ppm that ends by itself: the clock is continuous where it does. */
static void leads_from_the_slew_to_the_line(void **state)
{
	struct meridian_timemodel_data data = sane_model();
	struct meridian_utc before, at, after;

	(void)state;
	data.slew.period_frac64 += data.slew.period_frac64 / 10000;
	data.line.counter = 7 * GHZ;
	data.valid_until_counter = 70 * GHZ;
	at = meridian_timemodel_utc(&data, data.line.counter - 1);
	data.line.utc_s = at.s;
	data.line.utc_frac64 = at.frac64 + (data.slew.period_frac64 >> NS_SHIFT);
	before = meridian_timemodel_utc(&data, 7 * GHZ - 1);
	at = meridian_timemodel_utc(&data, 7 * GHZ);
	after = meridian_timemodel_utc(&data, 7 * GHZ + 1);
	assert_int_equal(at.s, 1700000002);
	assert_in_range(at.frac64, UINT64_MAX / 5000 - UINT64_MAX / GHZ, UINT64_MAX / 5000);
	assert_int_equal(at.frac64 - before.frac64, data.slew.period_frac64 >> NS_SHIFT);
	assert_in_range(
		after.frac64 - at.frac64, NS_PERIOD >> NS_SHIFT, (NS_PERIOD >> NS_SHIFT) + 1);
	before = meridian_timemodel_utc(&data, 4 * GHZ);
	assert_int_equal(before.s, 1699999998);
}

static void grows_its_dispersion(void **state)
{
	struct meridian_timemodel_data data = sane_model();

	(void)state;
	data.root_dispersion_ns = 1000;
	data.dispersion_rate_ppb = 15000;
	assert_int_equal(meridian_timemodel_dispersion_ns(&data, 0), 1000);
	assert_int_equal(meridian_timemodel_dispersion_ns(&data, 5 * GHZ), 1000);
	assert_int_equal(meridian_timemodel_dispersion_ns(&data, 5 * GHZ + 1), 1001);
	assert_int_equal(meridian_timemodel_dispersion_ns(&data, 6 * GHZ), 16001);
	data.root_delay_ns = 3000;
	assert_int_equal(llround(meridian_timemodel_bound_s(&data, 6 * GHZ) * 1e12), 17501000);
	data.dispersion_rate_ppb = UINT32_MAX;
	assert_int_equal(meridian_timemodel_dispersion_ns(&data, UINT64_MAX), UINT64_MAX / 2);
}

static void is_valid_until_its_end(void **state)
{
	struct meridian_timemodel_data data = sane_model();

	(void)state;
	assert_true(meridian_timemodel_valid(&data, 0));
	assert_true(meridian_timemodel_valid(&data, 10 * GHZ - 1));
	assert_false(meridian_timemodel_valid(&data, 10 * GHZ));
	assert_false(meridian_timemodel_valid(&data, UINT64_MAX));
	data.valid_until_counter = UINT64_MAX;
	assert_true(meridian_timemodel_valid(&data, 10 * GHZ));
	data.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED;
	assert_false(meridian_timemodel_valid(&data, 0));
}

static void converts_ticks(void **state)
{
	struct meridian_timemodel_data data = sane_model();

	(void)state;
	data.counter_hz = 2500000000;
	assert_int_equal(meridian_timemodel_ticks(&data, 1000), 2500);
	assert_int_equal(meridian_timemodel_ns(&data, 2500), 1000);
	assert_int_equal(meridian_timemodel_ticks(&data, UINT64_MAX), UINT64_MAX);
	data.counter_hz = 1;
	assert_int_equal(meridian_timemodel_ns(&data, UINT64_MAX), UINT64_MAX);
	assert_int_equal(meridian_timemodel_ticks(&data, 999999999), 0);
}

/* `change` makes a sane model insane, or leaves it sane. */
#define CHECK(sane, change)                                                                        \
	do {                                                                                       \
		struct meridian_timemodel_data data = sane_model();                                \
		print_message("# %s\n", #change);                                                  \
		change;                                                                            \
		assert_int_equal(meridian_timemodel_sane(&data), sane);                            \
	} while (0)

static void knows_what_is_sane(void **state)
{
	(void)state;
	CHECK(1, data.leap = MERIDIAN_NTP_LI_DELETE);
	CHECK(0, data.leap = 3);
	CHECK(0, data.period_shift = 64);
	CHECK(0, data.period_shift = 63);
	CHECK(0, data.line.period_frac64 = 0);
	CHECK(0, data.slew.period_frac64 = 1);
	CHECK(0, (data.line.period_frac64 = UINT64_MAX, data.period_shift = 0));
	CHECK(0, data.line.utc_s = INT64_MAX);
	CHECK(0, data.slew.utc_s = INT64_MIN);
	CHECK(0, data.leap_s = INT64_MIN);
	CHECK(0, data.reference_s = INT64_MAX);
	CHECK(0, data.counter_hz = 0);
	CHECK(0, data.counter_hz = 999999);
	CHECK(1, data.counter_hz = 1000000);
	CHECK(1, data.counter_hz = UINT64_C(100000000000));
	CHECK(0, data.counter_hz = UINT64_C(100000000001));
	CHECK(0, data.counter_id = 0);
	CHECK(0, data.counter_id = 4);
	CHECK(0, data.status = 2);
	CHECK(0, data.stratum = 0);
	CHECK(0, data.stratum = 16);
	CHECK(1, (data.stratum = 16, data.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED));
	CHECK(0, (data.stratum = 17, data.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED));
	CHECK(1, data.stratum = 15);
	CHECK(0, data.root_delay_ns = UINT64_MAX);
	CHECK(0, data.root_dispersion_ns = UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_written),
		cmocka_unit_test(reads_the_reference_ids),
		cmocka_unit_test(waits_out_a_dead_writer),
		cmocka_unit_test(never_shows_half_a_model),
		cmocka_unit_test(follows_its_line),
		cmocka_unit_test(leads_from_the_slew_to_the_line),
		cmocka_unit_test(grows_its_dispersion),
		cmocka_unit_test(is_valid_until_its_end),
		cmocka_unit_test(converts_ticks),
		cmocka_unit_test(knows_what_is_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
