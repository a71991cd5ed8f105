/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_FLOWS_H
#define DATAPLANE_FLOWS_H

/*
 * With whom the kernel talks: a set of flows, each known by the hash of its addresses and ports,
 * and when it was noted last. It is a cache of 8 entries in each set: where all of them are in use,
 * a new flow replaces the one that was noted longest ago. One thread notes, any thread asks.
 */

#include <stdbool.h>
#include <stdint.h>

#define FLOWS_WAYS      8
#define FLOWS_SETS_LOG2 10
#define FLOWS_LIFE_S    300 /* of a flow that is not noted again: a BGP session speaks more often */

struct flows {
	/* A set is a cache line. 0: no entry. */
	_Alignas(64) uint64_t entry[1 << FLOWS_SETS_LOG2][FLOWS_WAYS];
	uint32_t now_s;
};

/* All 0 is a set without flows. `hash` is of 64 random bits, of which 58 are looked at; `now_s`
 * does not fall. An entry that is not replaced for 18 hours is taken for a new one then. */
void flows_note(struct flows *flows, uint64_t hash, uint32_t now_s);

/* Was it noted in the FLOWS_LIFE_S before flows_note() was last called? */
bool flows_known(const struct flows *flows, uint64_t hash);

#endif
