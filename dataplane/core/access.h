/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_ACCESS_H
#define DATAPLANE_ACCESS_H

/*
 * Who may ask. The `allow` and `deny` rules, of which the longest matching prefix decides, are
 * compiled to the sorted list of addresses at which the answer changes, so that a look-up is one
 * binary search: below the first edge nobody is allowed, and each edge turns the answer round.
 */

#include <meridian/policy.h>
#include <meridian/timemodel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Edges of one family, ascending. An address is the upper bits of its 128-bit number. */
struct access_edges {
	meridian_u128 *edge;
	size_t count;
};

/* Immutable after access_init(). */
struct access {
	struct access_edges ipv4, ipv6;
};

/* Compiles `count` rules of a checked policy. Allocates. Returns 0 or -ENOMEM. */
int access_init(struct access *access, const struct meridian_policy_access *rules, size_t count);
void access_fini(struct access *access);

/* `address` is 4 or 16 octets in network order. Pure. */
bool access_allowed(const struct access *access, const uint8_t *address, bool ipv6);

#endif
