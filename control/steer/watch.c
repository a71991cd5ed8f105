/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"
#include <meridian/stats.h>
#include <string.h>

/* The main thread's heartbeat moves ten times a second. */
#define MAIN_SILENCE_NS UINT64_C(500000000)

struct heart {
	uint64_t beat;
	uint64_t seen_ns; /* when it last moved, or was first looked at */
	bool moved;       /* since it was first looked at */
	enum watch_state state;
};

static const char *watch_rundir;
static struct meridian_page page;
static uint32_t writer_id; /* whose hearts these are */
static uint64_t policy_generation;
static bool dataplane_stops;
static struct heart main_heart, worker_heart[MERIDIAN_STATS_WORKERS_MAX];

static void heart_look(struct heart *heart, uint64_t beat, uint64_t now_ns, uint64_t silence_ns)
{
	if (heart->seen_ns == 0 || beat != heart->beat) {
		heart->moved = heart->seen_ns != 0;
		heart->beat = beat;
		heart->seen_ns = now_ns;
	}
	if (now_ns - heart->seen_ns >= silence_ns)
		heart->state = WATCH_SILENT;
	else
		heart->state = heart->moved ? WATCH_POLLING : WATCH_UNKNOWN;
}

static void hearts_forget(enum watch_state state)
{
	memset(worker_heart, 0, sizeof(worker_heart));
	memset(&main_heart, 0, sizeof(main_heart));
	for (size_t i = 0; i < MERIDIAN_STATS_WORKERS_MAX; i++)
		worker_heart[i].state = state;
	main_heart.state = state;
}

/* The page of whoever runs now, or NULL. */
static const struct meridian_stats *watch_page(void)
{
	const struct meridian_stats *stats;

	if (page.addr &&
		meridian_page_replaced(&page, watch_rundir, &meridian_stats_dataplane_kind))
		meridian_page_close(&page);
	if (!page.addr &&
		meridian_page_open(&page, watch_rundir, &meridian_stats_dataplane_kind) < 0)
		return NULL;
	stats = page.addr;
	if (__atomic_load_n(&stats->head.writer_pid, __ATOMIC_RELAXED) == 0)
		return NULL;
	return stats;
}

void watch_init(const char *rundir)
{
	watch_rundir = rundir;
	writer_id = 0;
	policy_generation = 0;
	hearts_forget(WATCH_UNKNOWN);
}

void watch_tick(uint64_t now_ns)
{
	const struct meridian_stats *stats = watch_page();
	uint32_t id;

	dataplane_stops = false;
	if (!stats) {
		writer_id = 0;
		policy_generation = 0;
		hearts_forget(WATCH_SILENT);
		return;
	}
	id = __atomic_load_n(&stats->head.writer_id, __ATOMIC_RELAXED);
	if (id != writer_id)
		hearts_forget(WATCH_UNKNOWN);
	writer_id = id;
	policy_generation = meridian_stats_get(&stats->policy_generation);
	heart_look(
		&main_heart, meridian_stats_get(&stats->main_heartbeat), now_ns, MAIN_SILENCE_NS);
	for (size_t i = 0; i < MERIDIAN_STATS_WORKERS_MAX; i++) {
		const struct meridian_stats_worker *worker = &stats->worker[i];

		heart_look(&worker_heart[i], meridian_stats_get(&worker->heartbeat), now_ns,
			WATCH_SILENCE_NS);
		if (meridian_stats_get(&worker->state) != MERIDIAN_WORKER_POLLING)
			worker_heart[i].state = WATCH_SILENT;
		if (meridian_stats_get(&worker->state) == MERIDIAN_WORKER_STOPPING)
			dataplane_stops = true;
	}
}

enum watch_state watch_worker(unsigned int worker)
{
	return worker < MERIDIAN_STATS_WORKERS_MAX ? worker_heart[worker].state : WATCH_SILENT;
}

uint64_t watch_policy_generation(void)
{
	return policy_generation;
}

bool watch_dataplane_stops(void)
{
	return dataplane_stops;
}

bool watch_dataplane_lives(uint64_t now_ns)
{
	watch_tick(now_ns);
	return main_heart.state != WATCH_SILENT;
}

void watch_fini(void)
{
	meridian_page_close(&page);
}
