/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_ACCESS_RULES_H
#define CONTROL_STEER_ACCESS_RULES_H

/*
 * From `allow` and `deny` as they stand in the config to the policy's table, in which order no
 * longer matters. As in chrony: the longest matching prefix decides; of two rules for the same
 * prefix the later one holds; a rule with `all` also overrides the narrower ones before it.
 */

#include "config.h"

/* A table in the making. Pure but for the allocation. */
struct access_rules;

/* Begins with `count` rules, which must stay until access_rules_free(). NULL: out of memory. */
struct access_rules *access_rules_new(const struct config_rule *rules, size_t count);

/* Goes on: looks at or moves `count` rules at most, of some 22 times as many as there are when
 * there are a million. True: the table is complete. */
bool access_rules_step(struct access_rules *work, size_t count);

/* Takes the complete table, sorted by family, octets and length; the caller owns *ret_access
 * (free(3); NULL when there is no rule). */
void access_rules_take(
	struct access_rules *work, struct meridian_policy_access **ret_access, size_t *ret_count);

/* NULL is legal. */
void access_rules_free(struct access_rules *work);

/* All of it at once. Returns 0 or -ENOMEM. */
int access_rules_resolve(const struct config_rule *rules, size_t count,
	struct meridian_policy_access **ret_access, size_t *ret_count);

/* Whether a table that access_rules_resolve() made allows an address to ask. Pure. */
bool access_rules_allow(const struct meridian_policy_access *access, size_t count, uint8_t family,
	const uint8_t octets[16]);

#endif
