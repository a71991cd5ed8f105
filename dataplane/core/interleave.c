/* SPDX-License-Identifier: BSD-3-Clause */
#include "interleave.h"
#include "bytes.h"
#include "table_memory.h"
#include <errno.h>
#include <stdlib.h>

#define SETS_LOG2_MIN 3

#define FREE 0 /* a value of `check` that is none */

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

/* Of the words of an entry, which prove each other. The order is for who looks for twins: of an
 * entry whose check it sees, it sees the time. */
struct words {
	uint64_t check, transmit;
};

static struct words words_load(const struct interleave_entry *entry)
{
	uint64_t check = __atomic_load_n(&entry->check, __ATOMIC_SEQ_CST);

	return (struct words){check, __atomic_load_n(&entry->transmit, __ATOMIC_RELAXED)};
}

static bool words_are_of(struct words words, struct interleave_key key)
{
	return (words.check ^ words.transmit) == key.hash && words.check != FREE;
}

static bool check_swap(struct interleave_entry *entry, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(
		&entry->check, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

uint64_t interleave_take(struct interleave_key key)
{
	for (unsigned int i = 0; i < INTERLEAVE_WAYS; i++) {
		struct interleave_entry *entry = &key.set->entry[i];
		struct words words = words_load(entry);

		if (words_are_of(words, key) && check_swap(entry, words.check, FREE))
			return words.transmit & ~INTERLEAVE_EARNED;
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

/* What is as old as the clock's course, or KEPT, is kept no more. */
static uint64_t kept(const struct interleave *interleave, uint64_t now)
{
	uint64_t course = now - __atomic_load_n(&interleave->begin, __ATOMIC_RELAXED);

	return course < KEPT ? course + 1 : KEPT;
}

/* How much an entry that is not free is to be replaced: 0, not at all; else the more, the longer
 * ago its reply left, what is `kept` after all that is not, and only by what has been earned. One
 * of another course of the clock may seem to leave later: then very much. */
static uint64_t spare(struct words words, const struct interleave_saving *saving, uint64_t kept)
{
	uint64_t age = saving->transmit - (words.transmit & ~INTERLEAVE_EARNED);

	if (words.transmit & INTERLEAVE_EARNED && age < kept)
		return saving->earned ? age + 1 : 0;
	return age < UINT64_MAX - 1 - KEPT ? age + 1 + KEPT : UINT64_MAX - 1;
}

/* Finds the best place, and what is there; saving->entry NULL: there is none. */
static void place(const struct interleave *interleave, struct interleave_saving *saving,
	struct words *ret_words)
{
	uint64_t before = kept(interleave, saving->transmit), most = 0;

	saving->entry = NULL;
	*ret_words = (struct words){FREE, 0};
	for (unsigned int i = 0; i < INTERLEAVE_WAYS; i++) {
		struct interleave_entry *entry = &saving->key.set->entry[i];
		struct words words = words_load(entry);
		uint64_t value = words.check == FREE ? UINT64_MAX : spare(words, saving, before);

		if (value <= most)
			continue;
		saving->entry = entry;
		*ret_words = words;
		most = value;
		if (value == UINT64_MAX)
			break;
	}
}

/* Drops all but `own` with the hash of `key`. Returns whether there were any. */
static bool twins_drop(struct interleave_key key, const struct interleave_entry *own)
{
	bool found = false;

	for (unsigned int i = 0; i < INTERLEAVE_WAYS; i++) {
		struct interleave_entry *twin = &key.set->entry[i];
		struct words words = words_load(twin);

		if (twin == own || !words_are_of(words, key))
			continue;
		check_swap(twin, words.check, FREE);
		found = true;
	}
	return found;
}

static uint64_t word_of(const struct interleave_saving *saving)
{
	return saving->earned ? saving->transmit | INTERLEAVE_EARNED : saving->transmit;
}

/* Writes to the place where `words` were. Who wins the swap has the place. An entry whose time
 * another overwrote before is nobody's, so who loses frees it, if it was him. */
static bool write_to(struct interleave_entry *entry, struct words words, struct words own)
{
	uint64_t seen = words.check;

	__atomic_store_n(&entry->transmit, own.transmit, __ATOMIC_RELAXED);
	if (__atomic_compare_exchange_n(
		    &entry->check, &seen, own.check, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return true;
	if (__atomic_load_n(&entry->transmit, __ATOMIC_RELAXED) == own.transmit)
		check_swap(entry, seen, FREE);
	return false;
}

static void put(
	const struct interleave *interleave, struct interleave_saving *saving, struct words words)
{
	uint64_t transmit = word_of(saving);
	struct words own = {saving->key.hash ^ transmit, transmit};

	/* Another reply of this burst may have come there. */
	if (saving->entry != NULL && words_load(saving->entry).check != words.check)
		place(interleave, saving, &words);
	if (saving->entry == NULL)
		return;
	if (own.check == FREE || words_are_of(words, saving->key) ||
		!write_to(saving->entry, words, own))
		saving->entry = NULL;
}

static void twins_look(struct interleave_saving *saving)
{
	if (!twins_drop(saving->key, saving->entry))
		return;
	if (saving->entry != NULL)
		check_swap(saving->entry, saving->key.hash ^ word_of(saving), FREE);
	saving->entry = NULL;
}

/* Each step of its own, as swaps let nothing overlap. */
void interleave_save_all(
	const struct interleave *interleave, struct interleave_saving *saving, unsigned int count)
{
	struct words words[INTERLEAVE_SAVE_MAX] __attribute__((uninitialized));

	for (unsigned int i = 0; i < count; i++)
		place(interleave, &saving[i], &words[i]);
	for (unsigned int i = 0; i < count; i++)
		put(interleave, &saving[i], words[i]);
	for (unsigned int i = 0; i < count; i++)
		twins_look(&saving[i]);
}

bool interleave_save(const struct interleave *interleave, struct interleave_key key,
	uint64_t transmit, bool earned)
{
	struct interleave_saving saving = {.key = key, .transmit = transmit, .earned = earned};

	interleave_save_all(interleave, &saving, 1);
	return saving.entry != NULL;
}

static void entry_look(const struct interleave_entry *entry, struct interleave_survey *survey)
{
	uint64_t transmit = __atomic_load_n(&entry->transmit, __ATOMIC_RELAXED);
	int64_t since;

	if (__atomic_load_n(&entry->check, __ATOMIC_RELAXED) == FREE)
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
