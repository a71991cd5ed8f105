/* SPDX-License-Identifier: BSD-3-Clause */
#include "abusers.h"
#include <stdbool.h>
#include <stddef.h>

/* Whether the entry says nothing any more. */
static bool is_over(const struct abuser *abuser, uint64_t now_counter, uint64_t pause)
{
	return abuser->last == 0 || now_counter - abuser->last > pause;
}

static struct abuser *find(struct abuser *set, uint64_t hash, uint64_t now_counter, uint64_t pause)
{
	for (size_t i = 0; i < ABUSERS_WAYS; i++) {
		if (set[i].hash == hash && !is_over(&set[i], now_counter, pause))
			return &set[i];
	}
	return NULL;
}

/* One that is over, or the one who began last. */
static struct abuser *replace(struct abuser *set, uint64_t now_counter, uint64_t pause)
{
	struct abuser *last = &set[0];

	for (size_t i = 0; i < ABUSERS_WAYS; i++) {
		if (is_over(&set[i], now_counter, pause))
			return &set[i];
		if (set[i].since > last->since)
			last = &set[i];
	}
	return last;
}

struct abuser *abusers_note(struct abusers *abusers, uint64_t hash, uint64_t now_counter,
	uint64_t counter_hz, uint32_t after_s)
{
	struct abuser *set = abusers->set[hash >> (64 - ABUSERS_SETS_LOG2)];
	uint64_t pause = ABUSERS_PAUSE_S * counter_hz, repeat = ABUSERS_REPEAT_S * counter_hz;
	struct abuser *abuser = find(set, hash, now_counter, pause);

	if (abuser == NULL) {
		abuser = replace(set, now_counter, pause);
		*abuser = (struct abuser){.hash = hash, .since = now_counter};
	}
	abuser->last = now_counter;
	if (now_counter - abuser->since < after_s * counter_hz ||
		(abuser->told != 0 && now_counter - abuser->told < repeat))
		return NULL;
	return abuser;
}
