/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"
#include "cores.h"
#include "eal_start.h"
#include "local_cpus.h"
#include "log.h"
#include "packet_memory.h"
#include "policy_nics.h"
#include "port_af_xdp.h"
#include "port_ethdev.h"
#include "worker.h"
#include <errno.h>
#include <inttypes.h>
#include <meridian/stats.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAIN_LCORE  "0"  /* worker i is lcore i + 1 */
#define LCORES_SIZE 7168 /* 64 workers and 1024 CPUs of up to 4 digits */

static uint8_t memory_choose(const struct meridian_policy_blob *blob, uint32_t memory_mb)
{
	const char *origin = blob->memory_mb ? "as configured" : "by need";

	if (blob->hugepages == MERIDIAN_HUGEPAGES_NEVER) {
		log_info("packet memory: %" PRIu32 " MB, %s, of ordinary pages (`hugepages never`)",
			memory_mb, origin);
		return MERIDIAN_MEMORY_4K;
	}
	if (!eal_hugepages_available(memory_mb)) {
		log_notice("packet memory: %" PRIu32 " MB, %s, of ordinary pages, which is slower: "
			   "so many hugepages of %d MB are not to be had",
			memory_mb, origin, PACKET_MEMORY_PAGE_MB);
		return MERIDIAN_MEMORY_4K;
	}
	log_info("packet memory: %" PRIu32 " MB, %s, of hugepages", memory_mb, origin);
	return MERIDIAN_MEMORY_HUGEPAGES;
}

static const struct meridian_policy_worker *worker_table(const struct meridian_policy_blob *blob)
{
	return MERIDIAN_POLICY_TABLE(blob, workers, struct meridian_policy_worker);
}

/* What EAL was started with. */
static struct needs {
	uint32_t memory_mb;
	uint8_t hugepages;
	uint64_t worker_count;
	struct meridian_policy_worker worker[MERIDIAN_POLICY_WORKERS_MAX];
	/* PCI devices, which are probed when EAL starts; "": no more. */
	char pci[MERIDIAN_POLICY_NICS_MAX][MERIDIAN_POLICY_NAME_SIZE];
} started;
static uint32_t core[MERIDIAN_POLICY_WORKERS_MAX]; /* of each worker */

static void cores_log(const struct meridian_policy_blob *blob)
{
	for (uint64_t i = 0; i < blob->workers.count; i++)
		log_info("worker %" PRIu64 ": CPU %" PRIu32 ", %s", i, core[i],
			worker_table(blob)[i].core == MERIDIAN_CORE_ANY
				? "chosen since no `workers` are configured"
				: "as configured by `workers`");
}

/* Sets `core`; the CPUs for the main thread. */
static int cores_take(const struct meridian_policy_blob *blob, cpu_set_t *ret_main)
{
	cpu_set_t allowed, near;
	size_t wrong;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return log_errno(-errno, "sched_getaffinity");
	local_cpus(blob, &near);
	if (cores_choose(worker_table(blob), blob->workers.count, &allowed, &near, core, &wrong) <
		0) {
		log_error("worker %zu is configured (`workers`) for CPU %" PRIu32
			  ", which this process may not use or which does not exist",
			wrong, worker_table(blob)[wrong].core);
		return -EINVAL;
	}
	cores_log(blob);
	cores_rest(core, blob->workers.count, &allowed, ret_main);
	return 0;
}

/* "0@(2,3),1@0,2@1": lcore ID, then the CPUs its thread may use. */
static void lcores_print(FILE *stream, uint64_t worker_count, const cpu_set_t *main)
{
	const char *separator = "(";

	fputs(MAIN_LCORE "@", stream);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, main)) {
			fprintf(stream, "%s%d", separator, cpu);
			separator = ",";
		}
	}
	fputc(')', stream);
	for (uint64_t i = 0; i < worker_count; i++)
		fprintf(stream, ",%" PRIu64 "@%" PRIu32, i + 1, core[i]);
}

static int lcores_compose(const struct meridian_policy_blob *blob, char *text, size_t size)
{
	cpu_set_t main = {0};
	FILE *stream;
	int r = cores_take(blob, &main);

	if (r < 0)
		return r;
	stream = fmemopen(text, size, "w");
	if (stream == NULL)
		return log_errno(-errno, "fmemopen");
	lcores_print(stream, blob->workers.count, &main);
	return fclose(stream) == 0 ? 0 : log_errno(-errno, "list of cores");
}

uint32_t eal_core(unsigned int worker)
{
	return core[worker];
}

int eal_socket(unsigned int worker)
{
	return (int)rte_lcore_to_socket_id(worker + 1);
}

static uint32_t memory_mb(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_nic *nic =
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);
	uint32_t need_mb = PACKET_MEMORY_BASE_MB, queues = 0;

	if (blob->memory_mb != 0)
		return blob->memory_mb;
	for (uint64_t i = 0; i < blob->nics.count; i++) {
		if (nic[i].kind != MERIDIAN_NIC_AF_XDP)
			need_mb += packet_memory_device_mb(nic[i].queue_count);
		else
			queues += nic[i].queue_count;
	}
	if (queues > PORT_AF_XDP_MAX)
		queues = PORT_AF_XDP_MAX;
	return need_mb + queues * PACKET_MEMORY_AF_XDP_QUEUE_MB;
}

static void needs_take(struct needs *needs, const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_nic *nic =
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);
	size_t count = 0;

	memset(needs, 0, sizeof(*needs));
	needs->memory_mb = memory_mb(blob);
	needs->hugepages = blob->hugepages;
	needs->worker_count = blob->workers.count;
	memcpy(needs->worker, worker_table(blob), blob->workers.count * sizeof(needs->worker[0]));
	for (uint64_t i = 0; i < blob->nics.count; i++) {
		if (policy_nic_is_pci(&nic[i]))
			memcpy(needs->pci[count++], nic[i].name, sizeof(nic[i].name));
	}
}

const char *eal_outdated(const struct meridian_policy_blob *blob)
{
	struct needs needs;

	needs_take(&needs, blob);
	if (needs.memory_mb != started.memory_mb || needs.hugepages != started.hugepages)
		return "another amount or kind of packet memory is needed";
	if (needs.worker_count != started.worker_count ||
		memcmp(needs.worker, started.worker, sizeof(needs.worker)) != 0)
		return "workers were configured anew";
	if (memcmp(needs.pci, started.pci, sizeof(needs.pci)) != 0)
		return "NICs of DPDK were configured anew";
	return NULL;
}

/* Of all PCI devices only those that are to be taken over. */
static void devices_compose(struct eal_arguments *arguments)
{
	if (started.pci[0][0] == '\0')
		eal_arguments_add(arguments, "--no-pci");
	for (size_t i = 0; i < MERIDIAN_POLICY_NICS_MAX && started.pci[i][0] != '\0'; i++) {
		eal_arguments_add(arguments, "-a");
		eal_arguments_add(arguments, "%s", started.pci[i]);
	}
}

int eal_init(const struct meridian_policy_blob *blob, uint8_t *ret_memory)
{
	struct eal_arguments arguments = {.count = 0};
	char lcores[LCORES_SIZE];
	int r = lcores_compose(blob, lcores, sizeof(lcores));

	if (r < 0)
		return r;
	needs_take(&started, blob);
	*ret_memory = memory_choose(blob, started.memory_mb);
	eal_arguments_add(&arguments, "meridian-dataplane");
	eal_arguments_add(&arguments, "--lcores");
	eal_arguments_add(&arguments, "%s", lcores);
	eal_arguments_add(&arguments, "--main-lcore");
	eal_arguments_add(&arguments, MAIN_LCORE);
	devices_compose(&arguments);
	eal_arguments_add(&arguments, "--log-level=warning");
	eal_arguments_memory(
		&arguments, started.memory_mb, *ret_memory == MERIDIAN_MEMORY_HUGEPAGES);
	return eal_arguments_start(&arguments);
}

void eal_mute(bool mute)
{
	rte_log_set_global_level(mute ? RTE_LOG_CRIT : RTE_LOG_MAX);
}

void eal_fini(void)
{
	rte_eal_cleanup();
}

int eal_launch(unsigned int worker, int (*thread)(void *), void *argument)
{
	return rte_eal_remote_launch(thread, argument, worker + 1);
}

/* Like worker_show(), this counts naps: a stopped process is not a worker that hangs. */
int eal_join(unsigned int worker)
{
	static const struct timespec pause = {.tv_nsec = 1000000};

	for (int ms = 0; ms < WORKER_TURN_MAX_MS; ms++) {
		if (rte_eal_get_lcore_state(worker + 1) != RUNNING) {
			rte_eal_wait_lcore(worker + 1);
			return 0;
		}
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}
