/* SPDX-License-Identifier: BSD-3-Clause */
#include "clients.h"
#include <bytes.h>
#include <errno.h>

static void address_add(uint8_t *octets, bool ipv6, uint32_t number)
{
	if (ipv6)
		put_u64(octets + 8, get_u64(octets + 8) + number);
	else
		put_u32(octets, get_u32(octets) + number);
}

static struct clients_range range_of(const struct prefix *prefix)
{
	struct clients_range range = {.first = prefix->address};
	unsigned int host_bits = (prefix->address.ipv6 ? 128 : 32) - prefix->length;
	uint64_t count = host_bits > 24 ? CLIENTS_MAX + UINT64_C(2) : UINT64_C(1) << host_bits;

	for (unsigned int bit = prefix->length; bit < prefix->length + host_bits; bit++)
		range.first.octet[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	if (host_bits > 1) {
		address_add(range.first.octet, prefix->address.ipv6, 1);
		count -= 2;
	}
	range.first_ipv4 = get_u32(range.first.octet);
	range.count = (uint32_t)count;
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

bool clients_contain(const struct clients *clients, const struct address *address)
{
	for (uint32_t i = 0; i < clients->range_count; i++) {
		const struct clients_range *range = &clients->range[i];
		const uint8_t *first = range->first.octet;

		if (range->first.ipv6 != address->ipv6)
			continue;
		if (!address->ipv6 && get_u32(address->octet) - get_u32(first) < range->count)
			return true;
		if (address->ipv6 && get_u64(address->octet) == get_u64(first) &&
			get_u64(address->octet + 8) - get_u64(first + 8) < range->count)
			return true;
	}
	return false;
}

void clients_ipv6(const struct clients *clients, uint32_t index, uint8_t ret_octets[16])
{
	const struct clients_range *range = clients->range;

	while (index >= range->count)
		index -= range++->count;
	memcpy(ret_octets, range->first.octet, 16);
	address_add(ret_octets, true, index);
}
