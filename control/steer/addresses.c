/* SPDX-License-Identifier: BSD-3-Clause */
#include "addresses.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 16

int addresses_add(struct addresses *addresses, uint8_t family, const void *octets)
{
	struct meridian_policy_address *address;

	if (addresses->count == addresses->capacity) {
		size_t capacity = addresses->capacity ? 2 * addresses->capacity : CAPACITY_MIN;
		void *entry = reallocarray(addresses->entry, capacity, sizeof(*address));

		if (!entry)
			return -ENOMEM;
		addresses->entry = entry;
		addresses->capacity = capacity;
	}
	address = &addresses->entry[addresses->count++];
	memset(address, 0, sizeof(*address));
	address->family = family;
	memcpy(address->octets, octets, family == MERIDIAN_FAMILY_IPV4 ? 4 : 16);
	return 0;
}

static int address_compare(const void *left, const void *right)
{
	const struct meridian_policy_address *a = left, *b = right;
	int order = (int)a->family - (int)b->family;

	return order != 0 ? order : memcmp(a->octets, b->octets, sizeof(a->octets));
}

void addresses_sort(struct addresses *addresses)
{
	size_t kept = 0;

	if (addresses->count == 0)
		return;
	qsort(addresses->entry, addresses->count, sizeof(*addresses->entry), address_compare);
	for (size_t i = 1; i < addresses->count; i++) {
		if (address_compare(&addresses->entry[kept], &addresses->entry[i]) != 0)
			addresses->entry[++kept] = addresses->entry[i];
	}
	addresses->count = kept + 1;
}

bool addresses_contain(const struct meridian_policy_address *sorted, size_t count,
	const struct meridian_policy_address *address)
{
	return count > 0 && bsearch(address, sorted, count, sizeof(*sorted), address_compare);
}

bool addresses_same(const struct addresses *a, const struct addresses *b)
{
	return a->count == b->count &&
		(a->count == 0 || memcmp(a->entry, b->entry, a->count * sizeof(*a->entry)) == 0);
}

static bool is_wildcard(const struct config_address *bind)
{
	static const uint8_t any[16];

	return memcmp(bind->octets, any, sizeof(any)) == 0;
}

static bool is_bound(const struct meridian_policy_address *address,
	const struct config_address *bind, size_t bind_count)
{
	bool family_bound = false;

	for (size_t i = 0; i < bind_count; i++) {
		if (bind[i].family != address->family)
			continue;
		if (is_wildcard(&bind[i]) ||
			memcmp(bind[i].octets, address->octets, sizeof(address->octets)) == 0)
			return true;
		family_bound = true;
	}
	return !family_bound;
}

void addresses_narrow(
	struct addresses *addresses, const struct config_address *bind, size_t bind_count)
{
	size_t kept = 0;

	for (size_t i = 0; i < addresses->count; i++) {
		if (is_bound(&addresses->entry[i], bind, bind_count))
			addresses->entry[kept++] = addresses->entry[i];
	}
	addresses->count = kept;
}

size_t addresses_smear(struct addresses *addresses, const struct config_address *smear,
	size_t smear_count, const struct config_address **ret_missing)
{
	size_t found = 0;

	*ret_missing = NULL;
	for (size_t i = 0; i < smear_count; i++) {
		struct meridian_policy_address wanted = {.family = smear[i].family}, *address;

		memcpy(wanted.octets, smear[i].octets, sizeof(wanted.octets));
		address = addresses->count == 0
			? NULL
			: bsearch(&wanted, addresses->entry, addresses->count, sizeof(*address),
				  address_compare);
		if (address == NULL) {
			*ret_missing = *ret_missing ? *ret_missing : &smear[i];
			continue;
		}
		address->smear = 1;
		found++;
	}
	return found;
}

int addresses_add_bound(
	struct addresses *addresses, const struct config_address *bind, size_t bind_count)
{
	for (size_t i = 0; i < bind_count; i++) {
		int r = is_wildcard(&bind[i])
			? 0
			: addresses_add(addresses, bind[i].family, bind[i].octets);

		if (r < 0)
			return r;
	}
	return 0;
}

int addresses_add_given(struct addresses *addresses, const struct config_nic *nic)
{
	for (size_t i = 0; i < nic->address_count; i++) {
		int r = addresses_add(addresses, nic->address[i].family, nic->address[i].octets);

		if (r < 0)
			return r;
	}
	return 0;
}

void addresses_fini(struct addresses *addresses)
{
	free(addresses->entry);
	memset(addresses, 0, sizeof(*addresses));
}
