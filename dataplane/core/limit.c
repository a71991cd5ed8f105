/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit.h"
#include "table_memory.h"
#include <errno.h>
#include <stdlib.h>

/* No time lies further ahead, whatever the rate. */
#define HORIZON_MAX                                                                                \
	((UINT8_MAX + 1) << (LIMIT_UNITS_LOG2 + (LIMIT_LEVELS - 1) * MERIDIAN_RATELIMIT_ROLLUP_MAX))

static size_t size_of(unsigned int sets_log2)
{
	return sizeof(struct limit_set) << sets_log2;
}

int limit_new(struct limit **ret_limit, unsigned int sets_log2, uint64_t seed)
{
	struct limit *limit = calloc(1, sizeof(*limit));

	if (limit == NULL)
		return -ENOMEM;
	limit->sets_log2 = sets_log2;
	limit->set = table_memory_new(size_of(sets_log2));
	limit->abusers = calloc(1, sizeof(*limit->abusers));
	if (limit->set == NULL || limit->abusers == NULL) {
		limit_free(limit);
		return -ENOMEM;
	}
	limit->set_shift = 64 - sets_log2;
	limit->key[0] = fold_random(&seed);
	limit->key[1] = fold_random(&seed);
	limit->factor[0] = fold_random(&seed) | 1;
	limit->factor[1] = fold_random(&seed);
	limit->random = fold_random(&seed);
	*ret_limit = limit;
	return 0;
}

void limit_free(struct limit *limit)
{
	if (limit == NULL)
		return;
	table_memory_free(limit->set, size_of(limit->sets_log2));
	free(limit->abusers);
	free(limit);
}

/* Units of an interval, log2. */
static unsigned int units_log2_of(const struct limit_rate *rate)
{
	return LIMIT_UNITS_LOG2 + (LIMIT_LEVELS - 1) * rate->rollup_log2;
}

/* Ticks to units. Rounded up: never stricter than asked. 0: a tick is longer than a unit. */
static uint64_t multiplier_of(const struct limit_rate *rate, uint64_t counter_hz)
{
	int bits = 64 + (int)units_log2_of(rate) - rate->interval_log2;
	meridian_u128 multiplier = (((meridian_u128)1 << bits) - 1) / counter_hz + 1;

	return multiplier > UINT64_MAX ? 0 : (uint64_t)multiplier;
}

/* Debts are in units of an interval of its own, and none is larger than a burst. */
static bool forgives(const struct limit_rate *before, const struct limit_rate *now)
{
	return now->interval_log2 != before->interval_log2 || now->burst != before->burst ||
		now->rollup_log2 != before->rollup_log2;
}

/* To forgive, the clock is put past all times in the table. */
void limit_configure(struct limit *limit, const struct limit_rate *rate, uint64_t counter_hz)
{
	unsigned int units_log2 = units_log2_of(rate);

	if (forgives(&limit->rate, rate))
		limit->now += HORIZON_MAX;
	limit->rate = *rate;
	limit->counter_hz = counter_hz;
	limit->multiplier = rate->burst > 0 ? multiplier_of(rate, counter_hz) : 0;
	limit->horizon = limit->multiplier > 0 ? (uint32_t)rate->burst << units_log2 : 0;
	for (unsigned int level = 0; level < LIMIT_LEVELS; level++)
		limit->charge[level] = 1u << (units_log2 - level * rate->rollup_log2);
}

unsigned int limit_least_plain(const struct limit_set *set, uint32_t now)
{
	unsigned int least = 0;

	for (unsigned int i = 1; i < LIMIT_WAYS; i++) {
		if (set->time[i] - now < set->time[least] - now)
			least = i;
	}
	return least;
}

/* True once in 2^n times, for n > 0. */
static bool one_in(struct limit *limit, unsigned int n_log2)
{
	return fold_random(&limit->random) >> (64 - n_log2) == 0;
}

/* Has the source itself used up what it may ask? */
static bool is_greedy(const struct limit *limit, const struct limit_source *source)
{
	struct limit_entry own =
		limit_find(limit, limit_set(limit, source->hash), (uint32_t)source->hash);

	return limit_is_full(limit, &own, 0);
}

static bool tells(struct limit *limit, const struct limit_source *source)
{
	const struct limit_rate *rate = &limit->rate;
	struct abuser *abuser;

	if (rate->kod_log2 == 0 || !is_greedy(limit, source))
		return false;
	abuser = abusers_note(
		limit->abusers, source->hash, limit->counter, limit->counter_hz, rate->kod_after_s);
	if (abuser == NULL || !one_in(limit, rate->kod_log2))
		return false;
	abuser->told = limit->counter;
	return true;
}

enum limit_refusal limit_refuse(struct limit *limit, const struct limit_source *source)
{
	if (limit->rate.leak_log2 > 0 && one_in(limit, limit->rate.leak_log2))
		return LIMIT_ANSWER;
	return tells(limit, source) ? LIMIT_TELL : LIMIT_DROP;
}
