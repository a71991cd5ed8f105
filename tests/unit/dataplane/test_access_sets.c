/* SPDX-License-Identifier: BSD-3-Clause */
#include "seed.h"
#include <access.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <table_memory.h>

#include <cmocka.h>

/* Sets of rules that are large, crowded or deep, against the definition word by word. */

#define RULES_MAX 12000
#define QUESTIONS 2000

#define ADDRESS_MAX (~(meridian_u128)0)

/* A prefix as a number, left-aligned as IPv6 addresses are. */
struct prefix {
	meridian_u128 address;
	unsigned int length;
};

/* A kind of rule sets: the prefix of rule `i`. */
struct kind {
	const char *name;
	bool ipv6;
	size_t rules;
	unsigned int lines_max; /* that an answer may take */
	struct prefix (*prefix)(struct seed *seed, size_t i);
};

static meridian_u128 ipv4(uint64_t address)
{
	return (meridian_u128)(address & UINT32_MAX) << 96;
}

static meridian_u128 ipv6(uint64_t high, uint64_t low)
{
	return (meridian_u128)high << 64 | low;
}

static unsigned int below(struct seed *seed, unsigned int limit)
{
	return (unsigned int)(seed_next(seed) % limit);
}

static struct prefix ipv4_spread(struct seed *seed, size_t i)
{
	(void)i;
	return (struct prefix){ipv4(seed_next(seed)), 20 + below(seed, 13)};
}

static struct prefix ipv4_any_length(struct seed *seed, size_t i)
{
	(void)i;
	return (struct prefix){ipv4(seed_next(seed)), below(seed, 33)};
}

static struct prefix ipv4_hosts_of_one_net(struct seed *seed, size_t i)
{
	(void)i;
	return (struct prefix){ipv4(0x0a630000 | (seed_next(seed) & 0xffff)), 32};
}

static struct prefix ipv4_every_other_host(struct seed *seed, size_t i)
{
	(void)seed;
	return (struct prefix){ipv4(0xc0a80000 + 2 * i), 32};
}

static struct prefix ipv4_hosts_of_few_nets(struct seed *seed, size_t i)
{
	static const uint32_t nets[] = {0, 0x0a000000, 0x0a0000ff, 0xc0000200, 0xffffff00};

	return (struct prefix){ipv4((nets[i % 5] << (i % 2)) | (seed_next(seed) & 0xff)), 32};
}

/* Each half of what is left has as many rules as the rest. */
static struct prefix ipv4_ever_closer(struct seed *seed, size_t i)
{
	unsigned int bit = (unsigned int)i % 32;

	return (struct prefix){ipv4(seed_next(seed) >> (32 + bit)), 32 - (unsigned int)i % 2};
}

/* Clusters of clusters of clusters. */
static struct prefix ipv4_clusters(struct seed *seed, size_t i)
{
	uint64_t random = seed_next(seed);

	(void)i;
	return (struct prefix){ipv4(random & 0xc00c00c0f), 32};
}

static struct prefix ipv6_allocations(struct seed *seed, size_t i)
{
	static const uint64_t regions[] = {0x2001, 0x2400, 0x2600, 0x2a00, 0x2a02};
	uint64_t random = seed_next(seed);

	return (struct prefix){ipv6(regions[i % 5] << 48 | (random & 0xffffff) << 24, 0),
		29 + (unsigned int)(random >> 32) % 36};
}

static struct prefix ipv6_subnets_of_one_net(struct seed *seed, size_t i)
{
	(void)i;
	return (struct prefix){ipv6(UINT64_C(0x20010db800000000) | (uint32_t)seed_next(seed), 0),
		48 + below(seed, 17)};
}

static struct prefix ipv6_hosts(struct seed *seed, size_t i)
{
	(void)i;
	return (struct prefix){
		ipv6(UINT64_C(0x2a00) << 48 | seed_next(seed) >> 16, seed_next(seed)), 128};
}

static struct prefix ipv6_hosts_of_few_subnets(struct seed *seed, size_t i)
{
	static const uint64_t subnets[] = {0, 1, UINT64_C(0x20010db800000000), UINT64_MAX};

	return (struct prefix){ipv6(subnets[i % 4], seed_next(seed) & 0xfff), 120 + below(seed, 9)};
}

static struct prefix ipv6_any_length(struct seed *seed, size_t i)
{
	uint64_t mask = UINT64_C(0xc000000000000003);

	(void)i;
	return (struct prefix){
		ipv6(seed_next(seed) & mask, seed_next(seed) & mask), below(seed, 129)};
}

static struct prefix ipv6_ever_closer(struct seed *seed, size_t i)
{
	unsigned int bits = 128 - (unsigned int)i % 120;

	return (struct prefix){
		ipv6(seed_next(seed), seed_next(seed)) >> (128 - bits), 128 - (unsigned int)i % 70};
}

static const struct kind kinds[] = {
	{"ipv4_spread", false, RULES_MAX, 3, ipv4_spread},
	{"ipv4_any_length", false, 500, 3, ipv4_any_length},
	{"ipv4_hosts_of_one_net", false, RULES_MAX, 3, ipv4_hosts_of_one_net},
	{"ipv4_every_other_host", false, RULES_MAX, 2, ipv4_every_other_host},
	{"ipv4_hosts_of_few_nets", false, 1000, 4, ipv4_hosts_of_few_nets},
	{"ipv4_ever_closer", false, 4000, 7, ipv4_ever_closer},
	{"ipv4_clusters", false, RULES_MAX, 7, ipv4_clusters},
	{"ipv6_allocations", true, RULES_MAX, 4, ipv6_allocations},
	{"ipv6_subnets_of_one_net", true, RULES_MAX, 3, ipv6_subnets_of_one_net},
	{"ipv6_hosts", true, RULES_MAX, 6, ipv6_hosts},
	{"ipv6_hosts_of_few_subnets", true, RULES_MAX, 6, ipv6_hosts_of_few_subnets},
	{"ipv6_any_length", true, 1000, 7, ipv6_any_length},
	{"ipv6_ever_closer", true, 4000, 12, ipv6_ever_closer},
};

/* Which allocation fails, counted from 0; -1: none. */
static int failing = -1;

static bool fails(void)
{
	return failing >= 0 && failing-- == 0;
}

void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_mmap64(void *start, size_t size, int prot, int flags, int fd, off_t offset);
void *__real_mmap64(void *start, size_t size, int prot, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_mmap64(void *start, size_t size, int prot, int flags, int fd, off_t offset)
{
	return fails() ? MAP_FAILED : __real_mmap64(start, size, prot, flags, fd, offset);
}

static meridian_u128 mask_of(unsigned int length)
{
	return length == 0 ? 0 : ADDRESS_MAX << (128 - length);
}

static void octets_put(uint8_t octets[16], meridian_u128 address)
{
	for (int i = 0; i < 16; i++)
		octets[i] = (uint8_t)(address >> (120 - 8 * i));
}

/* The answer of a prefix comes from the prefix, so that one that stands twice says the same. */
static bool allow_of(struct prefix prefix)
{
	struct seed seed = {
		(uint64_t)(prefix.address >> 64) * 31 + (uint64_t)prefix.address + prefix.length};

	return seed_next(&seed) & 1;
}

static void make_rules(const struct kind *kind, struct seed *seed, struct prefix *prefixes,
	struct meridian_policy_access *rules)
{
	for (size_t i = 0; i < kind->rules; i++) {
		struct prefix prefix = kind->prefix(seed, i);

		prefix.address &= mask_of(prefix.length);
		prefixes[i] = prefix;
		rules[i] = (struct meridian_policy_access){
			.family = kind->ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4,
			.prefix_len = (uint8_t)prefix.length,
			.allow = allow_of(prefix)};
		octets_put(rules[i].octets, prefix.address);
	}
}

static bool by_definition(const struct prefix *prefixes, size_t count, meridian_u128 address)
{
	const struct prefix *longest = NULL;

	for (size_t i = 0; i < count; i++) {
		if ((address & mask_of(prefixes[i].length)) == prefixes[i].address &&
			(longest == NULL || prefixes[i].length > longest->length))
			longest = &prefixes[i];
	}
	return longest != NULL && allow_of(*longest);
}

/* At an edge, right before one, or anywhere near. */
static meridian_u128 question(const struct kind *kind, struct seed *seed, struct prefix prefix)
{
	meridian_u128 one = kind->ipv6 ? 1 : ipv4(1);
	meridian_u128 address = prefix.address;

	switch (seed_next(seed) % 6) {
	case 0:
		return address;
	case 1:
		return address - one;
	case 2:
		return address | ~mask_of(prefix.length);
	case 3:
		return (address | ~mask_of(prefix.length)) + one;
	case 4:
		return address ^ (ipv6(seed_next(seed), seed_next(seed)) & ~mask_of(prefix.length));
	default:
		return ipv6(seed_next(seed), seed_next(seed));
	}
}

static unsigned int lines_to_leaf(
	const struct access *access, const struct access_slot *slot, uint64_t key)
{
	unsigned int lines = 1;

	for (; slot->kind != ACCESS_LEAF; lines++) {
		if (slot->kind == ACCESS_SORTED)
			slot = &access->slot[slot->child + access_slot_passed(slot, key)];
		else
			slot = access_span_slot(access, &slot->span, key);
	}
	return lines;
}

/* Slots that the answer for an address takes. */
static unsigned int lines_of(const struct access *access, bool is_ipv6, meridian_u128 address)
{
	uint64_t high = (uint64_t)(address >> 64), low = (uint64_t)address;
	int64_t subnet = is_ipv6 && access->subnet != NULL ? access_subnet(access, high) : -1;

	if (!is_ipv6)
		return lines_to_leaf(
			access, access_list_slot(access, &access->ipv4, high >> 32), high >> 32);
	if (subnet < 0)
		return lines_to_leaf(access, access_list_slot(access, &access->ipv6, high), high);
	return lines_to_leaf(access, access_list_slot(access, &access->subnets, high), high) +
		lines_to_leaf(access, access_span_slot(access, &access->subnet[subnet], low), low);
}

static void check_kind(const struct kind *kind, struct seed *seed)
{
	static struct meridian_policy_access rules[RULES_MAX];
	static struct prefix prefixes[RULES_MAX];
	unsigned int lines, most = 0, sum = 0;
	struct access access;

	make_rules(kind, seed, prefixes, rules);
	assert_int_equal(access_init(&access, rules, kind->rules), 0);
	for (int i = 0; i < QUESTIONS; i++) {
		meridian_u128 address =
			question(kind, seed, prefixes[seed_next(seed) % kind->rules]);
		uint8_t octets[16];

		octets_put(octets, address);
		if (!kind->ipv6)
			address &= ipv4(UINT32_MAX);
		assert_int_equal(access_allowed(&access, octets, kind->ipv6),
			by_definition(prefixes, kind->rules, address));
		lines = lines_of(&access, kind->ipv6, address);
		most = lines > most ? lines : most;
		sum += lines;
	}
	print_message("# %-26s %6zu rules %8zu octets, lines: %.2f, at most %u\n", kind->name,
		kind->rules, access.size, (double)sum / QUESTIONS, most);
	assert_in_range(most, 1, kind->lines_max);
	assert_in_range(access.size, 1, 1024 + 2 * kind->rules * 256);
	access_fini(&access);
}

static void agree_with_the_definition(void **state)
{
	struct seed seed = seed_init(__func__);

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		check_kind(&kinds[i], &seed);
}

/* Whatever runs out is given back, and the next try succeeds. */
static void survive_without_memory(void **state)
{
	static struct meridian_policy_access rules[RULES_MAX];
	static struct prefix prefixes[RULES_MAX];
	static const struct kind kind = {"", true, 100 * 120, 0, ipv6_hosts};
	struct seed seed = seed_init(__func__);
	int allocations = 0, r;

	(void)state;
	make_rules(&kind, &seed, prefixes, rules);
	for (;; allocations++) {
		struct access access;

		failing = allocations;
		r = access_init(&access, rules, kind.rules);
		failing = -1;
		if (r == 0) {
			access_fini(&access);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(access.slot);
	}
	print_message("# %d allocations\n", allocations);
	assert_in_range(allocations, 8, 20);
}

/* Also where the memory comes from mmap(). */
static void take_big_memory(void **state)
{
	size_t size = TABLE_MEMORY_HUGEPAGE + 1;
	uint8_t *memory;

	(void)state;
	failing = 0;
	assert_null(table_memory_new(size));
	assert_null(table_memory_new(SIZE_MAX / 4));
	memory = table_memory_new(size);
	assert_non_null(memory);
	assert_int_equal((uintptr_t)memory % TABLE_MEMORY_HUGEPAGE, 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(memory[i], 0);
	memset(memory, 1, size);
	table_memory_free(memory, size);
	table_memory_free(NULL, size);
}

/* Whoever allows or denies everybody pays for one slot. */
static void cost_nothing_when_trivial(void **state)
{
	const struct meridian_policy_access rules[] = {
		{.family = MERIDIAN_FAMILY_IPV4, .allow = 1},
		{.family = MERIDIAN_FAMILY_IPV6, .allow = 1},
	};

	(void)state;
	for (size_t count = 0; count <= 2; count++) {
		struct access access;

		assert_int_equal(access_init(&access, rules, count), 0);
		assert_int_equal(access.size, 2 * sizeof(struct access_slot));
		assert_int_equal(access.ipv4.span_count, 2);
		assert_int_equal(access_allowed_ipv4(&access, 0), count > 0);
		assert_int_equal(access_allowed_ipv4(&access, UINT32_MAX), count > 0);
		assert_int_equal(access_allowed_ipv6(&access, 0, 0), count > 1);
		assert_int_equal(access_allowed_ipv6(&access, UINT64_MAX, UINT64_MAX), count > 1);
		access_fini(&access);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agree_with_the_definition),
		cmocka_unit_test(survive_without_memory),
		cmocka_unit_test(take_big_memory),
		cmocka_unit_test(cost_nothing_when_trivial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
