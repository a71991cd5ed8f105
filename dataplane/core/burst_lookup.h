/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BURST_LOOKUP_H
#define DATAPLANE_BURST_LOOKUP_H

/*
 * What a burst's second pass looks up about the source of a request, in access rules and limiter:
 * begun in the first pass, so that the cache misses of many frames overlap.
 */

#include "burst_shape.h"
#include "responder.h"

INLINE bool is_open(const struct responder_policy *policy, bool ipv6)
{
	return ipv6 ? policy->open_ipv6 : policy->open_ipv4;
}

/* What the second pass looks up about a frame, on its way into the cache. */
struct lookup {
	struct limit_source source;
	const struct access_slot *slot;
};

INLINE void prefetch(const struct responder *responder, const struct frame *frame,
	struct lookup *ret_lookup, bool ipv6)
{
	const uint8_t *addresses = addresses_of(frame, ipv6);
	const struct access *access = &responder->policy->access;

	if (is_open(responder->policy, ipv6))
		;
	else if (ipv6)
		ret_lookup->slot = access_begin_ipv6(access, get_u64(addresses));
	else
		ret_lookup->slot = access_begin_ipv4(access, get_u32(addresses));
	if (responder->limit == NULL)
		return;
	if (ipv6)
		limit_source_ipv6(responder->limit, get_u64(addresses), &ret_lookup->source);
	else
		limit_source_ipv4(responder->limit, get_u32(addresses), &ret_lookup->source);
	limit_prefetch(responder->limit, &ret_lookup->source, ipv6);
}

INLINE bool allowed(const struct responder_policy *policy, const struct lookup *lookup,
	const uint8_t *addresses, bool ipv6)
{
	const struct access *access = &policy->access;

	if (is_open(policy, ipv6))
		return true;
	return ipv6
		? access_end_ipv6(access, lookup->slot, get_u64(addresses), get_u64(addresses + 8))
		: access_end_ipv4(access, lookup->slot, get_u32(addresses));
}

#endif
