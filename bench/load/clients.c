/* SPDX-License-Identifier: BSD-3-Clause */
#include "clients.h"
#include <bytes.h>
#include <errno.h>

/* IPv6 clients are in a subnet each where the prefix has some, since rate limits are for subnets.
 */
static bool counts_low(const struct prefix *prefix)
{
	return prefix->address.ipv6 && prefix->length >= 64;
}

static struct clients_range range_of(const struct prefix *prefix)
{
	struct clients_range range = {.ipv6 = prefix->address.ipv6, .low = counts_low(prefix)};
	unsigned int end = !range.ipv6 ? 32 : range.low ? 128 : 64;
	unsigned int host_bits = end - prefix->length;
	uint64_t count = host_bits > 24 ? CLIENTS_MAX + UINT64_C(2) : UINT64_C(1) << host_bits;
	bool skip = host_bits > 1; /* network and broadcast address */
	uint8_t first[16];

	memcpy(first, prefix->address.octet, sizeof(first));
	for (unsigned int bit = prefix->length; bit < end; bit++)
		first[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	range.first_ipv4 = get_u32(first) + skip;
	range.first_ipv6[0] = get_u64(first) + (range.low ? 0 : skip);
	range.first_ipv6[1] = range.low ? get_u64(first + 8) + skip : 1;
	range.count = (uint32_t)(skip ? count - 2 : count);
	return range;
}

int clients_init(struct clients *clients, const struct prefix *prefixes, size_t count, bool ipv6,
	uint32_t wanted)
{
	uint32_t limit = wanted ? wanted : CLIENTS_MAX;

	clients->range_count = clients->count = 0;
	for (size_t i = 0; i < count && clients->count < limit; i++) {
		struct clients_range range = range_of(&prefixes[i]);

		if (prefixes[i].address.ipv6 != ipv6)
			continue;
		if (clients->range_count == CLIENTS_RANGES)
			return -E2BIG;
		if (range.count > limit - clients->count)
			range.count = limit - clients->count;
		clients->range[clients->range_count++] = range;
		clients->count += range.count;
	}
	return clients->count > 0 && clients->count < wanted ? -ERANGE : 0;
}

static bool range_contains(const struct clients_range *range, const struct address *address)
{
	uint64_t high = get_u64(address->octet), low = get_u64(address->octet + 8);

	if (range->ipv6 != address->ipv6)
		return false;
	if (!address->ipv6)
		return get_u32(address->octet) - range->first_ipv4 < range->count;
	if (range->low)
		return high == range->first_ipv6[0] && low - range->first_ipv6[1] < range->count;
	return low == range->first_ipv6[1] && high - range->first_ipv6[0] < range->count;
}

bool clients_contain(const struct clients *clients, const struct address *address)
{
	for (uint32_t i = 0; i < clients->range_count; i++) {
		if (range_contains(&clients->range[i], address))
			return true;
	}
	return false;
}
