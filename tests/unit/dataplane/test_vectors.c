/* SPDX-License-Identifier: BSD-3-Clause */

/* How a set of the limiter and a slot of the access rules are searched with vectors, against the
 * plain form. Built for what every processor has, and once more for AVX-512. */

#include "seed.h"
#include <access.h>
#include <limit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SKIPPED 77

#define INTERVAL (1u << LIMIT_UNITS_LOG2) /* units, where rollup_log2 is 0 */

static uint32_t near(struct seed *seed, uint32_t now, uint32_t horizon)
{
	static const int32_t offsets[] = {-2, -1, 0, 1, 2};
	uint32_t around = offsets[seed_next(seed) % 5];

	switch (seed_next(seed) % 4) {
	case 0:
		return now + around;
	case 1:
		return now + horizon + around;
	case 2:
		return now + (uint32_t)(INT32_MIN + around);
	default:
		return (uint32_t)seed_next(seed);
	}
}

static void finds_the_same_candidates(void **state)
{
	struct seed seed = seed_init(__func__);

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint32_t now = near(&seed, 0, UINT32_MAX / 2), tag = (uint32_t)seed_next(&seed);
		uint32_t horizon = (uint32_t)(1 + seed_next(&seed) % 255) * INTERVAL;
		_Alignas(64) struct limit_set set;

		for (int way = 0; way < LIMIT_WAYS; way++) {
			set.tag[way] = seed_next(&seed) % 4 ? (uint32_t)seed_next(&seed) : tag;
			set.time[way] = near(&seed, now, horizon);
		}
		assert_int_equal(limit_candidates(&set, tag, now, horizon),
			limit_candidates_plain(&set, tag, now, horizon));
	}
}

/* Of several that owe the same, the first. */
static void finds_the_same_least(void **state)
{
	struct seed seed = seed_init(__func__);

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint32_t now = near(&seed, 0, UINT32_MAX / 2);
		_Alignas(64) struct limit_set set = {.tag = {0}};

		for (int way = 0; way < LIMIT_WAYS; way++)
			set.time[way] = seed_next(&seed) % 2
				? now + 1 + (uint32_t)seed_next(&seed) % 4
				: (uint32_t)seed_next(&seed);
		assert_int_equal(limit_least(&set, now), limit_least_plain(&set, now));
	}
}

/* Below, at and above each edge; what a slot does not use nobody has passed, not even the last. */
static void passes_the_same_edges(void **state)
{
	struct seed seed = seed_init(__func__);

	(void)state;
	for (int i = 0; i < 200000; i++) {
		_Alignas(64) struct access_slot slot = {.rank = (uint32_t)seed_next(&seed)};
		uint64_t used = seed_next(&seed) % (ACCESS_SLOT_EDGES + 1), below = 0, key;

		for (uint64_t edge = 0; edge < ACCESS_SLOT_EDGES; edge++) {
			below += 1 + seed_next(&seed) % (UINT64_MAX / ACCESS_SLOT_EDGES);
			slot.below[edge] = edge < used ? below : UINT64_MAX;
		}
		key = slot.below[seed_next(&seed) % ACCESS_SLOT_EDGES] + seed_next(&seed) % 3 - 1;
		assert_int_equal(
			access_slot_passed(&slot, key), access_slot_passed_plain(&slot, key));
		assert_int_equal(access_slot_passed(&slot, UINT64_MAX), used);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_same_candidates),
		cmocka_unit_test(finds_the_same_least),
		cmocka_unit_test(passes_the_same_edges),
	};

#if defined(__AVX512VL__)
	if (!__builtin_cpu_supports("avx512vl"))
		return SKIPPED;
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
