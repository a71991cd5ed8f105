/* SPDX-License-Identifier: BSD-3-Clause */
#include "device_line.h"
#include <meridian/timemodel.h>
#include <string.h>

#define TRIES 4

__extension__ typedef __int128 i128;

void device_line_publish(struct device_line_shared *shared, const struct device_line *line)
{
	uint64_t word[DEVICE_LINE_WORDS], seq = shared->seq;

	memcpy(word, line, sizeof(word));
	__atomic_store_n(&shared->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (size_t i = 0; i < DEVICE_LINE_WORDS; i++)
		__atomic_store_n(&shared->word[i], word[i], __ATOMIC_RELAXED);
	__atomic_store_n(&shared->seq, seq + 2, __ATOMIC_RELEASE);
}

void device_line_take(struct device_line_copy *copy, const struct device_line_shared *shared)
{
	uint64_t word[DEVICE_LINE_WORDS];

	for (int try = 0; try < TRIES; try++) {
		uint64_t seq = __atomic_load_n(&shared->seq, __ATOMIC_ACQUIRE);

		if (seq == copy->seq)
			return;
		if (seq & 1)
			continue;
		for (size_t i = 0; i < DEVICE_LINE_WORDS; i++)
			word[i] = __atomic_load_n(&shared->word[i], __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&shared->seq, __ATOMIC_RELAXED) != seq)
			continue;
		memcpy(&copy->line, word, sizeof(word));
		copy->seq = seq;
		return;
	}
}

static uint64_t scaled(uint64_t ticks, uint64_t factor_frac32)
{
	return (uint64_t)((meridian_u128)ticks * factor_frac32 >> 32);
}

int64_t device_line_ns(const struct device_line *line, int64_t ticks)
{
	i128 half = INT64_C(1) << 31;

	return (int64_t)(((i128)ticks * (i128)line->ns_per_tick_frac32 + half) >> 32);
}

uint64_t device_line_device(const struct device_line *line, uint64_t counter)
{
	int64_t ticks = (int64_t)(counter - line->counter);

	return line->device + (uint64_t)((i128)ticks * (i128)line->device_ticks_frac32 >> 32);
}

struct device_line_span device_line_span(
	const struct device_line *line, uint64_t now_counter, uint64_t since_counter)
{
	uint64_t ticks = scaled(
		now_counter - since_counter + line->ahead_max_ticks, line->device_ticks_frac32);

	return (struct device_line_span){.now_counter = now_counter,
		.since_counter = since_counter,
		.now_device = line->device +
			scaled(now_counter - line->counter, line->device_ticks_frac32),
		.ambiguous = ticks >> (line->bits - 1) != 0};
}

/* Ticks from `from` to `to`, modulo 2^bits, the nearest way. */
static int64_t apart(uint64_t from, uint64_t to, uint64_t bits)
{
	uint64_t shift = 64 - bits;

	return (int64_t)((to - from) << shift) >> shift;
}

enum meridian_fault device_line_counter(const struct device_line *line,
	const struct device_line_span *span, uint64_t stamp, uint64_t *ret_counter)
{
	int64_t since_anchor = (int64_t)(span->now_device - line->device) -
		apart(stamp, span->now_device, line->bits);
	uint64_t counter = line->counter +
		(uint64_t)((i128)since_anchor * (i128)line->counter_ticks_frac32 >> 32);
	int64_t age = (int64_t)(span->now_counter - counter);

	if (span->ambiguous)
		return MERIDIAN_FAULT_ambiguous;
	if (age < 0 && (uint64_t)-age > line->ahead_max_ticks)
		return MERIDIAN_FAULT_future;
	if (age > 0 &&
		(uint64_t)age > span->now_counter - span->since_counter + line->ahead_max_ticks)
		return MERIDIAN_FAULT_early;
	*ret_counter = age < 0 ? span->now_counter : counter;
	return MERIDIAN_FAULT_COUNT;
}
