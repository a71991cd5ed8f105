/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PAGES_H
#define DATAPLANE_PAGES_H

/*
 * The pages of an answering process: it follows control's policy, keys and time model across every
 * restart of control, and writes its own statistics. Main thread only. Each trouble is logged
 * once, not each time it is met again.
 */

#include "responder.h"
#include "server.h"
#include <meridian/page.h>
#include <meridian/policy.h>
#include <meridian/stats.h>

struct pages {
	const char *rundir;
	const struct meridian_page_kind *stats_kind;
	struct meridian_stats *stats; /* our own page, mapped for writing */

	struct meridian_policy_blob *blob; /* last good policy; NULL before the first */
	const struct server_view *view;    /* of that policy and the model; NULL before the first */

	/* Private. */
	struct meridian_page stats_page, policy_page, keys_page, model_page;
	struct responder_policy *policy;
	struct interleave *interleave; /* of the policy; it stays from one to the next */
	struct interleave_survey survey;
	struct keyring *keyring;     /* NULL: none yet */
	struct server_view views[2]; /* one is shown, the other is free or being retired */
	struct responder_policy *retired_policy;
	struct interleave *retired_interleave;
	struct keyring *retired_keyring;
	struct meridian_page retired_model;
	uint64_t seen_generation; /* of this policy page, taken over or refused; 0: none */
	uint64_t seen_keys;       /* the same of this page of keys */
	int policy_error, keys_error, model_error; /* last one logged */
};

/* Makes or adopts the statistics page `stats_kind`, resets what describes a run and keeps the
 * counters. `rundir` must stay valid. Returns 0, or a negative errno after logging why. */
int pages_init(
	struct pages *pages, const char *rundir, const struct meridian_page_kind *stats_kind);

/* Signs the statistics off and closes everything. No server may look at the view any more. */
void pages_fini(struct pages *pages);

/*
 * Looks at the run directory again; about 10 times a second. Returns true when there is a new
 * pages->view (and perhaps a new pages->blob): show it to every server, then call
 * pages_taken().
 */
bool pages_poll(struct pages *pages);

/* Whether our statistics page was deleted or replaced: control cannot see any more that we live,
 * so that only a restart, which makes a new one, brings us back. */
bool pages_lost(const struct pages *pages);

/* Acknowledges the policy to control and frees what the previous view held. */
void pages_taken(struct pages *pages);

#endif
