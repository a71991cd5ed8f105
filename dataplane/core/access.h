/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_ACCESS_H
#define DATAPLANE_ACCESS_H

/*
 * Who may ask. The `allow` and `deny` rules, of which the longest matching prefix decides, are
 * compiled to the sorted list of edges, the addresses at which the answer changes. The rank of an
 * address is the number of edges at or below it: below the first edge nobody is allowed, and each
 * edge turns the answer round, so an odd rank means yes.
 *
 * The edges lie in slots of one cache line, up to 7 in each. The upper bits of an address choose a
 * span, a part of the address space that is divided into about as many slots of equal width as it
 * has edges: that slot is known without reading any, so it can be prefetched, and most often it
 * has the answer. Where edges crowd together a slot is divided again, so that each further line
 * leaves at most a quarter of the edges: a dense cluster of rules takes 2 or 3 lines, and the worst
 * set of rules no more than a search tree of four branches.
 *
 * IPv6 addresses are looked up by their upper 64 bits. The subnets in which there are rules longer
 * than /64 are a list of their own, and the lower 64 bits of each have a span of their own.
 *
 * Memory: 64 octets for each edge where edges are spread evenly, at most 256 however they crowd,
 * and up to 64 KiB for each list. A rule makes at most 2 edges.
 */

#include <meridian/policy.h>
#include <meridian/timemodel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define ACCESS_SLOT_EDGES 7

#define ACCESS_LEAF   0 /* `below` has all edges of the slot */
#define ACCESS_SORTED 1 /* `below` has the first edges of the 2nd to 8th slot from `child` on */
#define ACCESS_SPAN   2 /* `span` has the slots */

/* A part of the key space in slots of equal width. The first slot also has what is below it, the
 * last what is above. */
struct access_span {
	uint64_t start;
	uint32_t first;     /* slot */
	uint32_t last : 26; /* slots - 1 */
	uint32_t shift : 6; /* log2 of a slot's width */
};

/* One line. Of an edge at N, N - 1 is stored: whoever is above it has passed the edge. What is
 * not used is UINT64_MAX, which nobody is above. */
struct access_slot {
	union {
		uint64_t below[ACCESS_SLOT_EDGES];
		struct access_span span;
	};
	uint32_t rank; /* edges below this slot */
	uint32_t kind : 2;
	uint32_t child : 30;
};
_Static_assert(sizeof(struct access_slot) == 64, "a cache line");

/* A sorted list of edges. */
struct access_list {
	struct access_span *span; /* by the key's upper bits */
	size_t span_count;
	unsigned int shift; /* of a key, to have those bits */
};

/* Immutable after access_init(). */
struct access {
	struct access_slot *slot;   /* of all lists */
	size_t size;                /* octets of them */
	struct access_list ipv4;    /* key: the address */
	struct access_list ipv6;    /* key: upper 64 bits; not right for a subnet */
	struct access_list subnets; /* key: upper 64 bits; an edge for each subnet */
	struct access_span *subnet; /* by the lower 64 bits; NULL: there are none */
};

/* Compiles `count` rules of a checked policy. Allocates. Returns 0, or -ENOMEM with nothing to
 * free. */
int access_init(struct access *access, const struct meridian_policy_access *rules, size_t count);
void access_fini(struct access *access);

/* Everything below is pure. Addresses are numbers in host byte order. */

static inline const struct access_slot *access_span_slot(
	const struct access *access, const struct access_span *span, uint64_t key)
{
	uint64_t offset = key > span->start ? key - span->start : 0;
	uint64_t slot = offset >> span->shift;

	return &access->slot[span->first + (slot < span->last ? slot : span->last)];
}

static inline const struct access_slot *access_list_slot(
	const struct access *access, const struct access_list *list, uint64_t key)
{
	return access_span_slot(access, &list->span[key >> list->shift], key);
}

/* How many of the slot's edges `key` has passed. The plain form is the reference. Written out,
 * because the compiler keeps a loop. */
static inline uint32_t access_slot_passed_plain(const struct access_slot *slot, uint64_t key)
{
	const uint64_t *below = slot->below;

	return (key > below[0]) + (key > below[1]) + (key > below[2]) + (key > below[3]) +
		(key > below[4]) + (key > below[5]) + (key > below[6]);
}

#if defined(__AVX512F__)
static inline uint32_t access_slot_passed(const struct access_slot *slot, uint64_t key)
{
	const uint8_t edges = (1 << ACCESS_SLOT_EDGES) - 1;
	__m512i below = _mm512_load_si512(slot);
	__mmask8 passed =
		_mm512_mask_cmplt_epu64_mask(edges, below, _mm512_set1_epi64((long long)key));

	return (uint32_t)__builtin_popcount(passed);
}
#else
static inline uint32_t access_slot_passed(const struct access_slot *slot, uint64_t key)
{
	return access_slot_passed_plain(slot, key);
}
#endif

/* The leaf of `key`, which is in `slot`. */
static inline const struct access_slot *access_leaf(
	const struct access *access, const struct access_slot *slot, uint64_t key)
{
	while (__builtin_expect(slot->kind != ACCESS_LEAF, 0)) {
		if (slot->kind == ACCESS_SORTED)
			slot = &access->slot[slot->child + access_slot_passed(slot, key)];
		else
			slot = access_span_slot(access, &slot->span, key);
	}
	return slot;
}

/* Is the rank of `key`, which is in `slot`, odd? */
static inline bool access_odd(
	const struct access *access, const struct access_slot *slot, uint64_t key)
{
	const struct access_slot *leaf = access_leaf(access, slot, key);

	return (leaf->rank + access_slot_passed(leaf, key)) & 1;
}

/* The subnet of an IPv6 address, or -1. There are subnets. No branches: it is anybody's guess. */
static inline int64_t access_subnet(const struct access *access, uint64_t high)
{
	const struct access_slot *leaf =
		access_leaf(access, access_list_slot(access, &access->subnets, high), high);
	uint32_t passed = access_slot_passed(leaf, high);
	uint32_t last = passed - (passed > 0);
	bool found = ((passed > 0) & (leaf->below[last] == high - 1)) |
		((high == 0) & (leaf->rank == 1));

	return found ? (int64_t)leaf->rank + passed - 1 : -1;
}

/*
 * The question for an address in two steps, so that those of many overlap: what is read first comes
 * into the cache, then the answer is read from there. Always inline: of a function that only
 * prefetches gcc thinks that it does nothing, and drops the call.
 */
__attribute__((always_inline)) static inline const struct access_slot *access_begin_ipv4(
	const struct access *access, uint32_t address)
{
	const struct access_slot *slot = access_list_slot(access, &access->ipv4, address);

	__builtin_prefetch(slot);
	return slot;
}

__attribute__((always_inline)) static inline const struct access_slot *access_begin_ipv6(
	const struct access *access, uint64_t high)
{
	const struct access_slot *slot = access_list_slot(access, &access->ipv6, high);

	__builtin_prefetch(slot);
	if (access->subnet != NULL)
		__builtin_prefetch(access_list_slot(access, &access->subnets, high));
	return slot;
}

/* May it ask? `slot` is what the first step has returned. */
static inline bool access_end_ipv4(
	const struct access *access, const struct access_slot *slot, uint32_t address)
{
	return access_odd(access, slot, address);
}

static inline bool access_end_ipv6(
	const struct access *access, const struct access_slot *slot, uint64_t high, uint64_t low)
{
	const struct access_span *span = &access->ipv6.span[high >> access->ipv6.shift];
	int64_t subnet;
	uint64_t key;

	if (access->subnet == NULL)
		return access_odd(access, slot, high);
	subnet = access_subnet(access, high);
	span = subnet >= 0 ? &access->subnet[subnet] : span;
	key = subnet >= 0 ? low : high;
	return access_odd(access, access_span_slot(access, span, key), key);
}

/* May it ask? */
static inline bool access_allowed_ipv4(const struct access *access, uint32_t address)
{
	return access_end_ipv4(access, access_list_slot(access, &access->ipv4, address), address);
}

static inline bool access_allowed_ipv6(const struct access *access, uint64_t high, uint64_t low)
{
	return access_end_ipv6(access, access_list_slot(access, &access->ipv6, high), high, low);
}

/* The same for 4 or 16 octets in network order. */
bool access_allowed(const struct access *access, const uint8_t *address, bool ipv6);

#endif
