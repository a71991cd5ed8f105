/* SPDX-License-Identifier: BSD-3-Clause */
#include "talkers.h"
#include <string.h>

#define SETS (MERIDIAN_CLIENTS_TALKERS / TALKERS_WAYS)

/* The place of an address in its set, or the one that it takes. */
static struct meridian_clients_talker *place(
	struct meridian_clients_talker *set, const uint8_t address[16], uint8_t family)
{
	struct meridian_clients_talker *least = set;

	for (struct meridian_clients_talker *talker = set; talker < set + TALKERS_WAYS; talker++) {
		if (talker->family == family && memcmp(talker->address, address, 16) == 0)
			return talker;
		if (talker->requests < least->requests)
			least = talker;
	}
	memcpy(least->address, address, 16);
	least->family = family;
	least->others = least->requests;
	return least;
}

void talkers_add(struct meridian_clients_table *table, const uint8_t address[16], uint8_t family,
	uint64_t hash, uint64_t requests)
{
	struct meridian_clients_talker *set = &table->talker[hash % SETS * TALKERS_WAYS];

	place(set, address, family)->requests += requests;
	table->requests += requests;
	table->samples += UINT64_C(1) << MERIDIAN_CLIENTS_UNIT_LOG2;
}

static void scale(uint64_t *count, double factor)
{
	*count = (uint64_t)((double)*count * factor);
}

void talkers_decay(struct meridian_clients_table *table, double factor)
{
	scale(&table->requests, factor);
	scale(&table->samples, factor);
	for (size_t i = 0; i < MERIDIAN_CLIENTS_TALKERS; i++) {
		struct meridian_clients_talker *talker = &table->talker[i];

		if (talker->family == 0)
			continue;
		scale(&talker->requests, factor);
		scale(&talker->others, factor);
		if (talker->requests == 0)
			memset(talker, 0, sizeof(*talker));
	}
}
