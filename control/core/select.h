/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_SELECT_H
#define CONTROL_CORE_SELECT_H

/*
 * Selection and combination: which sources agree, and what they say together.
 *
 * Intersection as in RFC 5905 section 11.2.1, with each source's root distance as half-width: a
 * source whose interval misses the one that most sources share is a falseticker, and without a
 * majority nobody is believed. The survivors that also agree within their likely errors are
 * combined by inverse variance.
 */

#include "filter.h"
#include <stdbool.h>
#include <stddef.h>

#define SELECT_MAX 32

enum select_state {
	SELECT_UNUSABLE,    /* not offered: no samples, unreachable, noselect, too distant */
	SELECT_FALSETICKER, /* contradicts the majority */
	SELECT_UNSELECTED,  /* agrees, but is not needed */
	SELECT_COMBINED,
	SELECT_BEST, /* combined, and the one whose stratum and reference we pass on */
};

struct select_source {
	bool usable;              /* input: take part */
	bool prefer;              /* input: if one of these survives, only these are combined */
	bool current;             /* input: was the best one last time */
	struct estimate estimate; /* input */
	double distance_s;        /* input: UTC lies within, surely */
	double likely_s;          /* input: UTC lies within, by experience */
	double asymmetry_sd_s;    /* input: error that no statistics of this path can show */
	enum select_state state;  /* output */
};

/* Sets every state and fills *ret_combined. Returns the index of the best source, or -1 when no
 * majority agrees (then *ret_combined is not written). `count` is at most SELECT_MAX. */
int select_combine(struct select_source *source, size_t count, struct estimate *ret_combined);

#endif
