/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_LIMIT_H
#define DATAPLANE_LIMIT_H

/*
 * Who asks too often. A rate limiter for each source (an IPv4 address or an IPv6 /64) in memory
 * of fixed size, one table per worker.
 *
 * A source may ask 2^-interval_log2 times a second, and `burst` times at once after a rest. It is
 * the generic cell rate algorithm (ITU-T I.371 annex A), which is a token bucket that needs one
 * number: the theoretical arrival time, at which the bucket will be full again. A request that is
 * refused does not move it, so a source that asks too often is still answered at its rate.
 *
 * Who has an IPv6 /48 has 65536 sources. So a /56 and a /48 have a bucket each, too, and a request
 * needs room in all three. The wider ones are larger: 2^rollup_log2 times for each step, in rate
 * and in burst. As they fill up in the same time, they differ in one thing only, by how much a
 * request moves the arrival time.
 *
 * Of what is refused, one in 2^leak_log2 at random is answered all the same, if there is a leak.
 * Without one, whoever floods us in the name of a client leaves that client without answers; with
 * one, that client gets a share of the flood, whatever its rate. Of the rest, one in 2^kod_log2 is
 * told to ask less often, if its source itself (rather than its /48) has asked too often for
 * kod_after_s, and within the limits of abusers.h.
 *
 * The table is a cache of 8 entries in each set, a set being one line: with the hash of a source
 * its line can be prefetched. A /48 and its /56 are in one set, lest IPv6 take three lines. Entries
 * need no sweeping: one whose time has passed says the same as none and may be replaced. Time is
 * counted in units of which a request costs its /48 16, modulo 2^32; no time lies further ahead
 * than the burst, so what seems to is long past. Where all 8 entries of a set are in debt, a new
 * one replaces the one that owes least. So with more sources than entries the limiter forgets those
 * that hardly ask; it never holds back a source below its limit, but for one whose /56 or /48 is
 * full, for two that have the same set and tag (one pair in 2^50 of a table of 2^18 sets), and for
 * one that comes back 2^32 units later to within the burst.
 */

#include "abusers.h"
#include "fold.h"
#include <meridian/policy.h>
#include <meridian/timemodel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX512VL__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#define LIMIT_WAYS          8
#define LIMIT_LEVELS        3 /* IPv6: the /64, its /56, its /48 */
#define LIMIT_UNITS_LOG2    4 /* units that a request costs at the last level, log2 */
#define LIMIT_SETS_LOG2_MIN 4
#define LIMIT_SETS_LOG2_MAX 26
#define LIMIT_SETS_LOG2     18 /* for a worker: 16 MiB, 2^21 sources */

/* As in the policy. */
struct limit_rate {
	int8_t interval_log2; /* MERIDIAN_RATELIMIT_INTERVAL_MIN..MAX */
	uint8_t burst;        /* 0: no limit */
	uint8_t rollup_log2;  /* 0..MERIDIAN_RATELIMIT_ROLLUP_MAX */
	uint8_t leak_log2;    /* 0: none; ..MERIDIAN_RATELIMIT_LEAK_MAX */
	uint8_t kod_log2;     /* 0: none; ..MERIDIAN_RATELIMIT_KOD_MAX */
	uint8_t reserved;
	uint16_t kod_after_s;
};
_Static_assert(sizeof(struct limit_rate) == 8, "compared in one go, hence without gaps");

/* Whom a request counts for. */
struct limit_source {
	uint64_t hash;      /* of the address or the /64 */
	uint64_t site_hash; /* IPv6: of the /48 */
	uint32_t subnet;    /* IPv6: number of the /56 in it */
};

/* One line. */
struct limit_set {
	uint32_t tag[LIMIT_WAYS];
	uint32_t time[LIMIT_WAYS]; /* theoretical arrival time */
};
_Static_assert(sizeof(struct limit_set) == 64, "a cache line");

/* One worker's state. One thread. */
struct limit {
	struct limit_set *set;
	uint64_t key[2]; /* secret, as are the next two */
	uint64_t factor[2];
	uint64_t random;               /* state of the generator for the leak */
	uint32_t charge[LIMIT_LEVELS]; /* units that a request costs */
	uint32_t set_shift;            /* 64 - log2(sets) */
	uint32_t horizon;              /* units of a burst; 0: no limit */
	uint32_t now;                  /* units */
	uint64_t fraction;             /* of a unit, 2^-64 */
	uint64_t multiplier;           /* units for each tick, 2^-64 */
	uint64_t counter;              /* of `now` */
	uint64_t counter_hz;
	struct limit_rate rate;
	unsigned int sets_log2;
	struct abusers *abusers; /* apart, so that the rest can be copied */
};

/*
 * Makes a table of 2^sets_log2 sets (LIMIT_SETS_LOG2_MIN..MAX), 64 octets each, without a limit
 * until the first limit_begin(). `seed` is a random number that nobody else knows: with it, who
 * chooses source addresses cannot aim at the sets of others. Main thread. Returns 0 and a pointer
 * for limit_free(), or -ENOMEM.
 */
int limit_new(struct limit **ret_limit, unsigned int sets_log2, uint64_t seed);

/* NULL is legal. */
void limit_free(struct limit *limit);

/* Takes another rate or counter frequency. With new rates, all debts are forgotten. */
void limit_configure(struct limit *limit, const struct limit_rate *rate, uint64_t counter_hz);

/* Sets the time of a burst of packets: `now_counter` counts `counter_hz` ticks a second and does
 * not fall (if it does, no time passes). A unit shorter than a tick cannot be counted: with less
 * than 2^(23 + 2 * rollup_log2) ticks a second, the shortest intervals limit nobody. */
static inline void limit_begin(struct limit *limit, const struct limit_rate *rate,
	uint64_t now_counter, uint64_t counter_hz)
{
	uint64_t passed = now_counter > limit->counter ? now_counter - limit->counter : 0;
	meridian_u128 units = (meridian_u128)passed * limit->multiplier + limit->fraction;

	limit->now += (uint32_t)(units >> 64);
	limit->fraction = (uint64_t)units;
	limit->counter = now_counter;
	if (memcmp(rate, &limit->rate, sizeof(*rate)) != 0 || counter_hz != limit->counter_hz)
		limit_configure(limit, rate, counter_hz);
}

/* Twice, because with some keys neighbours crowd in a few sets after the first time. */
static inline uint64_t limit_hash(const struct limit *limit, uint64_t key, uint64_t number)
{
	uint64_t once = fold(number ^ key, limit->factor[0]);

	return fold(once ^ limit->factor[1], limit->factor[0]);
}

/* The source of an IPv4 address in host order: as a number, one that no IPv6 source has. */
static inline void limit_source_ipv4(
	const struct limit *limit, uint32_t address, struct limit_source *ret_source)
{
	uint64_t number = UINT64_C(0xffffffff00000000) | address;

	ret_source->hash = limit_hash(limit, limit->key[0], number);
}

/* The same of the upper half of an IPv6 address. */
static inline void limit_source_ipv6(
	const struct limit *limit, uint64_t high, struct limit_source *ret_source)
{
	ret_source->hash = limit_hash(limit, limit->key[0], high);
	ret_source->site_hash = limit_hash(limit, limit->key[1], high >> 16);
	ret_source->subnet = high >> 8 & UINT8_MAX;
}

static inline struct limit_set *limit_set(const struct limit *limit, uint64_t hash)
{
	return &limit->set[hash >> limit->set_shift];
}

/* Brings a source's sets into the cache. Always inline: of a function that only prefetches gcc
 * thinks that it does nothing, and drops the call. */
__attribute__((always_inline)) static inline void limit_prefetch(
	const struct limit *limit, const struct limit_source *source, bool ipv6)
{
	if (limit->horizon == 0)
		return;
	__builtin_prefetch(limit_set(limit, source->hash), 1);
	if (ipv6)
		__builtin_prefetch(limit_set(limit, source->site_hash), 1);
}

/* A bit for each entry of `tag`, and from bit 8 on for each whose time has passed or is so far
 * ahead that it must be long past. The plain form is the reference. */
static inline uint32_t limit_candidates_plain(
	const struct limit_set *set, uint32_t tag, uint32_t now, uint32_t horizon)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < LIMIT_WAYS; i++) {
		found |= (uint32_t)(set->tag[i] == tag) << i;
		found |= (uint32_t)(set->time[i] - now - 1 >= horizon) << (LIMIT_WAYS + i);
	}
	return found;
}

#if defined(__AVX512VL__)
static inline uint32_t limit_candidates(
	const struct limit_set *set, uint32_t tag, uint32_t now, uint32_t horizon)
{
	__m256i tags = _mm256_load_si256((const __m256i *)(const void *)set->tag);
	__m256i times = _mm256_load_si256((const __m256i *)(const void *)set->time);
	__m256i ahead = _mm256_sub_epi32(times, _mm256_set1_epi32((int)(now + 1)));
	uint32_t equal = _mm256_cmpeq_epi32_mask(tags, _mm256_set1_epi32((int)tag));
	uint32_t expired = _mm256_cmpge_epu32_mask(ahead, _mm256_set1_epi32((int)horizon));

	return equal | expired << LIMIT_WAYS;
}
#elif defined(__SSE2__)
/* SSE2 compares signed numbers only, so both sides are moved by 2^31. */
static inline uint32_t limit_candidates(
	const struct limit_set *set, uint32_t tag, uint32_t now, uint32_t horizon)
{
	const __m128i *tags = (const __m128i *)(const void *)set->tag;
	const __m128i *times = (const __m128i *)(const void *)set->time;
	__m128i wanted = _mm_set1_epi32((int)tag);
	__m128i start = _mm_set1_epi32((int)(now + 1 + INT32_MIN));
	__m128i last = _mm_set1_epi32((int)(horizon - 1 + INT32_MIN));
	__m128i equal =
		_mm_packs_epi32(_mm_cmpeq_epi32(tags[0], wanted), _mm_cmpeq_epi32(tags[1], wanted));
	__m128i expired = _mm_packs_epi32(_mm_cmpgt_epi32(_mm_sub_epi32(times[0], start), last),
		_mm_cmpgt_epi32(_mm_sub_epi32(times[1], start), last));

	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(equal, expired));
}
#else
static inline uint32_t limit_candidates(
	const struct limit_set *set, uint32_t tag, uint32_t now, uint32_t horizon)
{
	return limit_candidates_plain(set, tag, now, horizon);
}
#endif

/* The entry of the source that owes least, of a set in which all owe. */
unsigned int limit_least_plain(const struct limit_set *set, uint32_t now);

#if defined(__AVX512VL__)
static inline unsigned int limit_least(const struct limit_set *set, uint32_t now)
{
	__m256i times = _mm256_load_si256((const __m256i *)(const void *)set->time);
	__m256i owed = _mm256_sub_epi32(times, _mm256_set1_epi32((int)now));
	__m256i least = _mm256_min_epu32(owed, _mm256_permute4x64_epi64(owed, 0x4e));

	least = _mm256_min_epu32(least, _mm256_shuffle_epi32(least, 0x4e));
	least = _mm256_min_epu32(least, _mm256_shuffle_epi32(least, 0xb1));
	return (unsigned int)__builtin_ctz(_mm256_cmpeq_epi32_mask(owed, least));
}
#else
static inline unsigned int limit_least(const struct limit_set *set, uint32_t now)
{
	return limit_least_plain(set, now);
}
#endif

/* An entry of the table: that of a tag, or the one to be replaced by it. */
struct limit_entry {
	struct limit_set *set;
	uint32_t way, tag;
	uint32_t owed; /* units */
};

static inline struct limit_entry limit_find(
	const struct limit *limit, struct limit_set *set, uint32_t tag)
{
	uint32_t now = limit->now, horizon = limit->horizon, i, known;
	uint32_t found = limit_candidates(set, tag, now, horizon);

	if (__builtin_expect(found == 0, 0))
		i = LIMIT_WAYS + limit_least(set, now);
	else
		i = (uint32_t)__builtin_ctz(found);
	/* Its tag, and its time has not passed. No branch: it is anybody's guess. */
	known = (found & ~(found >> LIMIT_WAYS) & UINT8_MAX) >> i & 1;
	i %= LIMIT_WAYS;
	return (struct limit_entry){set, i, tag, (set->time[i] - now) & (0 - known)};
}

/* Is there no room for another request at a level: 0 for a source, 1 for a /56, 2 for a /48? */
static inline bool limit_is_full(
	const struct limit *limit, const struct limit_entry *entry, unsigned int level)
{
	return entry->owed > limit->horizon - limit->charge[level];
}

static inline void limit_charge(
	const struct limit *limit, const struct limit_entry *entry, unsigned int level)
{
	entry->set->tag[entry->way] = entry->tag;
	entry->set->time[entry->way] = limit->now + entry->owed + limit->charge[level];
}

/* The /48 of a site with 2^rollup_log2 busy /56 or more owes no less than the one of these that
 * owes least, so these are replaced before it is. With fewer of them it may be forgotten, but then
 * their own limits together are below that of the /48. The first request of a rested site is not
 * counted for its /56: both may have the same free entry, and the /48, which comes last, takes it.
 */
static inline bool limit_allow_site(
	const struct limit *limit, const struct limit_source *source, const struct limit_entry *own)
{
	struct limit_set *set = limit_set(limit, source->site_hash);
	uint32_t tag = (uint32_t)source->site_hash;
	struct limit_entry subnet = limit_find(limit, set, tag + 1 + source->subnet);
	struct limit_entry site = limit_find(limit, set, tag);
	unsigned int full = limit_is_full(limit, own, 0);

	full |= limit_is_full(limit, &subnet, 1); /* no branch for each */
	full |= limit_is_full(limit, &site, 2);
	if (full)
		return false;
	limit_charge(limit, own, 0);
	limit_charge(limit, &subnet, 1);
	limit_charge(limit, &site, 2);
	return true;
}

/* May the source ask now? If so, this counts. */
__attribute__((always_inline)) static inline bool limit_allow(
	const struct limit *limit, const struct limit_source *source, bool ipv6)
{
	struct limit_entry own;

	if (limit->horizon == 0)
		return true;
	own = limit_find(limit, limit_set(limit, source->hash), (uint32_t)source->hash);
	if (ipv6)
		return limit_allow_site(limit, source, &own);
	if (limit_is_full(limit, &own, 0))
		return false;
	limit_charge(limit, &own, 0);
	return true;
}

/* What becomes of a request that limit_allow() has refused, in this burst. */
enum limit_refusal {
	LIMIT_DROP,
	LIMIT_ANSWER, /* all the same */
	LIMIT_TELL,   /* that it asks too often */
};
enum limit_refusal limit_refuse(struct limit *limit, const struct limit_source *source);

#endif
