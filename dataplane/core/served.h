/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SERVED_H
#define DATAPLANE_SERVED_H

/* The set of addresses we answer at: a small sorted table. */

#include <meridian/policy.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Immutable after served_init(). */
struct served {
	struct meridian_policy_address *address; /* sorted by family, then octets */
	size_t count;
};

/* Copies `count` addresses of a checked policy. Allocates. Returns 0 or -ENOMEM. */
int served_init(
	struct served *served, const struct meridian_policy_address *addresses, size_t count);
void served_fini(struct served *served);

/* `address` is 4 or 16 octets in network order. Pure. */
bool served_contains(const struct served *served, const uint8_t *address, bool ipv6);

#endif
