/* SPDX-License-Identifier: BSD-3-Clause */
#include "access_rules.h"
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 129 /* prefixes of 0..128 bits that can enclose each other */

/* A rule, its place in the config, and what it is sorted by first. */
struct ranked {
	uint64_t key; /* of its family and upper octets */
	const struct config_rule *rule;
	size_t rank; /* from 1 */
};

/* A prefix around the one that is looked at. */
struct enclosing {
	const struct meridian_policy_access *prefix;
	size_t all_rank; /* latest `all` rule for it or for a prefix around it; 0: none */
};

static int prefix_compare(
	const struct meridian_policy_access *a, const struct meridian_policy_access *b)
{
	int order = (int)a->family - (int)b->family;

	if (order == 0)
		order = memcmp(a->octets, b->octets, sizeof(a->octets));
	return order != 0 ? order : (int)a->prefix_len - (int)b->prefix_len;
}

/* A prefix comes right before those inside it; rules for one prefix keep their order. */
static int ranked_compare(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	int order;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	order = prefix_compare(&a->rule->access, &b->rule->access);
	return order != 0 ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

/* Most rules differ in it, so that few are looked up to compare them. */
static uint64_t key_of(const struct meridian_policy_access *access)
{
	uint64_t octets;

	memcpy(&octets, access->octets, sizeof(octets));
	return (uint64_t)access->family << 60 | be64toh(octets) >> 4;
}

static bool is_sorted(const struct ranked *ranked, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (ranked_compare(&ranked[i - 1], &ranked[i]) > 0)
			return false;
	}
	return true;
}

static bool prefix_encloses(
	const struct meridian_policy_access *outer, const struct meridian_policy_access *inner)
{
	size_t whole = outer->prefix_len / 8;
	unsigned int rest = outer->prefix_len % 8;

	if (outer->family != inner->family || outer->prefix_len > inner->prefix_len ||
		memcmp(outer->octets, inner->octets, whole) != 0)
		return false;
	return rest == 0 || (outer->octets[whole] ^ inner->octets[whole]) >> (8 - rest) == 0;
}

/* Rules for the same prefix as *ranked; at least 1. */
static size_t group_length(const struct ranked *ranked, size_t count)
{
	size_t length = 1;

	while (length < count &&
		prefix_compare(&ranked[0].rule->access, &ranked[length].rule->access) == 0)
		length++;
	return length;
}

static size_t group_all_rank(const struct ranked *group, size_t length)
{
	for (size_t i = length; i > 0; i--) {
		if (group[i - 1].rule->all)
			return group[i - 1].rank;
	}
	return 0;
}

/* Walks the sorted rules with the prefixes around the current one on a stack. */
static size_t resolve_sorted(
	const struct ranked *ranked, size_t count, struct meridian_policy_access *access)
{
	struct enclosing stack[DEPTH_MAX];
	size_t depth = 0, kept = 0, length;

	for (size_t i = 0; i < count; i += length) {
		const struct ranked *last;
		size_t outer_rank, own_rank;

		length = group_length(ranked + i, count - i);
		last = &ranked[i + length - 1];
		while (depth > 0 && !prefix_encloses(stack[depth - 1].prefix, &last->rule->access))
			depth--;
		outer_rank = depth > 0 ? stack[depth - 1].all_rank : 0;
		if (last->rank > outer_rank)
			access[kept++] = last->rule->access;
		own_rank = group_all_rank(ranked + i, length);
		stack[depth].prefix = &last->rule->access;
		stack[depth++].all_rank = own_rank > outer_rank ? own_rank : outer_rank;
	}
	return kept;
}

int access_rules_resolve(const struct config_rule *rules, size_t count,
	struct meridian_policy_access **ret_access, size_t *ret_count)
{
	struct meridian_policy_access *access = NULL;
	struct ranked *ranked;

	*ret_access = NULL;
	*ret_count = 0;
	if (count == 0)
		return 0;
	access = calloc(count, sizeof(*access));
	ranked = calloc(count, sizeof(*ranked));
	if (!access || !ranked) {
		free(access);
		free(ranked);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		ranked[i] = (struct ranked){
			.key = key_of(&rules[i].access), .rule = &rules[i], .rank = i + 1};
	if (!is_sorted(ranked, count))
		qsort(ranked, count, sizeof(*ranked), ranked_compare);
	*ret_count = resolve_sorted(ranked, count, access);
	*ret_access = access;
	free(ranked);
	return 0;
}

static int exact_compare(const void *left, const void *right)
{
	return prefix_compare(left, right);
}

/* The address with all bits past the prefix 0. */
static struct meridian_policy_access prefix_around(
	const uint8_t octets[16], uint8_t family, unsigned int prefix_len)
{
	struct meridian_policy_access prefix = {
		.family = family, .prefix_len = (uint8_t)prefix_len};

	memcpy(prefix.octets, octets, prefix_len / 8);
	if (prefix_len % 8 > 0)
		prefix.octets[prefix_len / 8] =
			(uint8_t)(octets[prefix_len / 8] & ~(0xffu >> prefix_len % 8));
	return prefix;
}

bool access_rules_allow(const struct meridian_policy_access *access, size_t count, uint8_t family,
	const uint8_t octets[16])
{
	int longest = family == MERIDIAN_FAMILY_IPV4 ? 32 : 128;

	if (count == 0)
		return false;
	for (int prefix_len = longest; prefix_len >= 0; prefix_len--) {
		struct meridian_policy_access prefix =
			prefix_around(octets, family, (unsigned int)prefix_len);
		const struct meridian_policy_access *found =
			bsearch(&prefix, access, count, sizeof(*access), exact_compare);

		if (found != NULL)
			return found->allow;
	}
	return false;
}
