/* SPDX-License-Identifier: BSD-3-Clause */
#include "accesses.h"
#include "census.h"
#include <errno.h>
#include <math.h>
#include <meridian/counter.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX  (2 * CENSUS_TALKERS_MAX)
#define LIST_NS   UINT64_C(5000000000)
#define PROCESSES 2

static struct access_count list[LIST_MAX];
static int list_count = -ENODATA;
static uint64_t list_ns; /* CLOCK_MONOTONIC */

static struct access_count *list_find(const struct census_talker *talker, int count)
{
	for (int i = 0; i < count; i++) {
		if (list[i].address.family == talker->family &&
			memcmp(list[i].address.octets, talker->address, 16) == 0)
			return &list[i];
	}
	return NULL;
}

static void list_add(const struct census_talker *talker, bool drops, int before)
{
	struct access_count *entry = list_find(talker, before);
	uint32_t requests = (uint32_t)fmin(round(talker->requests), UINT32_MAX);

	if (entry == NULL) {
		entry = &list[list_count++];
		*entry = (struct access_count){.address.family = talker->family};
		memcpy(entry->address.octets, talker->address, 16);
	}
	entry->requests += requests;
	entry->drops += drops ? requests : 0;
}

static void fate_add(
	struct meridian_clients *const clients[PROCESSES], unsigned int fate, bool drops)
{
	static struct census_talker talkers[CENSUS_TALKERS_MAX];
	int before = list_count;
	size_t count = 0;

	for (size_t i = 0; i < PROCESSES; i++) {
		if (clients[i] != NULL)
			count = census_talkers_add(talkers, count, clients[i],
				MERIDIAN_CLIENTS_start, fate, MERIDIAN_CLIENTS_ADDRESS);
	}
	for (size_t i = 0; i < count; i++)
		list_add(&talkers[i], drops, before);
}

static int compare(const void *left, const void *right)
{
	const struct access_count *a = left, *b = right;

	return (a->requests < b->requests) - (a->requests > b->requests);
}

static void list_make(const char *rundir)
{
	static const struct meridian_page_kind *const kinds[PROCESSES] = {
		&meridian_clients_dataplane_kind, &meridian_clients_fallback_kind};
	struct meridian_clients *clients[PROCESSES] = {NULL, NULL};

	list_count = -ENODATA;
	for (size_t i = 0; i < PROCESSES; i++) {
		if (census_read(rundir, kinds[i], &clients[i]) == 0)
			list_count = 0;
		else
			clients[i] = NULL;
	}
	if (list_count == 0) {
		fate_add(clients, MERIDIAN_CLIENTS_ANSWERED, false);
		fate_add(clients, MERIDIAN_CLIENTS_RATE_LIMITED, true);
		qsort(list, (size_t)list_count, sizeof(list[0]), compare);
	}
	for (size_t i = 0; i < PROCESSES; i++)
		free(clients[i]);
}

int accesses_list(const char *rundir, uint32_t first, const struct access_count **ret_list)
{
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);

	if (first == 0 || list_ns == 0 || now_ns - list_ns > LIST_NS) {
		list_make(rundir);
		list_ns = now_ns;
	}
	*ret_list = list;
	return list_count;
}
