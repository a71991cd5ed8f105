/* SPDX-License-Identifier: BSD-3-Clause */
#include "talkers.h"
#include <meridian/clients.h>
#include <meridian/policy.h>

#define HOUR_NS  UINT64_C(3600000000000)
#define REQUESTS (UINT64_C(1000) << MERIDIAN_CLIENTS_UNIT_LOG2)

static const struct meridian_page_kind *const kinds[TALKERS_PAGES] = {
	&meridian_clients_dataplane_kind, &meridian_clients_fallback_kind};

static void table_fill(struct meridian_clients_table *table, uint8_t count)
{
	table->requests = count * REQUESTS;
	for (uint8_t i = 0; i < count; i++)
		table->talker[i] = (struct meridian_clients_talker){.address = {192, 0, 2, i},
			.requests = REQUESTS,
			.family = MERIDIAN_FAMILY_IPV4};
}

static void clients_fill(struct meridian_clients *clients, uint8_t count)
{
	struct meridian_clients_table *table = &clients->table[0][0][0];

	clients->started_ns = HOUR_NS;
	clients->updated_ns = 2 * HOUR_NS;
	clients->ever.number = 1;
	for (size_t i = 0; i < sizeof(clients->table) / sizeof(*table); i++)
		table_fill(&table[i], count);
	for (size_t i = 0; i < MERIDIAN_CLIENTS_SKETCH_SIZE; i += 4)
		clients->ever.ipv4.rank[i] = clients->ever.ipv6.rank[i] = (uint8_t)(i % 16);
}

void talkers_make(
	struct meridian_page pages[static TALKERS_PAGES], const char *rundir, uint8_t count)
{
	if (pages[0].addr != NULL)
		return;
	for (int i = 0; i < TALKERS_PAGES; i++) {
		FUZZ_CHECK(meridian_page_create(&pages[i], rundir, kinds[i], kinds[i]->min_size,
				   0600, NULL) == 0);
		clients_fill(pages[i].addr, count);
	}
}
