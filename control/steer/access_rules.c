/* SPDX-License-Identifier: BSD-3-Clause */
#include "access_rules.h"
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 129 /* prefixes of 0..128 bits that can enclose each other */

/* A rule by its place in the config, and most of what it is sorted by: few are looked up. */
struct ranked {
	uint64_t key;
	uint32_t index;
};

/* A prefix that has been walked into: around the next one, or the same. */
struct enclosing {
	const struct meridian_policy_access *prefix;
	size_t outer_rank; /* latest `all` rule for a prefix around it, from 1; 0: none */
	size_t all_rank;   /* the same, or for it */
	bool kept;
};

/* Two sorted runs, [left, middle) and [right, end), of which `out` and on is filled. */
struct merge {
	size_t left, middle, right, end;
};

enum stage {
	STAGE_RANK,
	STAGE_MERGE,
	STAGE_WALK,
	STAGE_DONE,
};

struct access_rules {
	const struct config_rule *rules;
	size_t count;
	enum stage stage;
	size_t at; /* rules that the stage is done with; of STAGE_MERGE its current pass */
	struct ranked *ranked, *spare;
	size_t run; /* rules that are sorted already, next to each other */
	struct merge merge;
	struct enclosing stack[DEPTH_MAX];
	size_t depth;
	struct meridian_policy_access *access;
	size_t kept;
};

static int prefix_compare(
	const struct meridian_policy_access *a, const struct meridian_policy_access *b)
{
	int order = (int)a->family - (int)b->family;

	if (order == 0)
		order = memcmp(a->octets, b->octets, sizeof(a->octets));
	return order != 0 ? order : (int)a->prefix_len - (int)b->prefix_len;
}

/* IPv4: all of the prefix. IPv6: its upper 63 bits, behind all of IPv4. */
static uint64_t key_of(const struct meridian_policy_access *access)
{
	uint64_t octets;

	memcpy(&octets, access->octets, sizeof(octets));
	octets = be64toh(octets);
	if (access->family == MERIDIAN_FAMILY_IPV4)
		return octets >> 1 | access->prefix_len;
	return UINT64_C(1) << 63 | octets >> 1;
}

/* A prefix comes right before those inside it. */
static bool comes_before(
	const struct config_rule *rules, const struct ranked *a, const struct ranked *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	return prefix_compare(&rules[a->index].access, &rules[b->index].access) < 0;
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

static void rank_to(struct access_rules *work, size_t end)
{
	for (; work->at < end; work->at++)
		work->ranked[work->at] = (struct ranked){
			.key = key_of(&work->rules[work->at].access), .index = (uint32_t)work->at};
}

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The two runs from `at` on. */
static void merge_begin(struct access_rules *work)
{
	struct merge *merge = &work->merge;

	merge->left = work->at;
	merge->middle = merge->right = min_of(work->at + work->run, work->count);
	merge->end = min_of(merge->middle + work->run, work->count);
}

/* Rules for one prefix keep their order: the left one goes first. */
static void merge_to(struct access_rules *work, size_t end)
{
	const struct config_rule *rules = work->rules;
	const struct ranked *from = work->ranked;
	struct ranked *to = work->spare;
	struct merge merge = work->merge;

	for (size_t out = work->at; out < end; out++) {
		bool right = merge.left == merge.middle ||
			(merge.right < merge.end &&
				comes_before(rules, &from[merge.right], &from[merge.left]));

		to[out] = from[right ? merge.right++ : merge.left++];
	}
	work->at = end;
	work->merge = merge;
}

static void merge_pass_end(struct access_rules *work)
{
	struct ranked *sorted = work->spare;

	work->spare = work->ranked;
	work->ranked = sorted;
	work->run *= 2;
	work->at = 0;
	merge_begin(work);
}

/* Takes a rule that comes after those before it, of which the ones around it are on the stack. */
static void walk_into(struct access_rules *work, size_t index)
{
	const struct config_rule *rule = &work->rules[index];
	struct enclosing *top = &work->stack[work->depth];
	size_t rank = index + 1;

	while (top > work->stack && !prefix_encloses(top[-1].prefix, &rule->access))
		top--;
	if (top == work->stack || top[-1].prefix->prefix_len != rule->access.prefix_len) {
		size_t outer_rank = top > work->stack ? top[-1].all_rank : 0;

		*top++ = (struct enclosing){&rule->access, outer_rank, outer_rank, false};
	}
	work->depth = (size_t)(top - work->stack);
	top--;
	/* The last one for the same prefix holds. */
	if (rank > top->outer_rank) {
		work->kept += !top->kept;
		top->kept = true;
		work->access[work->kept - 1] = rule->access;
	}
	if (rule->all && rank > top->all_rank)
		top->all_rank = rank;
}

static void walk_to(struct access_rules *work, size_t end)
{
	for (; work->at < end; work->at++)
		walk_into(work, work->ranked[work->at].index);
}

static void stage_enter(struct access_rules *work, enum stage stage)
{
	work->stage = stage;
	work->at = 0;
	if (stage == STAGE_MERGE)
		merge_begin(work);
}

/* Goes on to where the stage, or two of its runs, have an end, but takes at most `count` rules.
 * Returns how many. */
static size_t stage_run(struct access_rules *work, size_t count)
{
	size_t from = work->at, end = min_of(from + count, work->count);

	switch (work->stage) {
	case STAGE_RANK:
		rank_to(work, end);
		if (work->at == work->count)
			stage_enter(work, STAGE_MERGE);
		break;
	case STAGE_MERGE:
		if (work->run >= work->count) {
			stage_enter(work, STAGE_WALK);
			return 0;
		}
		end = min_of(end, work->merge.end);
		merge_to(work, end);
		if (work->at == work->count)
			merge_pass_end(work);
		else if (work->at == work->merge.end)
			merge_begin(work);
		break;
	case STAGE_WALK:
		walk_to(work, end);
		if (work->at == work->count)
			stage_enter(work, STAGE_DONE);
		break;
	case STAGE_DONE:
		break;
	}
	return end - from;
}

struct access_rules *access_rules_new(const struct config_rule *rules, size_t count)
{
	struct access_rules *work = calloc(1, sizeof(*work));

	if (work == NULL)
		return NULL;
	work->rules = rules;
	work->count = count;
	work->run = 1;
	work->stage = count > 0 ? STAGE_RANK : STAGE_DONE;
	if (count == 0)
		return work;
	work->ranked = calloc(count, sizeof(*work->ranked));
	work->spare = calloc(count, sizeof(*work->spare));
	work->access = calloc(count, sizeof(*work->access));
	if (work->ranked && work->spare && work->access)
		return work;
	access_rules_free(work);
	return NULL;
}

bool access_rules_step(struct access_rules *work, size_t count)
{
	while (count > 0 && work->stage != STAGE_DONE)
		count -= stage_run(work, count);
	return work->stage == STAGE_DONE;
}

void access_rules_take(
	struct access_rules *work, struct meridian_policy_access **ret_access, size_t *ret_count)
{
	*ret_access = work->access;
	*ret_count = work->kept;
	work->access = NULL;
}

void access_rules_free(struct access_rules *work)
{
	if (work == NULL)
		return;
	free(work->ranked);
	free(work->spare);
	free(work->access);
	free(work);
}

int access_rules_resolve(const struct config_rule *rules, size_t count,
	struct meridian_policy_access **ret_access, size_t *ret_count)
{
	struct access_rules *work = access_rules_new(rules, count);

	*ret_access = NULL;
	*ret_count = 0;
	if (work == NULL)
		return -ENOMEM;
	access_rules_step(work, SIZE_MAX);
	access_rules_take(work, ret_access, ret_count);
	access_rules_free(work);
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
