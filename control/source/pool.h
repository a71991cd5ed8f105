/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_POOL_H
#define CONTROL_POOL_H

/*
 * All the sources together: who is heard, when enough of them are, and what they agree on.
 */

#include "core/bound.h"
#include "core/leap.h"
#include "core/reference_ids.h"
#include "ntp_server.h"
#include "refclock/refclock.h"

#define POOL_SOURCES_MAX (CONFIG_SOURCES_MAX + CONFIG_REFCLOCKS_MAX)

struct pool {
	const struct source_context *context;
	struct ntp_server server[CONFIG_SOURCES_MAX];
	struct ntp_name name[CONFIG_SOURCES_MAX];
	struct ntp_servers servers;
	struct refclock refclock[CONFIG_REFCLOCKS_MAX];
	struct source *source[POOL_SOURCES_MAX]; /* each of them, in the order of the config */
	size_t count;
	uint64_t start_counter; /* of the polling, or when an answer ended an outage */
	bool settled;           /* enough sources were heard since then */
	bool outage;            /* none is heard, though some were, or had their chance */
	bool after_outage;
	uint8_t reference_id[REFERENCE_ID_SIZE]; /* our own, another at each start */
	struct reference_ids reference_ids;      /* it, and those of the last that were selected */
	bool selected;                           /* some were, since the start */
};

/* Starts polling; `context` must outlive the pool. */
void pool_start(struct pool *pool, const struct source_context *context);

void pool_stop(struct pool *pool);

/* To be called when a source came or went, and until it is true, since the wait ends without that.
 * True when a selection may be made: the first one, after the start or an outage, waits for
 * everybody, so that the quickest server does not decide alone, and longer while most of those that
 * it could use may be liars. When everybody was waited for in vain, it is an outage, too. */
bool pool_settle(struct pool *pool, uint64_t now);

/* The same without taking note. */
bool pool_is_settled(const struct pool *pool, uint64_t now);

/* Selects. `best` is the source that was followed (NULL: none). Returns the one to follow now and
 * fills *ret_combined, or returns NULL when no majority agrees. */
const struct source *pool_select(
	struct pool *pool, const struct source *best, uint64_t now, struct estimate *ret_combined);

/* How many agreed in the last selection. */
size_t pool_agreeing(const struct pool *pool);

/* Whence the time comes: what NTPv5 tells. NULL: from where it came in the run before, which is as
 * long as its model is published and no source was selected. */
const struct reference_ids *pool_reference_ids(const struct pool *pool);

/* What those announce. */
struct leap_votes pool_leap_votes(const struct pool *pool);

/* What each source that is heard says about `line`; returns how many. */
size_t pool_bounds(const struct pool *pool, const struct clock_line *line,
	struct bound bound[POOL_SOURCES_MAX]);

/* What surely holds for `line`, which follows `best`, if of three or more sources that are
 * configured fewer than half do not keep their promise, at most half of those that the last
 * selection could use, and none that the operator vouches for: reference clocks, and those with
 * `trust` or `prefer`. */
struct bound pool_bound(
	const struct pool *pool, const struct source *best, const struct clock_line *line);

/* Follows a timescale that was moved ahead. */
void pool_shift(struct pool *pool, double seconds);

#endif
