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

/* A trusted source counts for more than all others together. */
static int weight(const struct select_source *source)
{
	return source->trust ? SELECT_MAX + 1 : 1;
}

/* An interval of UTC, and the weights of the sources that share it. */
struct shared {
	double low_s, high_s;
	int depth;
	bool likely; /* they do so by their likely errors, else by their root distances */
};

static double half_width(const struct select_source *source, bool likely)
{
	return likely ? fmin(source->likely_s, source->distance_s) : source->distance_s;
}

/* The interval that most sources share, of all or of the trusted ones only. */
static struct shared intersect(
	const struct select_source *source, size_t count, bool trusted_only, bool likely)
{
	struct edge edge[2 * SELECT_MAX] = {{0, 0}};
	struct shared deepest = {.depth = 0, .likely = likely};
	size_t edge_count = 0;
	int depth = 0;

	for (size_t i = 0; i < count; i++) {
		double offset_s = source[i].estimate.offset_s;
		double distance_s = half_width(&source[i], likely);

		if (!source[i].usable || (trusted_only && !source[i].trust))
			continue;
		edge[edge_count++] = (struct edge){offset_s - distance_s, weight(&source[i])};
		edge[edge_count++] = (struct edge){offset_s + distance_s, -weight(&source[i])};
	}
	qsort(edge, edge_count, sizeof(edge[0]), compare_edge);
	for (size_t i = 0; i < edge_count; i++) {
		depth += edge[i].step;
		if (depth > deepest.depth)
			deepest = (struct shared){
				edge[i].offset_s, edge[i + 1].offset_s, depth, likely};
	}
	return deepest;
}

static size_t usable_count(const struct select_source *source, size_t count, bool trusted_only)
{
	size_t usable = 0;

	for (size_t i = 0; i < count; i++)
		usable += source[i].usable && (source[i].trust || !trusted_only);
	return usable;
}

/* Those who share the interval are more than half, of the trusted sources if there are any. */
static bool is_majority(const struct select_source *source, size_t count, int depth)
{
	size_t trusted = usable_count(source, count, true);
	size_t agreeing = (size_t)depth / (SELECT_MAX + 1);

	if (trusted > 0)
		return 2 * agreeing > trusted;
	return 2 * (size_t)depth > usable_count(source, count, false);
}

/* It shares the interval in the way that the majority does. */
static bool is_candidate(const struct select_source *source, const struct shared *shared)
{
	double width_s = half_width(source, shared->likely);

	return source->estimate.offset_s - width_s <= shared->low_s &&
		source->estimate.offset_s + width_s >= shared->high_s;
}

/* How many usable sources have UTC possibly at `offset_s`. */
static size_t coverage(const struct select_source *source, size_t count, double offset_s)
{
	size_t depth = 0;

	for (size_t i = 0; i < count; i++) {
		double middle_s = source[i].estimate.offset_s, distance_s = source[i].distance_s;

		depth += source[i].usable && middle_s - distance_s <= offset_s &&
			offset_s <= middle_s + distance_s;
	}
	return depth;
}

/* Nowhere in its interval do more than half agree. */
static bool is_refuted(
	const struct select_source *source, size_t count, const struct select_source *one)
{
	double low_s = one->estimate.offset_s - one->distance_s;
	double high_s = one->estimate.offset_s + one->distance_s;
	size_t usable = usable_count(source, count, false);

	/* Most agree where one of their intervals begins. */
	for (size_t i = 0; i < count; i++) {
		double at_s = fmax(source[i].estimate.offset_s - source[i].distance_s, low_s);

		if (source[i].usable && at_s <= high_s &&
			2 * coverage(source, count, at_s) > usable)
			return false;
	}
	return true;
}

static enum select_state judge(const struct select_source *source, const struct shared *shared,
	const struct shared *trusted)
{
	double low_s = source->estimate.offset_s - source->distance_s;
	double high_s = source->estimate.offset_s + source->distance_s;

	if (!source->candidate &&
		(!shared->likely || low_s > shared->high_s || high_s < shared->low_s))
		return SELECT_FALSETICKER;
	if (!source->trust && trusted->depth > 0 &&
		(low_s < trusted->low_s || high_s > trusted->high_s))
		return SELECT_UNTRUSTED;
	return SELECT_UNSELECTED;
}

/* Truechimers become UNSELECTED, which combining may raise. */
static void mark_truechimers(
	struct select_source *source, size_t count, const struct shared *shared)
{
	struct shared trusted = intersect(source, count, true, false);

	for (size_t i = 0; i < count; i++) {
		source[i].candidate = source[i].usable && is_candidate(&source[i], shared);
		if (source[i].usable)
			source[i].state = judge(&source[i], shared, &trusted);
	}
}

static void mark_falsetickers(struct select_source *source, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (source[i].usable)
			source[i].state = SELECT_FALSETICKER;
	}
}

static void mark_waiting(struct select_source *source, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (source[i].usable && source[i].state == SELECT_UNSELECTED)
			source[i].state = SELECT_WAITING;
	}
}

/* Enough sources agree, and one of those that are required. */
static bool is_enough(const struct select_source *source, size_t count, size_t min_sources)
{
	bool required = false, heard = false;
	size_t selectable = 0;

	for (size_t i = 0; i < count; i++) {
		bool agrees = source[i].usable && source[i].state == SELECT_UNSELECTED;

		selectable += agrees;
		required = required || source[i].require;
		heard = heard || (agrees && source[i].require);
	}
	return selectable >= min_sources && heard == required;
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

		if (source[i].state != SELECT_UNSELECTED ||
			!(preferred_only ? source[i].prefer : source[i].candidate))
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

		if (source[i].state == SELECT_UNSELECTED && source[i].candidate &&
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

int select_combine(struct select_source *source, size_t count, size_t min_sources,
	struct estimate *ret_combined)
{
	struct shared shared = intersect(source, count, false, true);
	size_t best;

	for (size_t i = 0; i < count; i++)
		source[i].refuted = source[i].usable && is_refuted(source, count, &source[i]);
	if (!is_majority(source, count, shared.depth))
		shared = intersect(source, count, false, false);
	if (!is_majority(source, count, shared.depth)) {
		mark_falsetickers(source, count);
		return -1;
	}
	mark_truechimers(source, count, &shared);
	if (!is_enough(source, count, min_sources)) {
		mark_waiting(source, count);
		return -1;
	}
	best = find_best(source, count);
	mark_combined(source, count, best);
	combine(source, count, ret_combined);
	return (int)best;
}
