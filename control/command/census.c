/* SPDX-License-Identifier: BSD-3-Clause */
#include "census.h"
#include <errno.h>
#include <math.h>
#include <meridian/policy.h>
#include <stdlib.h>
#include <string.h>
#include <units.h>

#define PLACES MERIDIAN_CLIENTS_SKETCH_SIZE
#define RANKS  (MERIDIAN_CLIENTS_RANK_MAX + 1)

/*
 * The estimate is Ertl's improved raw estimator (New cardinality estimation algorithms for
 * HyperLogLog sketches, 2017, algorithm 6): unbiased from none to all, without tables.
 */
static double sigma(double x)
{
	double z = x, y = 1, before;

	if (x == 1)
		return INFINITY;
	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z != before);
	return z;
}

static double tau(double x)
{
	double z = 1 - x, y = 1, before;

	if (x == 0 || x == 1)
		return 0;
	do {
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

static double sketch_estimate(const struct meridian_clients_sketch *sketch)
{
	const double places = PLACES, alpha = 0.5 / M_LN2;
	unsigned int count[RANKS] = {0};
	double z;

	for (size_t i = 0; i < PLACES; i++)
		count[sketch->rank[i]]++;
	z = places * tau(1 - count[RANKS - 1] / places);
	for (unsigned int rank = RANKS - 2; rank > 0; rank--)
		z = 0.5 * (z + count[rank]);
	z += places * sigma(count[0] / places);
	return alpha * places * places / z;
}

/* A slot that is not in use may hold anything. */
static void slot_join(
	struct meridian_clients_sketch *sketch, const struct meridian_clients_slot *slot, bool ipv6)
{
	const struct meridian_clients_sketch *other = ipv6 ? &slot->ipv6 : &slot->ipv4;

	if (slot->number == 0)
		return;
	for (size_t i = 0; i < PLACES; i++) {
		if (other->rank[i] > sketch->rank[i])
			sketch->rank[i] = other->rank[i];
	}
}

double census_clients(
	const struct meridian_clients *clients, enum meridian_clients_window window, bool ipv6)
{
	struct meridian_clients_sketch sketch = {{0}};
	uint64_t now;

	if (window >= MERIDIAN_CLIENTS_LEVELS) {
		slot_join(&sketch, &clients->ever, ipv6);
		return sketch_estimate(&sketch);
	}
	now = (uint64_t)((double)clients->updated_ns / NS_PER_SECOND) /
			MERIDIAN_CLIENTS_SLOT_S(window) +
		1;
	for (size_t i = 0; i < MERIDIAN_CLIENTS_SLOTS; i++) {
		const struct meridian_clients_slot *slot = &clients->slot[window][i];

		if (slot->number <= now && slot->number + MERIDIAN_CLIENTS_SLOTS > now)
			slot_join(&sketch, slot, ipv6);
	}
	return sketch_estimate(&sketch);
}

static double counted_s(const struct meridian_clients *clients)
{
	return (double)(clients->updated_ns - clients->started_ns) / NS_PER_SECOND;
}

double census_span_s(const struct meridian_clients *clients, enum meridian_clients_window window)
{
	unsigned int window_s = meridian_clients_window_s(window);

	return window_s > 0 ? fmin(window_s, counted_s(clients)) : counted_s(clients);
}

/* From a count, which of a window with an end has decayed, to requests over the span. */
static double scale_of(const struct meridian_clients *clients, enum meridian_clients_window window)
{
	double window_s = meridian_clients_window_s(window), weight_s;

	if (window_s == 0 || counted_s(clients) <= 0)
		return 1.0 / (1 << MERIDIAN_CLIENTS_UNIT_LOG2);
	weight_s = -window_s * expm1(-counted_s(clients) / window_s);
	return census_span_s(clients, window) / weight_s / (1 << MERIDIAN_CLIENTS_UNIT_LOG2);
}

double census_requests(const struct meridian_clients *clients, enum meridian_clients_window window,
	unsigned int fate)
{
	const struct meridian_clients_table *table =
		&clients->table[window][fate][MERIDIAN_CLIENTS_ADDRESS];

	return (double)table->requests * scale_of(clients, window);
}

/* Requests that a sample stands for, less the one that was seen. */
static double unseen(const struct meridian_clients_table *table)
{
	return table->samples > 0 ? fmax(0, (double)table->requests / (double)table->samples - 1)
				  : 0;
}

/* What it asked is between all that stands in its place and that without what others may have left
 * there. Of a sample, the variance of the sum is that of a binomial distribution. */
static struct census_talker talker_of(const struct meridian_clients_talker *talker,
	const struct meridian_clients_table *table, double scale, unsigned int scope)
{
	const double unit = 1 << MERIDIAN_CLIENTS_UNIT_LOG2;
	double others = (double)talker->others, requests = (double)talker->requests - others / 2;
	double sampling = 2 * sqrt(requests / unit * unseen(table)) * unit;
	bool prefix = scope == MERIDIAN_CLIENTS_PREFIX;
	struct census_talker result = {.family = talker->family,
		.prefix_len = talker->family == MERIDIAN_FAMILY_IPV6
			? (prefix ? MERIDIAN_CLIENTS_PREFIX_IPV6 : 128)
			: (prefix ? MERIDIAN_CLIENTS_PREFIX_IPV4 : 32),
		.requests = requests * scale,
		.error = (others / 2 + sampling) * scale};

	memcpy(result.address, talker->address, sizeof(result.address));
	return result;
}

static struct census_talker *talker_find(
	struct census_talker *talker, size_t count, const struct census_talker *like)
{
	for (size_t i = 0; i < count; i++) {
		if (talker[i].family == like->family &&
			memcmp(talker[i].address, like->address, sizeof(like->address)) == 0)
			return &talker[i];
	}
	return NULL;
}

size_t census_talkers_add(struct census_talker talker[static CENSUS_TALKERS_MAX], size_t count,
	const struct meridian_clients *clients, enum meridian_clients_window window,
	unsigned int fate, unsigned int scope)
{
	const struct meridian_clients_table *table = &clients->table[window][fate][scope];
	double scale = scale_of(clients, window);
	size_t before = count;

	for (size_t i = 0; i < MERIDIAN_CLIENTS_TALKERS; i++) {
		struct census_talker found, *known;

		if (table->talker[i].family == 0)
			continue;
		found = talker_of(&table->talker[i], table, scale, scope);
		if (found.error >= found.requests)
			continue;
		known = talker_find(talker, before, &found);
		if (known == NULL) {
			talker[count++] = found;
			continue;
		}
		known->requests += found.requests;
		known->error += found.error;
	}
	return count;
}

static int compare(const void *left, const void *right)
{
	const struct census_talker *a = left, *b = right;

	if (a->requests != b->requests)
		return a->requests < b->requests ? 1 : -1;
	return memcmp(a->address, b->address, sizeof(a->address));
}

void census_talkers_sort(struct census_talker *talker, size_t count)
{
	qsort(talker, count, sizeof(*talker), compare);
}

int census_read(const char *rundir, const struct meridian_page_kind *kind,
	struct meridian_clients **ret_clients)
{
	struct meridian_clients *clients = NULL;
	struct meridian_page page;
	int r = meridian_page_open(&page, rundir, kind);

	if (r < 0)
		return r;
	clients = malloc(sizeof(*clients));
	r = clients ? meridian_clients_read(page.addr, clients) : -ENOMEM;
	if (r == 0 && clients->started_ns == 0)
		r = -ENODATA;
	meridian_page_close(&page);
	if (r < 0)
		free(clients);
	else
		*ret_clients = clients;
	return r;
}
