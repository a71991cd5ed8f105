/* SPDX-License-Identifier: BSD-3-Clause */
#include "pages.h"
#include "log.h"
#include "random_seed.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATS_MODE 0644

#define LOOK_SETS 2048 /* of the table of transmit times, at a poll: 256 KiB */

/* 0 when it is not known. */
static uint32_t writer_pid(const char *rundir, const struct meridian_page_kind *kind)
{
	struct meridian_page page;
	uint32_t pid = 0;

	if (meridian_page_open(&page, rundir, kind) == 0) {
		pid = ((const struct meridian_page_head *)page.addr)->writer_pid;
		meridian_page_close(&page);
	}
	return pid;
}

static int stats_busy(const char *rundir, const struct meridian_page_kind *kind)
{
	uint32_t pid = writer_pid(rundir, kind);
	char process[32] = "another process";

	if (pid != 0)
		snprintf(process, sizeof(process), "process %" PRIu32, pid);
	log_error("%s/%s is locked by %s: one instance per run directory", rundir, kind->name,
		process);
	return -EBUSY;
}

/* Counters outlive a restart of their process; what describes the process does not. */
static void stats_start(struct meridian_stats *stats)
{
	stats->started_s = (uint64_t)time(NULL);
	stats->policy_generation = 0;
	stats->worker_count = 0;
	stats->port_count = 0;
	stats->memory = MERIDIAN_MEMORY_NONE;
	stats->interleave_held = 0;
	stats->interleave_span_s = 0;
	memset(stats->port, 0, sizeof(stats->port));
	for (size_t i = 0; i < MERIDIAN_STATS_WORKERS_MAX; i++)
		stats->worker[i].state = MERIDIAN_WORKER_ABSENT;
}

int pages_init(struct pages *pages, const char *rundir, const struct meridian_page_kind *stats_kind)
{
	int r;

	memset(pages, 0, sizeof(*pages));
	pages->rundir = rundir;
	pages->stats_kind = stats_kind;
	r = meridian_page_create(&pages->stats_page, rundir, stats_kind,
		sizeof(struct meridian_stats), STATS_MODE, NULL);
	if (r == -EBUSY)
		return stats_busy(rundir, stats_kind);
	if (r < 0) {
		log_error("%s/%s: %s", rundir, stats_kind->name,
			r == -ENOENT ? "there is no such directory" : meridian_page_strerror(r));
		return r;
	}
	pages->stats = pages->stats_page.addr;
	stats_start(pages->stats);
	return 0;
}

/* Logs trouble with a page when it is another one than before; -ENOENT and -ENODATA are but
 * control that has not started. */
static void trouble_log(
	const struct pages *pages, const struct meridian_page_kind *kind, int error, int *logged)
{
	if (error == *logged || error == -EAGAIN)
		return;
	*logged = error;
	if (error == -ENOENT)
		log_notice("waiting for meridian-control to make %s/%s", pages->rundir, kind->name);
	else if (error < 0)
		log_warning("%s/%s: %s", pages->rundir, kind->name, meridian_page_strerror(error));
}

/* Maps the page at the name when it is not the one we have; the old one goes to `ret_old`, or
 * is closed. Returns 1 when the mapping changed, 0 when not, or a negative errno. */
static int page_follow(struct pages *pages, struct meridian_page *page,
	const struct meridian_page_kind *kind, struct meridian_page *ret_old)
{
	struct meridian_page new;
	int r;

	if (page->addr && !meridian_page_replaced(page, pages->rundir, kind))
		return 0;
	r = meridian_page_open(&new, pages->rundir, kind);
	if (r < 0)
		return r;
	if (ret_old)
		*ret_old = *page;
	else
		meridian_page_close(page);
	*page = new;
	return 1;
}

static bool model_follow(struct pages *pages)
{
	int r = page_follow(
		pages, &pages->model_page, &meridian_timemodel_kind, &pages->retired_model);

	/* A control that stopped may take its page along: the one we map stays good. */
	if (r < 0 && pages->model_page.addr)
		return false;
	trouble_log(pages, &meridian_timemodel_kind, r < 0 ? r : 0, &pages->model_error);
	return r > 0;
}

/* What is done when a blob could not be read: a page that outgrew our mapping is mapped anew at the
 * next poll, a bad blob is not looked at again. `generation` was read before it: one that is
 * published meanwhile is yet to be seen. */
static int blob_refused(const struct pages *pages, struct meridian_page *page, const char *name,
	uint64_t generation, uint64_t *seen, int r)
{
	if (r == -EFBIG) {
		meridian_page_close(page);
		return -EAGAIN;
	}
	if (r == -EBADMSG) {
		*seen = generation;
		log_error("%s/%s: generation %" PRIu64 " has fields out of range: not taken over",
			pages->rundir, name, generation);
		return -EAGAIN;
	}
	return r;
}

static int policy_read(
	struct pages *pages, uint64_t generation, struct meridian_policy_blob **ret_blob)
{
	int r = meridian_policy_read(&pages->policy_page, ret_blob);

	return r < 0 ? blob_refused(pages, &pages->policy_page, MERIDIAN_POLICY_NAME, generation,
			       &pages->seen_generation, r)
		     : 0;
}

/* The table of transmit times that `blob` asks for: the one there is, or a new one. */
static int interleave_follow(const struct pages *pages, const struct meridian_policy_blob *blob,
	struct interleave **ret_interleave)
{
	*ret_interleave = pages->interleave;
	if (blob->interleave_entries == 0)
		*ret_interleave = NULL;
	if (*ret_interleave == NULL ? blob->interleave_entries == 0
				    : (*ret_interleave)->entries == blob->interleave_entries)
		return 0;
	/* Without entropy yet, it can be guessed, and who asks a lot can fill another's sets. */
	return interleave_new(
		ret_interleave, blob->interleave_entries, seed_random((uintptr_t)pages));
}

static void interleave_take_over(struct pages *pages, struct interleave *interleave)
{
	if (interleave == pages->interleave)
		return;
	pages->retired_interleave = pages->interleave;
	pages->interleave = interleave;
	pages->survey = (struct interleave_survey){.next = 0};
}

/* Takes over a new policy, retiring the one of before. Returns 1, 0 when there is none, or a
 * negative errno. */
static int policy_follow(struct pages *pages)
{
	struct meridian_policy_blob *blob;
	struct responder_policy *policy;
	struct interleave *interleave = NULL;
	uint64_t generation;
	int r = page_follow(pages, &pages->policy_page, &meridian_policy_kind, NULL);

	if (r < 0)
		return pages->policy_page.addr ? 0 : r;
	if (r > 0)
		pages->seen_generation = 0; /* another page counts its generations anew */
	generation = meridian_slots_generation(pages->policy_page.addr);
	if (generation == 0 || generation == pages->seen_generation)
		return 0;
	r = policy_read(pages, generation, &blob);
	if (r < 0)
		return r;
	r = responder_policy_new(&policy, blob);
	if (r == 0) {
		r = interleave_follow(pages, blob, &interleave);
		if (r < 0)
			responder_policy_free(policy);
	}
	if (r < 0) {
		free(blob);
		return r;
	}
	policy->interleave = interleave;
	interleave_take_over(pages, interleave);
	free(pages->blob);
	pages->blob = blob;
	pages->seen_generation = blob->generation;
	pages->retired_policy = pages->policy;
	pages->policy = policy;
	return 1;
}

/* As policy_read(). Nothing is left of the copy. */
static int keys_read(struct pages *pages, uint64_t generation, struct keyring **ret_keyring)
{
	struct meridian_keys_blob *blob;
	int r = meridian_keys_read(&pages->keys_page, &blob);

	if (r < 0)
		return blob_refused(pages, &pages->keys_page, MERIDIAN_KEYS_NAME, generation,
			&pages->seen_keys, r);
	r = keyring_new(ret_keyring, blob);
	explicit_bzero(blob, blob->size);
	free(blob);
	return r;
}

/* Takes over new keys, as policy_follow() a new policy. Without their page there are none, or
 * those of before. */
static int keys_follow(struct pages *pages)
{
	struct keyring *keyring;
	uint64_t generation;
	int r = page_follow(pages, &pages->keys_page, &meridian_keys_kind, NULL);

	if (r < 0)
		return pages->keys_page.addr || r == -ENOENT ? 0 : r;
	if (r > 0)
		pages->seen_keys = 0;
	generation = meridian_slots_generation(pages->keys_page.addr);
	if (generation == pages->seen_keys)
		return 0;
	r = keys_read(pages, generation, &keyring);
	if (r < 0)
		return r;
	pages->seen_keys = keyring->generation;
	pages->retired_keyring = pages->keyring;
	pages->keyring = keyring;
	return 1;
}

static void retired_free(struct pages *pages)
{
	keyring_free(pages->retired_keyring);
	pages->retired_keyring = NULL;
	responder_policy_free(pages->retired_policy);
	pages->retired_policy = NULL;
	interleave_free(pages->retired_interleave);
	pages->retired_interleave = NULL;
	meridian_page_close(&pages->retired_model);
}

static void interleave_report(struct pages *pages)
{
	struct meridian_stats *stats = pages->stats;
	uint64_t held = 0;
	uint32_t span_s = 0;

	if (pages->interleave != NULL &&
		!interleave_look(pages->interleave, &pages->survey, LOOK_SETS, &held, &span_s))
		return;
	__atomic_store_n(&stats->interleave_held, held, __ATOMIC_RELAXED);
	__atomic_store_n(&stats->interleave_span_s, span_s, __ATOMIC_RELAXED);
}

bool pages_poll(struct pages *pages)
{
	bool changed = model_follow(pages);
	int keys = keys_follow(pages), r = policy_follow(pages);
	struct server_view *view = &pages->views[pages->view == &pages->views[0]];

	meridian_stats_add(&pages->stats->main_heartbeat, 1);
	interleave_report(pages);
	trouble_log(pages, &meridian_policy_kind, r < 0 ? r : 0, &pages->policy_error);
	trouble_log(pages, &meridian_keys_kind, keys < 0 ? keys : 0, &pages->keys_error);
	if (pages->view == NULL && r <= 0) {
		retired_free(pages);
		return false;
	}
	if (!changed && keys <= 0 && r <= 0)
		return false;
	*view = (struct server_view){.policy = pages->policy,
		.keyring = pages->keyring,
		.model = pages->model_page.addr,
		.nap_max_ns = pages->blob->idle_sleep_us * 1000U,
		.counter_id = pages->blob->counter_id};
	pages->view = view;
	return true;
}

void pages_taken(struct pages *pages)
{
	retired_free(pages);
	__atomic_store_n(
		&pages->stats->policy_generation, pages->blob->generation, __ATOMIC_RELAXED);
}

bool pages_lost(const struct pages *pages)
{
	return meridian_page_replaced(&pages->stats_page, pages->rundir, pages->stats_kind);
}

void pages_fini(struct pages *pages)
{
	pages->stats->policy_generation = 0;
	pages->stats->worker_count = 0;
	pages->stats->port_count = 0;
	pages->stats->interleave_held = 0;
	pages->stats->interleave_span_s = 0;
	pages->stats->head.writer_pid = 0;
	meridian_page_close(&pages->stats_page);
	retired_free(pages);
	responder_policy_free(pages->policy);
	interleave_free(pages->interleave);
	keyring_free(pages->keyring);
	free(pages->blob);
	meridian_page_close(&pages->keys_page);
	meridian_page_close(&pages->policy_page);
	meridian_page_close(&pages->model_page);
}
