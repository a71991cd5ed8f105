/* SPDX-License-Identifier: BSD-3-Clause */
#include "access_edges.h"
#include "bytes.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

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

static meridian_u128 number(const struct meridian_policy_access *rule)
{
	uint8_t padded[16] = {0};

	memcpy(padded, rule->octets, rule->family == MERIDIAN_FAMILY_IPV6 ? 16 : 4);
	return (meridian_u128)get_u64(padded) << 64 | get_u64(padded + 8);
}

static struct range range_of(const struct meridian_policy_access *rule)
{
	meridian_u128 address = number(rule);
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

int access_edges_init(struct access_edges *edges, const struct meridian_policy_access *rules,
	size_t count, uint8_t family)
{
	struct range *ranges = malloc((count + 1) * sizeof(*ranges));
	size_t found = 0;

	edges->count = 0;
	edges->edge = malloc((2 * count + 1) * sizeof(*edges->edge));
	if (ranges == NULL || edges->edge == NULL) {
		free(ranges);
		access_edges_fini(edges);
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

void access_edges_fini(struct access_edges *edges)
{
	free(edges->edge);
	*edges = (struct access_edges){0};
}
