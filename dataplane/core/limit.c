/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit.h"
#include "table_memory.h"
#include <errno.h>
#include <stdlib.h>

/* No time lies further ahead, whatever the rate. */
#define HORIZON_MAX ((UINT8_MAX + 1) * LIMIT_INTERVAL)

static size_t size_of(unsigned int sets_log2)
{
	return sizeof(struct limit_set) << sets_log2;
}

int limit_new(struct limit **ret_limit, unsigned int sets_log2, uint64_t seed)
{
	struct limit *limit = calloc(1, sizeof(*limit));

	if (limit == NULL)
		return -ENOMEM;
	limit->set = table_memory_new(size_of(sets_log2));
	if (limit->set == NULL) {
		free(limit);
		return -ENOMEM;
	}
	limit->sets_log2 = sets_log2;
	limit->set_shift = 64 - sets_log2;
	limit->key[0] = fold_random(&seed);
	limit->key[1] = fold_random(&seed) | 1;
	limit->key[2] = fold_random(&seed);
	*ret_limit = limit;
	return 0;
}

void limit_free(struct limit *limit)
{
	if (limit == NULL)
		return;
	table_memory_free(limit->set, size_of(limit->sets_log2));
	free(limit);
}

/* Ticks to units: 2^(4 - interval_log2) units a second. Rounded up: never stricter than asked. 0: a
 * tick is longer than a unit. */
static uint64_t multiplier_of(int8_t interval_log2, uint64_t counter_hz)
{
	int bits = 64 + LIMIT_UNITS_LOG2 - interval_log2;
	meridian_u128 multiplier = (((meridian_u128)1 << bits) - 1) / counter_hz + 1;

	return multiplier > UINT64_MAX ? 0 : (uint64_t)multiplier;
}

/* The times in the table are of the old unit: the clock is put past all of them, so that nobody
 * owes anything. */
void limit_configure(struct limit *limit, const struct limit_rate *rate, uint64_t counter_hz)
{
	if (rate->interval_log2 != limit->rate.interval_log2 || rate->burst != limit->rate.burst)
		limit->now += HORIZON_MAX;
	limit->rate = *rate;
	limit->counter_hz = counter_hz;
	limit->multiplier = rate->burst > 0 ? multiplier_of(rate->interval_log2, counter_hz) : 0;
	limit->horizon = limit->multiplier > 0 ? rate->burst * LIMIT_INTERVAL : 0;
}

unsigned int limit_least(const struct limit_set *set, uint32_t now)
{
	unsigned int least = 0;

	for (unsigned int i = 1; i < LIMIT_WAYS; i++) {
		if (set->time[i] - now < set->time[least] - now)
			least = i;
	}
	return least;
}
