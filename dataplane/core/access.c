/* SPDX-License-Identifier: BSD-3-Clause */
#include "access.h"
#include "bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_BITS 128
#define ADDRESS_MAX  (~(meridian_u128)0)

/* One rule as the range of addresses that it covers. */
struct range {
	meridian_u128 first, last;
	bool allow;
};

/* Rules that cover the address the sweep has come to, widest first. Nested prefixes differ in
 * length, so there are never more than lengths. */
struct stack {
	const struct range *range[ADDRESS_BITS + 1];
	size_t depth;
};

static meridian_u128 number(const uint8_t *octets, bool ipv6)
{
	uint8_t padded[16] = {0};

	memcpy(padded, octets, ipv6 ? 16 : 4);
	return (meridian_u128)get_u64(padded) << 64 | get_u64(padded + 8);
}

static struct range range_of(const struct meridian_policy_access *rule)
{
	meridian_u128 address = number(rule->octets, rule->family == MERIDIAN_FAMILY_IPV6);
	meridian_u128 host = rule->prefix_len < ADDRESS_BITS ? ADDRESS_MAX >> rule->prefix_len : 0;

	return (struct range){address & ~host, address | host, rule->allow};
}

/* By first address; of two that begin together the wider comes first. */
static int compare(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	if (left->first != right->first)
		return left->first < right->first ? -1 : 1;
	if (left->last != right->last)
		return left->last > right->last ? -1 : 1;
	return 0;
}

/* From `address` on the answer is `allow`. Addresses come in ascending order. */
static void edges_set(struct access_edges *edges, meridian_u128 address, bool allow)
{
	if (edges->count > 0 && edges->edge[edges->count - 1] == address)
		edges->count--;
	if ((edges->count & 1) != allow)
		edges->edge[edges->count++] = address;
}

/* Leaves the innermost range: what is around it decides again. */
static void stack_pop(struct stack *stack, struct access_edges *edges)
{
	const struct range *inner = stack->range[--stack->depth];
	bool outer = stack->depth > 0 && stack->range[stack->depth - 1]->allow;

	if (inner->last != ADDRESS_MAX)
		edges_set(edges, inner->last + 1, outer);
}

static void sweep(struct access_edges *edges, const struct range *ranges, size_t count)
{
	struct stack stack = {.depth = 0};

	for (const struct range *range = ranges; range < ranges + count; range++) {
		if (range > ranges && compare(range, range - 1) == 0)
			continue;
		while (stack.depth > 0 && stack.range[stack.depth - 1]->last < range->first)
			stack_pop(&stack, edges);
		stack.range[stack.depth++] = range;
		edges_set(edges, range->first, range->allow);
	}
	while (stack.depth > 0)
		stack_pop(&stack, edges);
}

static int edges_init(struct access_edges *edges, const struct meridian_policy_access *rules,
	size_t count, uint8_t family)
{
	struct range *ranges = malloc((count + 1) * sizeof(*ranges));
	size_t found = 0;

	edges->count = 0;
	edges->edge = malloc((2 * count + 1) * sizeof(*edges->edge));
	if (ranges == NULL || edges->edge == NULL) {
		free(ranges);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		if (rules[i].family == family)
			ranges[found++] = range_of(&rules[i]);
	}
	qsort(ranges, found, sizeof(*ranges), compare);
	sweep(edges, ranges, found);
	free(ranges);
	return 0;
}

int access_init(struct access *access, const struct meridian_policy_access *rules, size_t count)
{
	int r;

	memset(access, 0, sizeof(*access));
	r = edges_init(&access->ipv4, rules, count, MERIDIAN_FAMILY_IPV4);
	if (r == 0)
		r = edges_init(&access->ipv6, rules, count, MERIDIAN_FAMILY_IPV6);
	if (r < 0)
		access_fini(access);
	return r;
}

void access_fini(struct access *access)
{
	free(access->ipv4.edge);
	free(access->ipv6.edge);
	memset(access, 0, sizeof(*access));
}

bool access_allowed(const struct access *access, const uint8_t *address, bool ipv6)
{
	const struct access_edges *edges = ipv6 ? &access->ipv6 : &access->ipv4;
	meridian_u128 wanted = number(address, ipv6);
	size_t low = 0, high = edges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (edges->edge[middle] <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low & 1;
}
