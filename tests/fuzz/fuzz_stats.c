/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The statistics pages, and the others beside them, as meridianctl and control read them.
 *
 * Input: form of output, then changes of pages that were good: which page, which of its 64-bit
 * words (16 bits), what it is xored with.
 */

#include "fuzz.h"
#include <ctl.h>
#include <meridian/policy.h>
#include <meridian/stats.h>
#include <rundir.h>
#include <steer/serverstats.h>
#include <steer/watch.h>
#include <time.h>

#define PAGES       4
#define CHANGES_MAX 64
#define POLICY_SIZE 4096

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

static const struct meridian_page_kind *const kinds[PAGES] = {&meridian_stats_dataplane_kind,
	&meridian_stats_fallback_kind, &meridian_timemodel_kind, &meridian_policy_kind};

static struct meridian_page page[PAGES];
static char *rundir;

struct change {
	uint64_t *word;
	uint64_t was;
};

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

static void rundir_remove(void)
{
	void *state = rundir;

	rundir_teardown(&state);
}

/* What is printed is for nobody. */
static void begin(void)
{
	void *state = NULL;

	if (rundir != NULL)
		return;
	FUZZ_CHECK(freopen("/dev/null", "w", stdout) != NULL);
	FUZZ_CHECK(rundir_setup(&state) == 0);
	rundir = state;
	atexit(rundir_remove);
	for (int i = 0; i < PAGES; i++) {
		size_t size = i == 3 ? POLICY_SIZE : (size_t)kinds[i]->min_size;

		FUZZ_CHECK(meridian_page_create(&page[i], rundir, kinds[i], size, 0600, NULL) == 0);
		if (i < 2)
			stats_fill(page[i].addr);
	}
	policy_fill(page[3].addr);
}

static unsigned int pages_change(struct fuzz_input *input, struct change *changes)
{
	unsigned int count = 0;

	while (input->size > 0 && count < CHANGES_MAX) {
		const struct meridian_page *changed = &page[fuzz_u8(input) % PAGES];
		size_t word = fuzz_u16(input) % (changed->size / sizeof(uint64_t));

		changes[count].word = (uint64_t *)changed->addr + word;
		changes[count].was = *changes[count].word;
		*changes[count].word ^= fuzz_u64(input);
		count++;
	}
	return count;
}

static void read_as_control(void)
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
	struct ctl ctl = {.socket = "", .connected = -1};
	struct change changes[CHANGES_MAX];
	uint8_t mode = fuzz_u8(&input);
	unsigned int count;

	begin();
	count = pages_change(&input, changes);
	read_as_control();
	ctl.rundir = rundir;
	output_begin("status", mode % 3, true);
	ctl_status(&ctl);
	FUZZ_CHECK(output_end() == 0);
	while (count-- > 0)
		*changes[count].word = changes[count].was;
	return 0;
}

int ctl_result(const struct ctl *ctl, int result)
{
	(void)ctl;
	return result == 0 ? CTL_EXIT_OK : CTL_EXIT_REFUSED;
}
