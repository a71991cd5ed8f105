/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_SELECT_H
#define CONTROL_CORE_SELECT_H

/*
 * Selection and combination: which sources agree, and what they say together.
 *
 * Intersection as in RFC 5905 section 11.2.1, with each source's root distance as half-width: a
 * source whose interval misses the one that most sources share is a falseticker, and without a
 * majority nobody is believed. Root distances are wide, and a liar that is near may share a point
 * with honest sources that are far: where a majority agrees even within the likely errors, it is
 * this narrow interval that a root distance must not miss, and only those of that majority are
 * candidates. They are combined by inverse variance.
 *
 * Where there are trusted sources, their majority decides alone, and others are believed only as
 * far as their intervals lie within the one that these share.
 */

#include "filter.h"
#include <stdbool.h>
#include <stddef.h>

#define SELECT_MAX 32

enum select_state {
	/* Not usable: the first reason that applies. */
	SELECT_UNUSABLE, /* unreachable, or no samples yet */
	SELECT_NOSELECT,
	SELECT_UNSYNCHRONISED,
	SELECT_DISTANT, /* root distance above maxdistance */
	SELECT_JITTERY, /* jitter above maxjitter */
	/* Usable: */
	SELECT_FALSETICKER, /* contradicts the majority */
	SELECT_UNTRUSTED,   /* does not, but is not within what the trusted ones share */
	SELECT_WAITING,     /* agrees, but more sources must, or a required one */
	SELECT_UNSELECTED,  /* agrees, but is not needed */
	SELECT_COMBINED,
	SELECT_BEST, /* combined, and the one whose stratum and reference we pass on */
};

struct select_source {
	bool usable;              /* input: take part; if not, `state` says why */
	bool trust;               /* input: only others of these make it a falseticker */
	bool require;             /* input: one of these must be selectable, if there are any */
	bool prefer;              /* input: if one of these survives, only these are combined */
	bool current;             /* input: was the best one last time */
	struct estimate estimate; /* input */
	double distance_s;        /* input: UTC lies within, surely */
	double likely_s;          /* input: UTC lies within, by experience */
	double asymmetry_sd_s;    /* input: error that no statistics of this path can show */
	enum select_state state;  /* output */
	bool candidate;           /* output, of usable sources: of the majority */
	bool refuted;             /* output, of usable sources: it cannot be of any majority */
};

/* Sets the state of every usable source and fills *ret_combined. Returns the index of the best
 * source, or -1 when no majority agrees, fewer than `min_sources` do, or none that is required
 * (then *ret_combined is not written). `count` is at most SELECT_MAX. */
int select_combine(struct select_source *source, size_t count, size_t min_sources,
	struct estimate *ret_combined);

#endif
