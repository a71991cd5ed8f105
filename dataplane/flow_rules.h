/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_FLOW_RULES_H
#define DATAPLANE_FLOW_RULES_H

/*
 * The flow rules of a device that the kernel shares with us (flow_match.h), in its hardware. A
 * driver may not know all kinds of frames; what it refuses stays with the kernel, and is answered
 * by meridian-fallback. One thread only.
 */

#include "flow_match.h"

#define FLOW_REASON_SIZE 160

struct flow_rule {
	struct flow_match match;
	struct rte_flow *handle;
};

/* Of a family, tagged or not. */
struct flow_kind {
	bool tried, refused, said;
	uint64_t types; /* of the hash, unless refused */
	char reason[FLOW_REASON_SIZE];
};

struct flow_rules {
	const char *name; /* of the device, for messages */
	uint16_t port_id;
	uint16_t queue_count;
	uint64_t possible; /* RTE_ETH_RSS_* that the driver has */
	struct flow_kind kind[4];
	struct flow_rule rule[2 * FLOW_MATCHES_MAX]; /* those in place, while they change, too */
	size_t count;
	size_t missing;                /* of those wanted, though the driver knows their kind */
	size_t left;                   /* of a kind that it does not know: the kernel's for good */
	char reason[FLOW_REASON_SIZE]; /* of the first one that is left, or of one that is missing
					*/
};

/* What a driver said when it returned `r`, a negative errno. */
void flow_reason(char *ret_reason, size_t size, int r, const struct rte_flow_error *error);

/* No rules yet. `name` must stay valid. */
void flow_rules_init(struct flow_rules *rules, const char *name, uint16_t port_id,
	uint16_t queue_count, uint64_t possible);

/* Makes the rules those of these addresses: first the new ones, then without the old ones. Logs
 * what the driver refuses, once. Returns 0, or -ENODEV if addresses are wanted and no rule is in
 * place, with the driver's words in rules->reason, and nothing is logged. */
int flow_rules_follow(
	struct flow_rules *rules, const struct meridian_policy_address *address, uint64_t count);

/* Takes all of them away: those that are there no longer are no error. */
void flow_rules_remove(struct flow_rules *rules);

#endif
