/* SPDX-License-Identifier: BSD-3-Clause */

/* Whoever has found out which sources share a set of a table knows nothing of the next start. */

#include "seed.h"
#include <interleave.h>
#include <limit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define STRANGER UINT32_C(0x0a000000) /* 10.0.0.0 and on */
#define FOUND    256
#define SETS     256
#define ENTRIES  (SETS * INTERLEAVE_SPREAD * INTERLEAVE_WAYS)
#define RECEIVE  UINT64_C(0xe8fe6f8000001001)

/* Of FOUND sources, all in one set at the start before; one in a set, if chance has it. */
#define MOST 12

static size_t limit_place(const void *table, uint32_t address)
{
	const struct limit *limit = table;
	struct limit_source source;

	limit_source_ipv4(limit, address, &source);
	return source.hash >> limit->set_shift;
}

/* The sets of one source are neighbours. */
static size_t interleave_place(const void *table, uint32_t address)
{
	const struct interleave *interleave = table;
	uint8_t octets[4] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16),
		(uint8_t)(address >> 8), (uint8_t)address};
	struct interleave_key key = interleave_key(interleave, octets, false, RECEIVE, 0);

	return (size_t)(key.set - interleave->set) / INTERLEAVE_SPREAD;
}

/* How many of those that have one place in the first table have one in the other, at most. */
static unsigned int together(
	size_t (*place)(const void *table, uint32_t address), const void *before, const void *now)
{
	unsigned int beside[SETS] = {0}, most = 0, found = 0;

	for (uint32_t address = STRANGER; found < FOUND; address++) {
		size_t at = place(now, address);

		if (place(before, address) != 0)
			continue;
		assert_in_range(at, 0, SETS - 1);
		found++;
		if (++beside[at] > most)
			most = beside[at];
	}
	return most;
}

static void limits_are_hashed_anew(void **state)
{
	struct seed seed = seed_init(__func__);
	struct limit *before, *now;

	(void)state;
	assert_int_equal(limit_new(&before, 8, seed_next(&seed)), 0);
	assert_int_equal(limit_new(&now, 8, seed_next(&seed)), 0);
	assert_in_range(together(limit_place, before, now), 2, MOST);
	limit_free(before);
	limit_free(now);
}

static void interleaved_replies_are_hashed_anew(void **state)
{
	struct seed seed = seed_init(__func__);
	struct interleave *before, *now;

	(void)state;
	assert_int_equal(interleave_new(&before, ENTRIES, seed_next(&seed)), 0);
	assert_int_equal(interleave_new(&now, ENTRIES, seed_next(&seed)), 0);
	assert_in_range(together(interleave_place, before, now), 2, MOST);
	interleave_free(before);
	interleave_free(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_are_hashed_anew),
		cmocka_unit_test(interleaved_replies_are_hashed_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
