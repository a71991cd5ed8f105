/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_ACCESS_EDGES_H
#define DATAPLANE_ACCESS_EDGES_H

/* Access rules as the addresses at which the answer changes. */

#include <meridian/policy.h>
#include <meridian/timemodel.h>
#include <stddef.h>
#include <stdint.h>

/* Edges of one family, ascending. An address is the upper bits of its 128-bit number. Below the
 * first edge nobody is allowed; each one turns the answer round. */
struct access_edges {
	meridian_u128 *edge;
	size_t count;
};

/* Those of the rules of `family` among `count` rules of a checked policy. Allocates. Returns 0,
 * or -ENOMEM with nothing to free. */
int access_edges_init(struct access_edges *edges, const struct meridian_policy_access *rules,
	size_t count, uint8_t family);
void access_edges_fini(struct access_edges *edges);

#endif
