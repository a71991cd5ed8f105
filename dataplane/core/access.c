/* SPDX-License-Identifier: BSD-3-Clause */
#include "access.h"
#include "access_edges.h"
#include "bytes.h"
#include "table_memory.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIST_BITS    12 /* log2 of a list's spans: 64 KiB, and each registry's /12 has its own */
#define SORTED_SLOTS (ACCESS_SLOT_EDGES + 1)

/* The first slots, by their answer: for spans without an edge. */
#define CONSTANT_SLOTS 2

/* What slots are made from: keys at which something changes, ascending. */
struct keys {
	uint64_t *key;
	size_t count;
};

struct part {
	size_t first, end;
};

/* IPv6 edges by what they are looked up with. */
struct halves {
	struct keys high;    /* edges of the upper half */
	struct keys subnets; /* upper halves with edges inside */
	struct keys low;     /* lower half of each edge */
	struct part *inside; /* of each subnet: the edges with a lower half */
};

/* Writes the slots, or, to know how many there are, only counts them. */
struct builder {
	struct access_slot *slot; /* NULL: count */
	uint32_t used;
};

/* `count` keys, of which `rank` are below them, divided into at most `wanted` slots. */
static struct access_span span_of(const uint64_t *key, size_t count, size_t wanted)
{
	uint64_t width = key[count - 1] - key[0];
	struct access_span span = {.start = key[0]};

	if (wanted < 2)
		return span;
	while ((width >> span.shift) >= wanted)
		span.shift++;
	span.last = (uint32_t)(width >> span.shift) & (((uint32_t)1 << 26) - 1);
	return span;
}

static uint64_t slot_of(const struct access_span *span, uint64_t key)
{
	uint64_t slot = (key - span->start) >> span->shift;

	return slot < span->last ? slot : span->last;
}

/* How many of the keys, which are in ascending order, are in `slot`, which is not after the first.
 */
static size_t keys_in(
	const struct access_span *span, uint64_t slot, const uint64_t *key, size_t count)
{
	size_t n = 0;

	while (n < count && slot_of(span, key[n]) == slot)
		n++;
	return n;
}

/* Does a span leave more than a quarter of the keys in one slot? */
static bool crowds(const struct access_span *span, const uint64_t *key, size_t count)
{
	size_t most = 0;

	for (size_t i = 0, n; i < count; i += n) {
		n = keys_in(span, slot_of(span, key[i]), key + i, count - i);
		most = n > most ? n : most;
	}
	return most > count / 4;
}

static void slot_build(
	struct builder *builder, uint32_t index, const uint64_t *key, size_t count, uint32_t rank);

static void leaf_build(
	struct builder *builder, uint32_t index, const uint64_t *key, size_t count, uint32_t rank)
{
	struct access_slot leaf = {.rank = rank, .kind = ACCESS_LEAF};

	for (size_t i = 0; i < ACCESS_SLOT_EDGES; i++)
		leaf.below[i] = i < count ? key[i] - 1 : UINT64_MAX;
	if (builder->slot != NULL)
		builder->slot[index] = leaf;
}

/* Parts of equal count, 8 at most. */
static void sorted_build(
	struct builder *builder, uint32_t index, const uint64_t *key, size_t count, uint32_t rank)
{
	size_t parts = (count + ACCESS_SLOT_EDGES - 1) / ACCESS_SLOT_EDGES;
	struct access_slot sorted = {.kind = ACCESS_SORTED, .child = builder->used & 0x3fffffff};

	if (parts > SORTED_SLOTS)
		parts = SORTED_SLOTS;
	builder->used += (uint32_t)parts;
	for (size_t i = 0; i < parts; i++) {
		size_t from = count * i / parts, end = count * (i + 1) / parts;

		slot_build(builder, sorted.child + (uint32_t)i, key + from, end - from,
			rank + (uint32_t)from);
		if (i < ACCESS_SLOT_EDGES)
			sorted.below[i] = end < count ? key[end] - 1 : UINT64_MAX;
	}
	for (size_t i = parts; i < ACCESS_SLOT_EDGES; i++)
		sorted.below[i] = UINT64_MAX;
	if (builder->slot != NULL)
		builder->slot[index] = sorted;
}

/* Takes slots for a span and builds them. */
static void span_build(struct builder *builder, struct access_span *span, const uint64_t *key,
	size_t count, uint32_t rank)
{
	size_t from = 0;

	span->first = builder->used;
	builder->used += span->last + 1;
	for (uint32_t i = 0; i <= span->last; i++) {
		size_t n = keys_in(span, i, key + from, count - from);

		slot_build(builder, span->first + i, key + from, n, rank + (uint32_t)from);
		from += n;
	}
}

static void slot_build(
	struct builder *builder, uint32_t index, const uint64_t *key, size_t count, uint32_t rank)
{
	struct access_slot slot = {.kind = ACCESS_SPAN};

	if (count <= ACCESS_SLOT_EDGES) {
		leaf_build(builder, index, key, count, rank);
		return;
	}
	slot.span = span_of(key, count, count / 2);
	if (count <= SORTED_SLOTS * ACCESS_SLOT_EDGES || crowds(&slot.span, key, count)) {
		sorted_build(builder, index, key, count, rank);
		return;
	}
	span_build(builder, &slot.span, key, count, rank);
	if (builder->slot != NULL)
		builder->slot[index] = slot;
}

/* The span of some keys with all its slots. */
static struct access_span keys_build(
	struct builder *builder, const uint64_t *key, size_t count, uint32_t rank)
{
	struct access_span span = {.first = rank & 1};

	if (count == 0)
		return span;
	span = span_of(key, count, count <= ACCESS_SLOT_EDGES ? 1 : count);
	span_build(builder, &span, key, count, rank);
	return span;
}

static int list_init(struct access_list *list, size_t key_count, unsigned int key_bits)
{
	unsigned int bits = key_count <= ACCESS_SLOT_EDGES ? 1 : LIST_BITS;

	list->shift = key_bits - bits;
	list->span = calloc((size_t)1 << bits, sizeof(*list->span));
	list->span_count = (size_t)1 << bits;
	return list->span == NULL ? -ENOMEM : 0;
}

/* A key of 0 is no edge in a slot: everybody has passed it. */
static void list_build(struct builder *builder, struct access_list *list, const struct keys *keys)
{
	size_t from = keys->count > 0 && keys->key[0] == 0;

	for (size_t i = 0; i < list->span_count; i++) {
		size_t end = from;

		while (end < keys->count && keys->key[end] >> list->shift == i)
			end++;
		list->span[i] = keys_build(builder, keys->key + from, end - from, (uint32_t)from);
		from = end;
	}
}

static void halves_fini(struct halves *halves)
{
	free(halves->high.key);
	free(halves->subnets.key);
	free(halves->low.key);
	free(halves->inside);
}

static int halves_init(struct halves *halves, size_t count)
{
	size_t room = count + 1; /* never 0 */

	*halves = (struct halves){
		.high.key = malloc(room * sizeof(uint64_t)),
		.subnets.key = malloc(room * sizeof(uint64_t)),
		.low.key = malloc(room * sizeof(uint64_t)),
		.inside = malloc(room * sizeof(struct part)),
	};
	if (halves->high.key != NULL && halves->subnets.key != NULL && halves->low.key != NULL &&
		halves->inside != NULL)
		return 0;
	halves_fini(halves);
	return -ENOMEM;
}

/* An edge at `key`; two at the same place are none. */
static void keys_toggle(struct keys *keys, uint64_t key)
{
	if (keys->count > 0 && keys->key[keys->count - 1] == key)
		keys->count--;
	else
		keys->key[keys->count++] = key;
}

/* What comes right after a subnet depends on how many edges are inside. */
static void halves_add_subnet(struct halves *halves, uint64_t high, struct part inside)
{
	halves->inside[halves->subnets.count] = inside;
	halves->subnets.key[halves->subnets.count++] = high;
	if ((inside.end - inside.first) % 2 == 1 && high != UINT64_MAX)
		keys_toggle(&halves->high, high + 1);
}

static void halves_fill(struct halves *halves, const struct access_edges *edges)
{
	for (size_t i = 0, first; i < edges->count;) {
		uint64_t high = (uint64_t)(edges->edge[i] >> 64);

		if ((uint64_t)edges->edge[i] == 0) {
			keys_toggle(&halves->high, high);
			i++;
		}
		for (first = i; i < edges->count && edges->edge[i] >> 64 == high; i++)
			halves->low.key[i] = (uint64_t)edges->edge[i];
		if (i > first)
			halves_add_subnet(halves, high, (struct part){first, i});
	}
	halves->low.count = edges->count;
}

/* Keys of the IPv4 edges. 2^32 is none of them. */
static int ipv4_keys_init(struct keys *keys, const struct access_edges *edges)
{
	keys->count = edges->count;
	keys->key = malloc((edges->count + 1) * sizeof(*keys->key));
	if (keys->key == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < edges->count; i++)
		keys->key[i] = (uint64_t)(edges->edge[i] >> 96);
	return 0;
}

static void build(struct builder *builder, struct access *access, const struct keys *ipv4,
	const struct halves *ipv6)
{
	builder->used = 0;
	for (uint32_t allowed = 0; allowed < CONSTANT_SLOTS; allowed++)
		leaf_build(builder, builder->used++, NULL, 0, allowed);
	list_build(builder, &access->ipv4, ipv4);
	list_build(builder, &access->ipv6, &ipv6->high);
	list_build(builder, &access->subnets, &ipv6->subnets);
	for (size_t i = 0; i < ipv6->subnets.count; i++) {
		struct part inside = ipv6->inside[i];

		access->subnet[i] = keys_build(builder, ipv6->low.key + inside.first,
			inside.end - inside.first, (uint32_t)inside.first);
	}
}

/* Builds twice: first to know how many slots there are, then into them. */
static int access_build(struct access *access, const struct keys *ipv4, const struct halves *ipv6)
{
	struct builder builder = {.slot = NULL};
	int r = list_init(&access->ipv4, ipv4->count, 32);

	if (r == 0)
		r = list_init(&access->ipv6, ipv6->high.count, 64);
	if (r == 0)
		r = list_init(&access->subnets, ipv6->subnets.count, 64);
	if (r == 0 && ipv6->subnets.count > 0) {
		access->subnet = malloc(ipv6->subnets.count * sizeof(*access->subnet));
		r = access->subnet == NULL ? -ENOMEM : 0;
	}
	if (r < 0)
		return r;
	build(&builder, access, ipv4, ipv6);
	access->size = builder.used * sizeof(*access->slot);
	access->slot = builder.slot = table_memory_new(access->size);
	if (access->slot == NULL)
		return -ENOMEM;
	build(&builder, access, ipv4, ipv6);
	return 0;
}

static int access_compile(
	struct access *access, const struct access_edges *ipv4, const struct access_edges *ipv6)
{
	struct keys keys;
	struct halves halves;
	int r = ipv4_keys_init(&keys, ipv4);

	if (r < 0)
		return r;
	r = halves_init(&halves, ipv6->count);
	if (r == 0) {
		halves_fill(&halves, ipv6);
		r = access_build(access, &keys, &halves);
		halves_fini(&halves);
	}
	free(keys.key);
	return r;
}

int access_init(struct access *access, const struct meridian_policy_access *rules, size_t count)
{
	struct access_edges ipv4, ipv6;
	int r;

	*access = (struct access){.slot = NULL};
	r = access_edges_init(&ipv4, rules, count, MERIDIAN_FAMILY_IPV4);
	if (r < 0)
		return r;
	r = access_edges_init(&ipv6, rules, count, MERIDIAN_FAMILY_IPV6);
	if (r == 0) {
		r = access_compile(access, &ipv4, &ipv6);
		access_edges_fini(&ipv6);
	}
	access_edges_fini(&ipv4);
	if (r < 0)
		access_fini(access);
	return r;
}

void access_fini(struct access *access)
{
	table_memory_free(access->slot, access->size);
	free(access->ipv4.span);
	free(access->ipv6.span);
	free(access->subnets.span);
	free(access->subnet);
	*access = (struct access){.slot = NULL};
}

bool access_allowed(const struct access *access, const uint8_t *address, bool ipv6)
{
	if (ipv6)
		return access_allowed_ipv6(access, get_u64(address), get_u64(address + 8));
	return access_allowed_ipv4(access, get_u32(address));
}
