/* SPDX-License-Identifier: BSD-3-Clause */
#include "flows.h"

/* The upper 48 bits of an entry are the hash's lower ones, the others the time. */
#define TIME_BITS 16

static uint64_t entry_of(uint64_t hash, uint32_t now_s)
{
	return hash << TIME_BITS | (uint16_t)now_s;
}

static uint64_t set_of(uint64_t hash)
{
	return hash >> (64 - FLOWS_SETS_LOG2);
}

/* Of no entry it is the greatest. */
static uint32_t age_s(uint64_t entry, uint32_t now_s)
{
	return entry == 0 ? UINT32_MAX : (uint16_t)(now_s - entry);
}

static bool is_of(uint64_t entry, uint64_t hash)
{
	return (entry ^ entry_of(hash, 0)) >> TIME_BITS == 0;
}

void flows_note(struct flows *flows, uint64_t hash, uint32_t now_s)
{
	uint64_t *set = flows->entry[set_of(hash)];
	unsigned int way = 0;

	for (unsigned int i = 0; i < FLOWS_WAYS; i++) {
		if (is_of(set[i], hash)) {
			way = i;
			break;
		}
		if (age_s(set[i], now_s) > age_s(set[way], now_s))
			way = i;
	}
	__atomic_store_n(&set[way], entry_of(hash, now_s), __ATOMIC_RELAXED);
	__atomic_store_n(&flows->now_s, now_s, __ATOMIC_RELAXED);
}

bool flows_known(const struct flows *flows, uint64_t hash)
{
	const uint64_t *set = flows->entry[set_of(hash)];
	uint32_t now_s = __atomic_load_n(&flows->now_s, __ATOMIC_RELAXED);

	for (unsigned int i = 0; i < FLOWS_WAYS; i++) {
		uint64_t entry = __atomic_load_n(&set[i], __ATOMIC_RELAXED);

		if (entry != 0 && is_of(entry, hash))
			return age_s(entry, now_s) <= FLOWS_LIFE_S;
	}
	return false;
}
