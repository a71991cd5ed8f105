/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_ADDRESSES_H
#define CONTROL_STEER_ADDRESSES_H

/* A set of addresses in the policy's form. Pure but for the allocation. */

#include "config.h"

/* Zero-initialised is empty. */
struct addresses {
	struct meridian_policy_address *entry; /* owned */
	size_t count, capacity;
};

/* Appends an address of `family` (MERIDIAN_FAMILY_*). Returns 0 or -ENOMEM. */
int addresses_add(struct addresses *addresses, uint8_t family, const void *octets);

/* Sorts by family, then octets, and drops duplicates. */
void addresses_sort(struct addresses *addresses);

/* Whether `count` sorted addresses contain one. */
bool addresses_contain(const struct meridian_policy_address *sorted, size_t count,
	const struct meridian_policy_address *address);

/* Whether two sorted sets are equal. */
bool addresses_same(const struct addresses *a, const struct addresses *b);

/*
 * Keeps what `bindaddress` names. As in chrony each family stands for itself: without a
 * `bindaddress` of a family, or with its wildcard (0.0.0.0, ::), the whole family stays.
 */
void addresses_narrow(
	struct addresses *addresses, const struct config_address *bind, size_t bind_count);

/* Marks those of the sorted addresses where leap seconds are smeared. Returns how many of `smear`
 * are there; *ret_missing is the first one that is not, or NULL. */
size_t addresses_smear(struct addresses *addresses, const struct config_address *smear,
	size_t smear_count, const struct config_address **ret_missing);

/* Appends the `bindaddress`es that are not wildcards. Returns 0 or -ENOMEM. */
int addresses_add_bound(
	struct addresses *addresses, const struct config_address *bind, size_t bind_count);

/* Appends the addresses on the line of a `nic` that is a virtual device. Returns 0 or -ENOMEM. */
int addresses_add_given(struct addresses *addresses, const struct config_nic *nic);

/* Frees the entries; the set is empty afterwards. */
void addresses_fini(struct addresses *addresses);

#endif
