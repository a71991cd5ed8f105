/* SPDX-License-Identifier: BSD-3-Clause */
#include "served.h"
#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN  64
#define LOAD_SHARE 4 /* slots for each address, at least */

static size_t slots_for(size_t count)
{
	size_t slots = SLOTS_MIN;

	while (slots < LOAD_SHARE * count)
		slots *= 2;
	return slots;
}

static size_t count_of(
	const struct meridian_policy_address *addresses, size_t count, uint8_t family)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += addresses[i].family == family;
	return found;
}

static uint32_t ipv4_of(const struct meridian_policy_address *entry)
{
	uint32_t address;

	memcpy(&address, entry->octets, sizeof(address));
	return address;
}

static struct served_ipv6 ipv6_of(const struct meridian_policy_address *entry)
{
	struct served_ipv6 address;

	memcpy(&address, entry->octets, sizeof(address));
	return address;
}

/* The first number that no address has. Each address rules out one, so `count` + 1 are enough. */
static uint32_t unused_number(
	const struct meridian_policy_address *addresses, size_t count, uint8_t family)
{
	uint8_t used[MERIDIAN_POLICY_ADDRESSES_MAX / 8 + 1] = {0};
	uint32_t number = 0;

	for (size_t i = 0; i < count; i++) {
		struct served_ipv6 ipv6 = ipv6_of(&addresses[i]);
		uint64_t n = family == MERIDIAN_FAMILY_IPV4 ? ipv4_of(&addresses[i]) : ipv6.half[0];

		if (addresses[i].family == family && n <= MERIDIAN_POLICY_ADDRESSES_MAX)
			used[n / 8] |= (uint8_t)(1u << n % 8);
	}
	while (used[number / 8] >> number % 8 & 1)
		number++;
	return number;
}

static void insert_ipv4(struct served *served, uint32_t address)
{
	uint32_t i = served_home_ipv4(served, address);

	while (served->ipv4[i] != served->free_ipv4 && served->ipv4[i] != address)
		i = (i + 1) & served->mask_ipv4;
	served->ipv4[i] = address;
}

static void insert_ipv6(struct served *served, struct served_ipv6 address)
{
	uint32_t i = served_home_ipv6(served, address);

	while (!served_same_ipv6(served->ipv6[i], served->free_ipv6) &&
		!served_same_ipv6(served->ipv6[i], address))
		i = (i + 1) & served->mask_ipv6;
	served->ipv6[i] = address;
}

static int allocate(struct served *served, size_t slots_ipv4, size_t slots_ipv6)
{
	served->mask_ipv4 = (uint32_t)(slots_ipv4 - 1);
	served->mask_ipv6 = (uint32_t)(slots_ipv6 - 1);
	served->shift_ipv4 = (uint8_t)(64 - __builtin_ctzll(slots_ipv4));
	served->shift_ipv6 = (uint8_t)(64 - __builtin_ctzll(slots_ipv6));
	served->ipv4 = malloc(slots_ipv4 * sizeof(*served->ipv4));
	served->ipv6 = malloc(slots_ipv6 * sizeof(*served->ipv6));
	if (served->ipv4 == NULL || served->ipv6 == NULL) {
		served_fini(served);
		return -ENOMEM;
	}
	for (size_t i = 0; i < slots_ipv4; i++)
		served->ipv4[i] = served->free_ipv4;
	for (size_t i = 0; i < slots_ipv6; i++)
		served->ipv6[i] = served->free_ipv6;
	return 0;
}

/* A place in `few` for each of `count` addresses; the others hold the last one again. */
static void take_few(
	struct served *served, const struct meridian_policy_address *addresses, size_t count)
{
	size_t few_ipv4 = 0, few_ipv6 = 0;

	for (size_t i = 0; i < count; i++) {
		if (addresses[i].family == MERIDIAN_FAMILY_IPV4) {
			for (size_t j = few_ipv4++; j < SERVED_FEW_IPV4; j++)
				served->few_ipv4[j] = ipv4_of(&addresses[i]);
		} else {
			for (size_t j = few_ipv6++; j < SERVED_FEW_IPV6; j++)
				served->few_ipv6[j] = ipv6_of(&addresses[i]);
		}
	}
	served->has_few_ipv4 = few_ipv4 > 0 && few_ipv4 <= SERVED_FEW_IPV4;
	served->has_few_ipv6 = few_ipv6 > 0 && few_ipv6 <= SERVED_FEW_IPV6;
}

int served_init(
	struct served *served, const struct meridian_policy_address *addresses, size_t count)
{
	int r;

	*served = (struct served){
		.free_ipv4 = unused_number(addresses, count, MERIDIAN_FAMILY_IPV4),
		.free_ipv6 = {{unused_number(addresses, count, MERIDIAN_FAMILY_IPV6), 0}},
	};
	r = allocate(served, slots_for(count_of(addresses, count, MERIDIAN_FAMILY_IPV4)),
		slots_for(count_of(addresses, count, MERIDIAN_FAMILY_IPV6)));
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (addresses[i].family == MERIDIAN_FAMILY_IPV4)
			insert_ipv4(served, ipv4_of(&addresses[i]));
		else
			insert_ipv6(served, ipv6_of(&addresses[i]));
	}
	take_few(served, addresses, count);
	return 0;
}

void served_fini(struct served *served)
{
	free(served->ipv4);
	free(served->ipv6);
	*served = (struct served){0};
}

bool served_contains(const struct served *served, const uint8_t *address, bool ipv6)
{
	uint32_t ipv4;

	if (ipv6)
		return served_contains_ipv6(served, address);
	memcpy(&ipv4, address, sizeof(ipv4));
	return served_contains_ipv4(served, ipv4);
}
