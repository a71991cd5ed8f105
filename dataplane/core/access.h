/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_ACCESS_H
#define DATAPLANE_ACCESS_H

/*
 * Who may ask: `allow` and `deny` rules, longest prefix first, as a sorted list of address
 * intervals, so that a look-up is one binary search. Default: nobody.
 */

#include <meridian/policy.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct access_interval; /* first address of an interval and its verdict */

/* Immutable after access_init(). */
struct access {
	struct access_interval *ipv4, *ipv6;
	size_t ipv4_count, ipv6_count;
};

/* Compiles `count` rules of a checked policy. Allocates. Returns 0 or -ENOMEM. */
int access_init(struct access *access, const struct meridian_policy_access *rules, size_t count);
void access_fini(struct access *access);

/* `address` is 4 or 16 octets in network order. Pure. */
bool access_allowed(const struct access *access, const uint8_t *address, bool ipv6);

#endif
