/* SPDX-License-Identifier: BSD-3-Clause */
#include "served.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t octets_of(uint8_t family)
{
	return family == MERIDIAN_FAMILY_IPV6 ? 16 : 4;
}

static int compare(
	const struct meridian_policy_address *entry, const uint8_t *octets, uint8_t family)
{
	if (entry->family != family)
		return entry->family < family ? -1 : 1;
	return memcmp(entry->octets, octets, octets_of(family));
}

static int compare_entries(const void *a, const void *b)
{
	const struct meridian_policy_address *right = b;

	return compare(a, right->octets, right->family);
}

int served_init(
	struct served *served, const struct meridian_policy_address *addresses, size_t count)
{
	*served = (struct served){.count = count};
	if (count == 0)
		return 0;
	served->address = malloc(count * sizeof(*addresses));
	if (served->address == NULL)
		return -ENOMEM;
	memcpy(served->address, addresses, count * sizeof(*addresses));
	qsort(served->address, count, sizeof(*addresses), compare_entries);
	return 0;
}

void served_fini(struct served *served)
{
	free(served->address);
	*served = (struct served){0};
}

bool served_contains(const struct served *served, const uint8_t *address, bool ipv6)
{
	uint8_t family = ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4;
	size_t low = 0, high = served->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(&served->address[middle], address, family);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}
