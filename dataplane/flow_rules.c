/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_rules.h"
#include "log.h"
#include <errno.h>
#include <rte_errno.h>
#include <stdio.h>
#include <string.h>

/* Some tables hold one protocol at a level only, so tagged frames have their own. */
static const struct rte_flow_attr attributes[] = {
	[false] = {.ingress = 1, .priority = 0},
	[true] = {.ingress = 1, .priority = 1},
};

static struct flow_kind *kind_of(struct flow_rules *rules, const struct flow_match *match)
{
	return &rules->kind[2 * match->tagged + (match->family == MERIDIAN_FAMILY_IPV6)];
}

void flow_reason(char *ret_reason, size_t size, int r, const struct rte_flow_error *error)
{
	const char *number = rte_strerror(-r);

	if (error->message == NULL || strcmp(error->message, number) == 0)
		snprintf(ret_reason, size, "%s", number);
	else
		snprintf(ret_reason, size, "%s (%s)", error->message, number);
}

/* Sets kind->types, or kind->refused and the words for the hash that we want most. */
static void kind_try(
	struct flow_rules *rules, struct flow_kind *kind, const struct flow_match *match)
{
	struct flow_pattern pattern;

	flow_pattern_build(&pattern, match);
	kind->tried = true;
	for (unsigned int i = 0; flow_hash_choose(i, match->family, rules->possible, &kind->types);
		i++) {
		struct rte_flow_error error = {.message = NULL};
		struct flow_fate fate;
		int r;

		flow_fate_build(&fate, rules->queue_count, kind->types);
		r = rte_flow_validate(rules->port_id, &attributes[match->tagged], pattern.item,
			fate.action, &error);
		kind->refused = r < 0;
		if (!kind->refused)
			return;
		if (i == 0)
			flow_reason(kind->reason, sizeof(kind->reason), r, &error);
	}
}

static int rule_create(
	struct flow_rules *rules, const struct flow_kind *kind, const struct flow_match *match)
{
	struct flow_rule *rule = &rules->rule[rules->count];
	struct rte_flow_error error = {.message = NULL};
	struct flow_pattern pattern;
	struct flow_fate fate;

	flow_pattern_build(&pattern, match);
	flow_fate_build(&fate, rules->queue_count, kind->types);
	rule->match = *match;
	rule->handle = rte_flow_create(
		rules->port_id, &attributes[match->tagged], pattern.item, fate.action, &error);
	if (rule->handle) {
		rules->count++;
		return 0;
	}
	flow_reason(rules->reason, sizeof(rules->reason), -rte_errno, &error);
	return -ENODEV;
}

/* One that the driver does not find has gone with what it was in. */
static void rule_destroy(struct flow_rules *rules, size_t at)
{
	struct rte_flow_error error = {.message = NULL};
	char reason[FLOW_REASON_SIZE];
	int r = rte_flow_destroy(rules->port_id, rules->rule[at].handle, &error);

	if (r < 0) {
		flow_reason(reason, sizeof(reason), r, &error);
		log_debug("%s: a flow rule cannot be removed: %s", rules->name, reason);
	}
	rules->rule[at] = rules->rule[--rules->count];
}

static bool is_in_place(const struct flow_rules *rules, const struct flow_match *match)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (flow_match_same(&rules->rule[i].match, match))
			return true;
	}
	return false;
}

static bool is_wanted(const struct flow_match *wanted, size_t count, const struct flow_match *match)
{
	for (size_t i = 0; i < count; i++) {
		if (flow_match_same(&wanted[i], match))
			return true;
	}
	return false;
}

static void rule_want(struct flow_rules *rules, const struct flow_match *match)
{
	struct flow_kind *kind = kind_of(rules, match);

	if (is_in_place(rules, match))
		return;
	if (!kind->tried)
		kind_try(rules, kind, match);
	if (kind->refused) {
		if (rules->missing + rules->left == 0)
			memcpy(rules->reason, kind->reason, sizeof(rules->reason));
		rules->left++;
	} else if (rule_create(rules, kind, match) < 0) {
		rules->missing++;
	}
}

/* A machine need not have VLANs. */
static void kind_say(struct flow_rules *rules, unsigned int kind)
{
	bool tagged = kind & 2;

	rules->kind[kind].said = true;
	log_write(tagged ? LOG_NOTICE : LOG_WARNING,
		"%s: NTP over %s in frames %s a VLAN tag is left to the kernel: its driver says: "
		"%s",
		rules->name, kind & 1 ? "IPv6" : "IPv4", tagged ? "with" : "without",
		rules->kind[kind].reason);
}

static void refusals_say(struct flow_rules *rules, size_t missing_before)
{
	for (unsigned int i = 0; i < sizeof(rules->kind) / sizeof(rules->kind[0]); i++) {
		if (rules->kind[i].refused && !rules->kind[i].said)
			kind_say(rules, i);
	}
	if (rules->missing > missing_before)
		log_error(
			"%s: flow rules that cannot be set: %zu, and what they are for is left to "
			"the kernel: its driver says: %s",
			rules->name, rules->missing, rules->reason);
}

void flow_rules_init(struct flow_rules *rules, const char *name, uint16_t port_id,
	uint16_t queue_count, uint64_t possible)
{
	*rules = (struct flow_rules){
		.name = name, .port_id = port_id, .queue_count = queue_count, .possible = possible};
}

int flow_rules_follow(
	struct flow_rules *rules, const struct meridian_policy_address *address, uint64_t count)
{
	struct flow_match wanted[FLOW_MATCHES_MAX];
	size_t wanted_count = flow_matches(address, count, wanted);
	size_t missing_before = rules->missing;

	rules->missing = rules->left = 0;
	for (size_t i = 0; i < wanted_count; i++)
		rule_want(rules, &wanted[i]);
	for (size_t i = rules->count; i-- > 0;) {
		if (!is_wanted(wanted, wanted_count, &rules->rule[i].match))
			rule_destroy(rules, i);
	}
	if (wanted_count > 0 && rules->count == 0)
		return -ENODEV;
	refusals_say(rules, missing_before);
	return 0;
}

void flow_rules_remove(struct flow_rules *rules)
{
	while (rules->count > 0)
		rule_destroy(rules, rules->count - 1);
}
