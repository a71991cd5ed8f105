/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_CLIENTS_H
#define LOAD_CLIENTS_H

/*
 * Which client sends request n, from where. A function of n alone, so that a reply can be checked
 * without any memory of its request. All pure.
 *
 * Multiples of 2^32 / golden ratio, taken modulo 2^32, lie far apart from one another and fill
 * the range evenly: scaled to the number of clients they visit all of them, consecutive ones
 * being different clients.
 */

#include "address.h"

#define CLIENTS_MAX    (1u << 24)
#define CLIENTS_RANGES 8

struct clients_range {
	uint64_t first_ipv6[2]; /* upper and lower half */
	uint32_t first_ipv4;
	uint32_t count;
	bool ipv6;
	bool low; /* the lower half of an IPv6 address is counted up, not the upper */
};

/* Of one address family. Immutable after clients_init(). */
struct clients {
	struct clients_range range[CLIENTS_RANGES];
	uint32_t range_count;
	uint32_t count; /* all ranges together */
	uint16_t port_low;
	uint32_t port_count;
};

/*
 * Takes the prefixes of family `ipv6` out of `count` prefixes, and up to `wanted` of their
 * addresses (0: all, to CLIENTS_MAX). Network and broadcast address of an IPv4 prefix are left
 * out. With no such prefix there are 0 clients. Returns 0, -E2BIG for too many prefixes or
 * -ERANGE when they have fewer than `wanted` addresses.
 */
int clients_init(struct clients *clients, const struct prefix *prefixes, size_t count, bool ipv6,
	uint32_t wanted);

/* Whether an address is one of the clients'. */
bool clients_contain(const struct clients *clients, const struct address *address);

static inline uint32_t clients_index(const struct clients *clients, uint64_t request)
{
	return (uint32_t)((uint64_t)((uint32_t)request * UINT32_C(2654435769)) * clients->count >>
		32);
}

/* Address number `index`, below clients->count, of IPv4 clients. */
static inline uint32_t clients_ipv4(const struct clients *clients, uint32_t index)
{
	const struct clients_range *range = clients->range;

	while (index >= range->count)
		index -= range++->count;
	return range->first_ipv4 + index;
}

/* The same of IPv6 clients, in two halves as they lie in memory. */
static inline void clients_ipv6(const struct clients *clients, uint32_t index, uint64_t ret_half[2])
{
	const struct clients_range *range = clients->range;

	while (index >= range->count)
		index -= range++->count;
	ret_half[0] = __builtin_bswap64(range->first_ipv6[0] + (range->low ? 0 : index));
	ret_half[1] = __builtin_bswap64(range->first_ipv6[1] + (range->low ? index : 0));
}

/* Source port of a request, in host order. */
static inline uint16_t clients_port(const struct clients *clients, uint64_t request)
{
	uint32_t spread = (uint32_t)request * UINT32_C(2246822519);

	return (uint16_t)(clients->port_low +
		(uint32_t)((uint64_t)spread * clients->port_count >> 32));
}

#endif
