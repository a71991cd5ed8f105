/* SPDX-License-Identifier: BSD-3-Clause */
#include "clients.h"
#include <bytes.h>
#include <errno.h>

static void address_add(const struct clients_range *range, uint8_t *octets, uint32_t number)
{
	uint8_t *part = octets + range->part;

	if (range->first.ipv6)
		put_u64(part, get_u64(part) + number);
	else
		put_u32(part, get_u32(part) + number);
}

/* Where IPv6 clients are counted: each in a subnet of its own where the prefix has some, since rate
 * limits are for subnets. */
static uint8_t part_of(const struct prefix *prefix)
{
	return prefix->address.ipv6 && prefix->length >= 64 ? 8 : 0;
}

static struct clients_range range_of(const struct prefix *prefix)
{
	struct clients_range range = {.first = prefix->address, .part = part_of(prefix)};
	unsigned int end = !prefix->address.ipv6 ? 32 : range.part == 0 ? 64 : 128;
	unsigned int host_bits = end - prefix->length;
	uint64_t count = host_bits > 24 ? CLIENTS_MAX + UINT64_C(2) : UINT64_C(1) << host_bits;

	for (unsigned int bit = prefix->length; bit < prefix->length + host_bits; bit++)
		range.first.octet[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	if (host_bits > 1) {
		address_add(&range, range.first.octet, 1);
		count -= 2;
	}
	if (range.first.ipv6 && range.part == 0)
		put_u64(range.first.octet + 8, 1);
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
		if (address->ipv6 &&
			get_u64(address->octet + 8 - range->part) ==
				get_u64(first + 8 - range->part) &&
			get_u64(address->octet + range->part) - get_u64(first + range->part) <
				range->count)
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
	address_add(range, ret_octets, index);
}
