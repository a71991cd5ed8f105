/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The statistics pages, and the others beside them, as meridianctl and control read them.
 *
 * Input: form of output, then edits.
 */

#include "edits.h"
#include <ctl.h>
#include <meridian/policy.h>
#include <meridian/stats.h>
#include <steer/serverstats.h>
#include <steer/watch.h>
#include <time.h>

#define PAGES       4
#define POLICY_SIZE 4096

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

static const struct meridian_page_kind *const kinds[PAGES] = {&meridian_stats_dataplane_kind,
	&meridian_stats_fallback_kind, &meridian_timemodel_kind, &meridian_policy_kind};

static struct meridian_page page[PAGES];

/* Nobody waits for a heartbeat. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted;
	(void)left;
	return 0;
}

static void policy_fill(struct meridian_slots *policy)
{
	struct meridian_policy_blob *blob = (void *)((uint8_t *)policy + sizeof(*policy));
	struct meridian_policy_table none = {.offset = sizeof(*blob)};

	policy->slot[1] = (struct meridian_slot){sizeof(*policy), 2048};
	*blob = (struct meridian_policy_blob){.generation = 1,
		.size = 2048,
		.nics = {sizeof(*blob), 2},
		.queues = none,
		.workers = none,
		.addresses = none,
		.access = none,
		.devices = none};
	policy->generation = 1;
	for (int i = 0; i < 2; i++) {
		struct meridian_policy_nic *nic =
			(struct meridian_policy_nic *)(void *)(blob + 1) + i;

		*nic = (struct meridian_policy_nic){
			.name = "eth", .queue_count = 1, .kind = MERIDIAN_NIC_AF_XDP};
	}
}

static void stats_fill(struct meridian_stats *stats)
{
	stats->worker_count = 2;
	stats->port_count = 2;
	for (int i = 0; i < 2; i++) {
		memcpy(stats->port[i].name, "eth", 4);
		memcpy(stats->port[i].driver, "net_af_xdp", 11);
		stats->worker[i].state = MERIDIAN_WORKER_POLLING;
	}
}

static void pages_make(const char *rundir)
{
	if (page[0].addr != NULL)
		return;
	for (int i = 0; i < PAGES; i++) {
		size_t size = i == 3 ? POLICY_SIZE : (size_t)kinds[i]->min_size;

		FUZZ_CHECK(meridian_page_create(&page[i], rundir, kinds[i], size, 0600, NULL) == 0);
		if (i < 2)
			stats_fill(page[i].addr);
	}
	policy_fill(page[3].addr);
}

static void read_as_control(const char *rundir)
{
	struct report_server server;

	serverstats_sum(rundir, &server);
	watch_init(rundir);
	for (uint64_t now_ns = 1; now_ns < 4 * WATCH_SILENCE_NS; now_ns += WATCH_INTERVAL_NS)
		watch_tick(now_ns);
	for (unsigned int i = 0; i < MERIDIAN_STATS_WORKERS_MAX; i++)
		FUZZ_CHECK(watch_worker(i) <= WATCH_SILENT);
	watch_fini();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct ctl ctl = {.rundir = edits_rundir(), .socket = "", .connected = -1};
	uint8_t mode = fuzz_u8(&input);
	struct edits edits;

	pages_make(ctl.rundir);
	edits_apply(&edits, &input, page, PAGES);
	read_as_control(ctl.rundir);
	output_begin("status", mode % 3, true);
	ctl_status(&ctl);
	FUZZ_CHECK(output_end() == 0);
	edits_undo(&edits);
	return 0;
}

int ctl_result(const struct ctl *ctl, int result)
{
	(void)ctl;
	return result == 0 ? EXIT_SUCCESS : EXIT_REFUSED;
}
