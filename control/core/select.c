/* SPDX-License-Identifier: BSD-3-Clause */
#include "select.h"
#include <math.h>
#include <stdlib.h>

/* A source must be that much closer than the current best one to replace it. */
#define RESELECT_RATIO 0.67

struct edge {
	double offset_s;
	int step; /* +1: an interval begins, -1: it ends */
};

/* Where intervals touch, beginnings come first: they share that point. */
static int compare_edge(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->offset_s != y->offset_s)
		return x->offset_s < y->offset_s ? -1 : 1;
	return y->step - x->step;
}

/* The interval that most sources share; returns how many do. */
static size_t intersect(
	const struct select_source *source, size_t count, double *ret_low_s, double *ret_high_s)
{
	struct edge edge[2 * SELECT_MAX] = {{0, 0}};
	size_t edge_count = 0;
	int depth = 0, deepest = 0;

	for (size_t i = 0; i < count; i++) {
		double offset_s = source[i].estimate.offset_s, distance_s = source[i].distance_s;

		if (!source[i].usable)
			continue;
		edge[edge_count++] = (struct edge){offset_s - distance_s, +1};
		edge[edge_count++] = (struct edge){offset_s + distance_s, -1};
	}
	qsort(edge, edge_count, sizeof(edge[0]), compare_edge);
	for (size_t i = 0; i < edge_count; i++) {
		depth += edge[i].step;
		if (depth > deepest) {
			deepest = depth;
			*ret_low_s = edge[i].offset_s;
			*ret_high_s = edge[i + 1].offset_s;
		}
	}
	return (size_t)deepest;
}

static size_t usable_count(const struct select_source *source, size_t count)
{
	size_t usable = 0;

	for (size_t i = 0; i < count; i++)
		usable += source[i].usable;
	return usable;
}

/* Truechimers become UNSELECTED, which combining may raise, the others FALSETICKER. */
static void mark_truechimers(
	struct select_source *source, size_t count, double low_s, double high_s)
{
	for (size_t i = 0; i < count; i++) {
		double offset_s = source[i].estimate.offset_s, distance_s = source[i].distance_s;

		if (!source[i].usable)
			source[i].state = SELECT_UNUSABLE;
		else if (offset_s - distance_s <= low_s && offset_s + distance_s >= high_s)
			source[i].state = SELECT_UNSELECTED;
		else
			source[i].state = SELECT_FALSETICKER;
	}
}

static void mark_all_falsetickers(struct select_source *source, size_t count)
{
	for (size_t i = 0; i < count; i++)
		source[i].state = source[i].usable ? SELECT_FALSETICKER : SELECT_UNUSABLE;
}

static bool any_preferred(const struct select_source *source, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (source[i].state == SELECT_UNSELECTED && source[i].prefer)
			return true;
	}
	return false;
}

static size_t find_best(const struct select_source *source, size_t count)
{
	bool preferred_only = any_preferred(source, count);
	double best_distance_s = INFINITY;
	size_t best = 0;

	for (size_t i = 0; i < count; i++) {
		double distance_s = source[i].distance_s;

		if (source[i].state != SELECT_UNSELECTED || (preferred_only && !source[i].prefer))
			continue;
		if (source[i].current)
			distance_s *= RESELECT_RATIO;
		if (distance_s < best_distance_s) {
			best_distance_s = distance_s;
			best = i;
		}
	}
	return best;
}

/* Combines with the best source those that it can be compared with. */
static void mark_combined(struct select_source *source, size_t count, size_t best)
{
	for (size_t i = 0; i < count; i++) {
		double apart_s = fabs(source[i].estimate.offset_s - source[best].estimate.offset_s);

		if (source[i].state == SELECT_UNSELECTED &&
			source[i].prefer == source[best].prefer &&
			apart_s <= source[i].likely_s + source[best].likely_s)
			source[i].state = SELECT_COMBINED;
	}
	source[best].state = SELECT_BEST;
}

static void combine(const struct select_source *source, size_t count, struct estimate *ret_combined)
{
	double weight_offset = 0, weight_frequency = 0, offset_s = 0, frequency = 0;

	for (size_t i = 0; i < count; i++) {
		const struct estimate *estimate = &source[i].estimate;
		double by_offset, by_frequency;

		if (source[i].state < SELECT_COMBINED)
			continue;
		by_offset = 1 /
			(estimate->offset_sd_s * estimate->offset_sd_s +
				source[i].asymmetry_sd_s * source[i].asymmetry_sd_s + 1e-20);
		by_frequency = 1 / (estimate->frequency_sd * estimate->frequency_sd + 1e-28);
		weight_offset += by_offset;
		offset_s += by_offset * estimate->offset_s;
		weight_frequency += by_frequency;
		frequency += by_frequency * estimate->frequency;
	}
	*ret_combined = (struct estimate){.offset_s = offset_s / weight_offset,
		.frequency = frequency / weight_frequency,
		.offset_sd_s = sqrt(1 / weight_offset),
		.frequency_sd = sqrt(1 / weight_frequency)};
}

int select_combine(struct select_source *source, size_t count, struct estimate *ret_combined)
{
	double low_s = 0, high_s = 0;
	size_t agreeing = intersect(source, count, &low_s, &high_s);
	size_t best;

	if (2 * agreeing <= usable_count(source, count)) {
		mark_all_falsetickers(source, count);
		return -1;
	}
	mark_truechimers(source, count, low_s, high_s);
	best = find_best(source, count);
	mark_combined(source, count, best);
	combine(source, count, ret_combined);
	return (int)best;
}
