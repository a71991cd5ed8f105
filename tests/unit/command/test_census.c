/* SPDX-License-Identifier: BSD-3-Clause */

/* What is told of the pages of clients, against what was put into them. */

#include "census.h"
#include <errno.h>
#include <math.h>
#include <meridian/policy.h>
#include <rundir.h>
#include <seed.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <units.h>

#include <cmocka.h>

#define UNIT (1 << MERIDIAN_CLIENTS_UNIT_LOG2)
#define KIND (&meridian_clients_dataplane_kind)

static struct meridian_clients clients;
static struct census_talker talkers[CENSUS_TALKERS_MAX];

/* As the header has it, bit by bit. */
static void sketch_put(struct meridian_clients_sketch *sketch, uint64_t hash)
{
	uint64_t place = hash >> (64 - MERIDIAN_CLIENTS_SKETCH_BITS);
	uint8_t rank = 1;

	for (int bit = 63 - MERIDIAN_CLIENTS_SKETCH_BITS; bit >= 0 && !(hash >> bit & 1); bit--)
		rank++;
	if (rank > sketch->rank[place])
		sketch->rank[place] = rank;
}

static void clear(uint64_t counted_s)
{
	memset(&clients, 0, sizeof(clients));
	clients.started_ns = 1000 * NS_PER_SECOND;
	clients.updated_ns = (1000 + counted_s) * NS_PER_SECOND;
	clients.ever.number = 1;
}

#define SETS 60

/* From a few to a quarter of a million clients, in 60 sets of each number: without a bias, and 19
 * of 20 within the error that is told. */
static void clients_within_the_error(void **state)
{
	static const uint32_t counts[] = {1, 10, 100, 1000, 5000, 20000, 100000, 250000};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct seed seed = {1};
		double sum = 0;
		int within = 0;

		for (int set = 0; set < SETS; set++) {
			double error;

			clear(10);
			for (uint32_t j = 0; j < counts[i]; j++)
				sketch_put(&clients.ever.ipv4, seed_next(&seed));
			error = census_clients(&clients, MERIDIAN_CLIENTS_start, false) /
					counts[i] -
				1;
			sum += error;
			within += fabs(error) <= CENSUS_CLIENTS_ERROR;
		}
		assert_true(fabs(sum / SETS) < CENSUS_CLIENTS_ERROR / 5);
		assert_in_range(within, SETS * 9 / 10, SETS);
	}
}

/* No sketch says that nobody asked. */
static void nobody_is_nobody(void **state)
{
	(void)state;
	clear(10);
	for (unsigned int window = 0; window < MERIDIAN_CLIENTS_WINDOW_COUNT; window++)
		assert_true(census_clients(&clients, window, true) == 0);
}

/* Nobody has checked what is in it. */
static void slots_not_in_use_are_left_alone(void **state)
{
	(void)state;
	clear(10);
	clients.updated_ns = NS_PER_SECOND;
	clients.ever.number = 0;
	memset(&clients.ever.ipv6, UINT8_MAX, sizeof(clients.ever.ipv6));
	memset(&clients.slot[0][0].ipv6, UINT8_MAX, sizeof(clients.slot[0][0].ipv6));
	for (unsigned int window = 0; window < MERIDIAN_CLIENTS_WINDOW_COUNT; window++)
		assert_true(census_clients(&clients, window, true) == 0);
}

/* Parts of time that are in the window, and those that are not any more. */
static void windows_end(void **state)
{
	uint64_t now = 1600 / 10 + 1;
	struct seed seed = {1};

	(void)state;
	clear(600);
	for (uint64_t i = 0; i < MERIDIAN_CLIENTS_SLOTS; i++) {
		struct meridian_clients_slot *slot =
			&clients.slot[MERIDIAN_CLIENTS_minute][(now - i) % MERIDIAN_CLIENTS_SLOTS];

		slot->number = now - i;
		sketch_put(&slot->ipv6, seed_next(&seed));
	}
	assert_int_equal(round(census_clients(&clients, MERIDIAN_CLIENTS_minute, true)), 6);
	clients.updated_ns += 25 * NS_PER_SECOND; /* nobody has turned the page since */
	assert_int_equal(round(census_clients(&clients, MERIDIAN_CLIENTS_minute, true)), 4);
	clients.updated_ns += 60 * NS_PER_SECOND;
	assert_int_equal(round(census_clients(&clients, MERIDIAN_CLIENTS_minute, true)), 0);
}

static struct meridian_clients_table *table_of(enum meridian_clients_window window)
{
	return &clients.table[window][MERIDIAN_CLIENTS_ANSWERED][MERIDIAN_CLIENTS_ADDRESS];
}

static void talker_put(struct meridian_clients_table *table, size_t index, uint8_t last,
	double requests, double others, double stride)
{
	table->talker[index] = (struct meridian_clients_talker){.address = {192, 0, 2, last},
		.family = MERIDIAN_FAMILY_IPV4,
		.requests = (uint64_t)(requests * UNIT),
		.others = (uint64_t)(others * UNIT)};
	table->requests += (uint64_t)(requests * UNIT);
	table->samples += (uint64_t)(requests / stride * UNIT);
}

static size_t talkers_take(enum meridian_clients_window window, size_t count)
{
	return census_talkers_add(talkers, count, &clients, window, MERIDIAN_CLIENTS_ANSWERED,
		MERIDIAN_CLIENTS_ADDRESS);
}

/* Twice the same page: figures add up. Whose figure is all error is left out. */
static void talkers_of_all_pages(void **state)
{
	struct meridian_clients_table *table = table_of(MERIDIAN_CLIENTS_start);
	size_t count;

	(void)state;
	clear(100);
	talker_put(table, 5, 1, 100, 0, 1);
	talker_put(table, 77, 2, 400, 100, 1);
	talker_put(table, 1000, 3, 50, 49, 1);
	talker_put(table, 1001, 4, 50, 50, 1);
	count = talkers_take(MERIDIAN_CLIENTS_start, 0);
	count = talkers_take(MERIDIAN_CLIENTS_start, count);
	census_talkers_sort(talkers, count);
	assert_int_equal(count, 3);
	assert_int_equal(talkers[0].address[3], 2);
	assert_int_equal(talkers[0].prefix_len, 32);
	assert_true(talkers[0].requests == 700 && talkers[0].error == 100);
	assert_true(talkers[1].requests == 200 && talkers[1].error == 0);
	assert_int_equal(talkers[2].address[3], 3);
}

/* Of a sample, an address seen once or twice says nothing. */
static void samples_have_an_error(void **state)
{
	struct meridian_clients_table *table = table_of(MERIDIAN_CLIENTS_start);

	(void)state;
	clear(100);
	talker_put(table, 0, 1, 200, 0, 100);
	talker_put(table, 1, 2, 10000, 0, 100);
	assert_int_equal(talkers_take(MERIDIAN_CLIENTS_start, 0), 1);
	assert_true(talkers[0].requests == 10000);
	assert_true(fabs(talkers[0].error - 2 * sqrt(10000.0 * 99)) < 1);
}

/* Somebody who has always asked 10 times a second, after half a minute and after two hours. */
static void rates_do_not_decay(void **state)
{
	static const uint64_t counted_s[] = {30, 7200};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		double s = (double)counted_s[i], span_s = s < 60 ? s : 60;

		clear(counted_s[i]);
		talker_put(table_of(MERIDIAN_CLIENTS_minute), 0, 1, 10 * 60 * (1 - exp(-s / 60)), 0,
			1);
		assert_true(census_span_s(&clients, MERIDIAN_CLIENTS_minute) == span_s);
		assert_int_equal(talkers_take(MERIDIAN_CLIENTS_minute, 0), 1);
		assert_true(fabs(talkers[0].requests - 10 * span_s) < 0.01);
		assert_true(fabs(census_requests(&clients, MERIDIAN_CLIENTS_minute,
					 MERIDIAN_CLIENTS_ANSWERED) -
				    10 * span_s) < 0.01);
	}
}

static int read_error(const char *rundir)
{
	struct meridian_clients *copy;
	int r = census_read(rundir, KIND, &copy);

	if (r == 0)
		free(copy);
	return r;
}

static void bad_pages_are_refused(void **state)
{
	const char *rundir = *state;
	struct meridian_page page;
	struct meridian_clients *shared;
	char path[256];

	assert_int_equal(read_error(rundir), -ENOENT);
	assert_int_equal(meridian_page_create(&page, rundir, KIND, sizeof(clients), 0640, NULL), 0);
	shared = page.addr;
	assert_int_equal(read_error(rundir), -ENODATA); /* does not count */
	shared->started_ns = shared->updated_ns = 1;
	assert_int_equal(read_error(rundir), 0);
	meridian_clients_write_begin(shared);
	assert_int_equal(read_error(rundir), -EAGAIN); /* torn for ever */
	meridian_clients_write_end(shared);
	assert_int_equal(read_error(rundir), 0);
	shared->ever.number = 1;
	shared->ever.ipv4.rank[7] = MERIDIAN_CLIENTS_RANK_MAX + 1;
	assert_int_equal(read_error(rundir), -EBADMSG);
	shared->ever.ipv4.rank[7] = 0;
	shared->table[1][1][1].talker[9].family = 5;
	assert_int_equal(read_error(rundir), -EBADMSG);
	shared->table[1][1][1].talker[9].family = MERIDIAN_FAMILY_IPV6;
	shared->table[1][1][1].talker[9].others = 1;
	assert_int_equal(read_error(rundir), -EBADMSG);
	shared->table[1][1][1].talker[9].others = 0;
	shared->head.magic++;
	assert_int_equal(read_error(rundir), -EBADMSG);
	shared->head.magic--;
	snprintf(path, sizeof(path), "%s/%s", rundir, KIND->name);
	assert_int_equal(truncate(path, 4096), 0);
	assert_int_equal(read_error(rundir), -ENODATA);
	meridian_page_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_within_the_error),
		cmocka_unit_test(nobody_is_nobody),
		cmocka_unit_test(slots_not_in_use_are_left_alone),
		cmocka_unit_test(windows_end),
		cmocka_unit_test(talkers_of_all_pages),
		cmocka_unit_test(samples_have_an_error),
		cmocka_unit_test(rates_do_not_decay),
		cmocka_unit_test_setup_teardown(
			bad_pages_are_refused, rundir_setup, rundir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
