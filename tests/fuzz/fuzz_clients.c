/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The pages of clients, as meridianctl reads them.
 *
 * Input: form of output and window, then edits.
 */

#include "edits.h"
#include <ctl.h>
#include <meridian/clients.h>
#include <meridian/policy.h>
#include <time.h>

#define PAGES    2
#define TALKERS  3
#define HOUR_NS  UINT64_C(3600000000000)
#define REQUESTS (UINT64_C(1000) << MERIDIAN_CLIENTS_UNIT_LOG2)

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

static const struct meridian_page_kind *const kinds[PAGES] = {
	&meridian_clients_dataplane_kind, &meridian_clients_fallback_kind};

static struct meridian_page page[PAGES];

/* Nobody waits for a writer. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted;
	(void)left;
	return 0;
}

static void table_fill(struct meridian_clients_table *table)
{
	table->requests = TALKERS * REQUESTS;
	for (uint8_t i = 0; i < TALKERS; i++)
		table->talker[i] = (struct meridian_clients_talker){.address = {192, 0, 2, i},
			.requests = REQUESTS,
			.family = MERIDIAN_FAMILY_IPV4};
}

static void clients_fill(struct meridian_clients *clients)
{
	struct meridian_clients_table *table = &clients->table[0][0][0];

	clients->started_ns = HOUR_NS;
	clients->updated_ns = 2 * HOUR_NS;
	clients->ever.number = 1;
	for (size_t i = 0; i < sizeof(clients->table) / sizeof(*table); i++)
		table_fill(&table[i]);
	for (size_t i = 0; i < MERIDIAN_CLIENTS_SKETCH_SIZE; i += 4)
		clients->ever.ipv4.rank[i] = clients->ever.ipv6.rank[i] = (uint8_t)(i % 16);
}

static void pages_make(const char *rundir)
{
	if (page[0].addr != NULL)
		return;
	for (int i = 0; i < PAGES; i++) {
		FUZZ_CHECK(meridian_page_create(&page[i], rundir, kinds[i], kinds[i]->min_size,
				   0600, NULL) == 0);
		clients_fill(page[i].addr);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct ctl ctl = {.rundir = edits_rundir(), .socket = "", .top = 5};
	uint8_t how = fuzz_u8(&input);
	struct edits edits;

	ctl.window = meridian_clients_window_name(how / 3 % MERIDIAN_CLIENTS_WINDOW_COUNT);
	ctl.prefixes = how & 128;
	pages_make(ctl.rundir);
	edits_apply(&edits, &input, page, PAGES);
	output_begin("clients", how % 3, true);
	ctl_clients(&ctl);
	FUZZ_CHECK(output_end() == 0);
	edits_undo(&edits);
	return 0;
}
