/* SPDX-License-Identifier: BSD-3-Clause */
#include "interleave.h"
#include "bytes.h"
#include "table_memory.h"
#include <errno.h>
#include <stdlib.h>

#define SETS_LOG2_MIN 3

/* Values of `check` that are none. */
#define FREE 0
#define BUSY 1 /* a worker is writing the entry */

#define KEPT ((uint64_t)INTERLEAVE_KEPT_S << 32) /* 2^-32 s */

_Static_assert(INTERLEAVE_SPREAD <= 1 << SETS_LOG2_MIN, "the sets of one source");

static size_t set_count(const struct interleave *interleave)
{
	return (size_t)1 << (64 - interleave->shift);
}

static unsigned int sets_log2_of(uint32_t entries)
{
	unsigned int log2 = SETS_LOG2_MIN;

	while ((uint64_t)INTERLEAVE_WAYS << log2 < entries)
		log2++;
	return log2;
}

int interleave_new(struct interleave **ret_interleave, uint32_t entries, uint64_t seed)
{
	struct interleave *interleave = calloc(1, sizeof(*interleave));
	size_t spread;

	if (interleave == NULL)
		return -ENOMEM;
	interleave->entries = entries;
	interleave->shift = 64 - sets_log2_of(entries);
	spread = set_count(interleave) / INTERLEAVE_SHARE;
	interleave->spread_mask = (spread < INTERLEAVE_SPREAD ? INTERLEAVE_SPREAD : spread) - 1;
	for (size_t i = 0; i < sizeof(interleave->secret) / sizeof(interleave->secret[0]); i++)
		interleave->secret[i] = fold_random(&seed) | 1;
	interleave->set = table_memory_new(set_count(interleave) * sizeof(*interleave->set));
	if (interleave->set == NULL) {
		free(interleave);
		return -ENOMEM;
	}
	*ret_interleave = interleave;
	return 0;
}

void interleave_free(struct interleave *interleave)
{
	if (interleave == NULL)
		return;
	table_memory_free(interleave->set, set_count(interleave) * sizeof(*interleave->set));
	free(interleave);
}

size_t interleave_room(const struct interleave *interleave)
{
	return set_count(interleave) * INTERLEAVE_WAYS;
}

/* The sets of a source begin at one of its IPv4 address or IPv6 /48; the client is all of the
 * address. An IPv4 address is made a number that no IPv6 source has. */
struct interleave_key interleave_key(const struct interleave *interleave, const uint8_t *address,
	bool ipv6, uint64_t receive, uint64_t disruption_count)
{
	const uint64_t *secret = interleave->secret;
	uint64_t number =
		ipv6 ? get_u64(address) >> 16 : UINT64_C(0xffffffff00000000) | get_u32(address);
	uint64_t source = fold(fold(number ^ secret[0], secret[1]) ^ secret[2], secret[1]);
	uint64_t subnet = ipv6 ? fold(source ^ get_u64(address), secret[1]) : source;
	uint64_t client = ipv6 ? fold(subnet ^ get_u64(address + 8), secret[3]) : source;
	uint64_t hash =
		fold(fold(receive ^ client, secret[3]) ^ disruption_count ^ secret[2], secret[1]);
	size_t set = source >> interleave->shift;

	set = (set & ~interleave->spread_mask) | (hash & interleave->spread_mask);
	return (struct interleave_key){&interleave->set[set], hash};
}

/* The compare-and-swap orders nothing: time and check prove each other. */
static bool check_swap(struct interleave_entry *entry, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(
		&entry->check, &from, to, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

uint64_t interleave_take(struct interleave_key key)
{
	for (unsigned int i = 0; i < INTERLEAVE_WAYS; i++) {
		struct interleave_entry *entry = &key.set->entry[i];
		uint64_t transmit = __atomic_load_n(&entry->transmit, __ATOMIC_RELAXED);
		uint64_t check = __atomic_load_n(&entry->check, __ATOMIC_RELAXED);

		if (check > BUSY && (check ^ transmit) == key.hash &&
			check_swap(entry, check, FREE))
			return transmit & ~INTERLEAVE_EARNED;
	}
	return 0;
}

void interleave_course(struct interleave *interleave, uint64_t disruption_count, uint64_t now)
{
	uint64_t before = __atomic_load_n(&interleave->disruption_count, __ATOMIC_RELAXED);

	if (before == disruption_count)
		return;
	__atomic_store_n(&interleave->begin, now, __ATOMIC_RELAXED);
	__atomic_store_n(&interleave->disruption_count, disruption_count, __ATOMIC_RELAXED);
}

/* When replies are saved, and for whom. */
struct saving {
	uint64_t now;
	uint64_t kept; /* so long before, entries are kept */
	bool earned;
};

/* How much an entry is to be replaced: 0, not at all, for what is just being written; else the
 * more, the longer ago its reply left, what is kept after all that is not, and only by what has
 * been `earned`. One of another course of the clock may seem to leave later: then very much. */
static uint64_t spare(
	const struct interleave_entry *entry, uint64_t check, const struct saving *saving)
{
	uint64_t transmit = __atomic_load_n(&entry->transmit, __ATOMIC_RELAXED);
	uint64_t age = saving->now - (transmit & ~INTERLEAVE_EARNED);

	if (check == FREE)
		return UINT64_MAX;
	if (check == BUSY)
		return 0;
	if (transmit & INTERLEAVE_EARNED && age < saving->kept)
		return saving->earned ? age + 1 : 0;
	return age < UINT64_MAX - 1 - KEPT ? age + 1 + KEPT : UINT64_MAX - 1;
}

/* The best place; NULL: there is none. */
static struct interleave_entry *place(
	struct interleave_set *set, const struct saving *saving, uint64_t *ret_check)
{
	struct interleave_entry *best = NULL;
	uint64_t most = 0;

	for (unsigned int i = 0; i < INTERLEAVE_WAYS; i++) {
		uint64_t check = __atomic_load_n(&set->entry[i].check, __ATOMIC_RELAXED);
		uint64_t value = spare(&set->entry[i], check, saving);

		if (value <= most)
			continue;
		best = &set->entry[i];
		*ret_check = check;
		most = value;
	}
	return best;
}

/* Makes the best place BUSY. NULL: there is none, or others were always quicker. */
static struct interleave_entry *claim(struct interleave_set *set, const struct saving *saving)
{
	for (unsigned int try = 0; try < INTERLEAVE_WAYS; try++) {
		uint64_t check = FREE;
		struct interleave_entry *entry = place(set, saving, &check);

		if (entry == NULL || check_swap(entry, check, BUSY))
			return entry;
	}
	return NULL;
}

/* Drops all but `own` with the hash of `key`. Returns whether there were any. */
static bool twins_drop(struct interleave_key key, const struct interleave_entry *own)
{
	bool found = false;

	for (unsigned int i = 0; i < INTERLEAVE_WAYS; i++) {
		struct interleave_entry *twin = &key.set->entry[i];
		uint64_t check = __atomic_load_n(&twin->check, __ATOMIC_SEQ_CST);
		uint64_t transmit = __atomic_load_n(&twin->transmit, __ATOMIC_RELAXED);

		if (twin == own || check <= BUSY || (check ^ transmit) != key.hash)
			continue;
		check_swap(twin, check, FREE);
		found = true;
	}
	return found;
}

/* What is as old as the clock's course, or KEPT, is kept no more. */
static uint64_t kept(const struct interleave *interleave, uint64_t now)
{
	uint64_t course = now - __atomic_load_n(&interleave->begin, __ATOMIC_RELAXED);

	return course < KEPT ? course + 1 : KEPT;
}

bool interleave_save(const struct interleave *interleave, struct interleave_key key,
	uint64_t transmit, bool earned)
{
	const struct saving saving = {transmit, kept(interleave, transmit), earned};
	uint64_t word = earned ? transmit | INTERLEAVE_EARNED : transmit;
	uint64_t check = key.hash ^ word;
	struct interleave_entry *entry = check > BUSY ? claim(key.set, &saving) : NULL;

	if (entry != NULL) {
		__atomic_store_n(&entry->transmit, word, __ATOMIC_RELAXED);
		__atomic_store_n(&entry->check, check, __ATOMIC_SEQ_CST);
	}
	if (!twins_drop(key, entry))
		return entry != NULL;
	if (entry != NULL)
		check_swap(entry, check, FREE);
	return false;
}

static void entry_look(const struct interleave_entry *entry, struct interleave_survey *survey)
{
	uint64_t transmit = __atomic_load_n(&entry->transmit, __ATOMIC_RELAXED);
	int64_t since;

	if (__atomic_load_n(&entry->check, __ATOMIC_RELAXED) <= BUSY)
		return;
	if (survey->held++ == 0) {
		survey->first = transmit;
		survey->oldest = survey->newest = 0;
	}
	since = (int64_t)(transmit - survey->first);
	if (since < survey->oldest)
		survey->oldest = since;
	if (since > survey->newest)
		survey->newest = since;
}

bool interleave_look(const struct interleave *interleave, struct interleave_survey *survey,
	size_t sets, uint64_t *ret_held, uint32_t *ret_span_s)
{
	size_t end = set_count(interleave);

	for (; sets > 0 && survey->next < end; sets--, survey->next++) {
		for (unsigned int i = 0; i < INTERLEAVE_WAYS; i++)
			entry_look(&interleave->set[survey->next].entry[i], survey);
	}
	if (survey->next < end)
		return false;
	*ret_held = survey->held;
	*ret_span_s = survey->held == 0
		? 0
		: (uint32_t)((uint64_t)(survey->newest - survey->oldest) >> 32);
	*survey = (struct interleave_survey){.next = 0};
	return true;
}
