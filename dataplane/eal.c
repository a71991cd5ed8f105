/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"
#include "cores.h"
#include "log.h"
#include "port_af_xdp.h"
#include "port_ethdev.h"
#include "worker.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/mman.h>
#include <meridian/stats.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_log.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <xdp/libxdp.h>

#define HUGEPAGE_MB    2
#define MEMORY_BASE_MB 16  /* what DPDK takes besides the queues, with a reserve */
#define MAIN_LCORE     "0" /* worker i is lcore i + 1 */
#define ARGUMENTS_MAX  16
#define LCORES_SIZE    7168 /* 64 workers and 1024 CPUs of up to 4 digits */

/* One line of EAL's log; the cookie is not used. */
static ssize_t eal_log_write(void *cookie, const char *text, size_t size)
{
	int length = (int)size;

	(void)cookie;
	while (length > 0 && text[length - 1] == '\n')
		length--;
	if (length > 0)
		log_warning("DPDK: %.*s", length, text);
	return (ssize_t)size;
}

__attribute__((format(printf, 1, 0))) static int library_log_write(
	const char *format, va_list arguments)
{
	char text[256];

	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_debug("%s", text);
	return 0;
}

__attribute__((format(printf, 2, 0))) static int libbpf_log_write(
	enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return library_log_write(format, arguments);
}

/* libxdp warns of each socket that it did not attach the program itself. */
__attribute__((format(printf, 2, 0))) static int libxdp_log_write(
	enum libxdp_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return library_log_write(format, arguments);
}

static int logs_redirect(void)
{
	cookie_io_functions_t operations = {.write = eal_log_write};
	FILE *stream = fopencookie(NULL, "w", operations);

	libbpf_set_print(libbpf_log_write);
	libxdp_set_print(libxdp_log_write);
	if (stream == NULL)
		return -errno;
	setlinebuf(stream);
	return rte_openlog_stream(stream);
}

/* Whether the kernel would give us so much. The number of free pages would not tell: some may be
 * promised to others, and a control group may have a limit. */
static bool hugepages_available(uint32_t memory_mb)
{
	size_t size = ((size_t)memory_mb + HUGEPAGE_MB - 1) / HUGEPAGE_MB * HUGEPAGE_MB << 20;
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);

	if (addr == MAP_FAILED)
		return false;
	munmap(addr, size);
	return true;
}

static uint8_t memory_choose(const struct meridian_policy_blob *blob, uint32_t memory_mb)
{
	const char *origin = blob->memory_mb ? "as configured" : "by need";

	if (blob->hugepages == MERIDIAN_HUGEPAGES_NEVER) {
		log_info("packet memory: %" PRIu32 " MB, %s, of ordinary pages (`hugepages never`)",
			memory_mb, origin);
		return MERIDIAN_MEMORY_4K;
	}
	if (!hugepages_available(memory_mb)) {
		log_notice("packet memory: %" PRIu32 " MB, %s, of ordinary pages, which is slower: "
			   "so many hugepages of %d MB are not to be had",
			memory_mb, origin, HUGEPAGE_MB);
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
	cpu_set_t allowed;
	size_t wrong;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return log_errno(-errno, "sched_getaffinity");
	if (cores_choose(worker_table(blob), blob->workers.count, &allowed, core, &wrong) < 0) {
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

/* The argument vector and the text it points into; EAL wants both writable. */
struct arguments {
	char text[8192];
	size_t used;
	char *vector[ARGUMENTS_MAX + 1];
	int count;
};

static void arguments_add(struct arguments *arguments, const char *argument)
{
	char *text = arguments->text + arguments->used;
	size_t size = strlen(argument) + 1;

	memcpy(text, argument, size);
	arguments->used += size;
	arguments->vector[arguments->count++] = text;
}

static void arguments_compose(
	struct arguments *arguments, uint32_t memory_mb, const char *lcores, uint8_t memory)
{
	char megabytes[16];

	snprintf(megabytes, sizeof(megabytes), "%" PRIu32, memory_mb);
	arguments_add(arguments, "meridian-dataplane");
	arguments_add(arguments, "--lcores");
	arguments_add(arguments, lcores);
	arguments_add(arguments, "--main-lcore");
	arguments_add(arguments, MAIN_LCORE);
	arguments_add(arguments, "-m");
	arguments_add(arguments, megabytes);
	arguments_add(arguments, "--no-pci");
	arguments_add(arguments, "--no-telemetry");
	arguments_add(arguments, "--iova-mode=va");
	arguments_add(arguments, "--log-level=warning");
	/* EAL warns of hugepage sizes that are not reserved. */
	arguments_add(arguments, "--log-level=lib.eal:error");
	/* DPDK 22.11 takes --in-memory and --no-huge for a contradiction. */
	if (memory == MERIDIAN_MEMORY_HUGEPAGES) {
		arguments_add(arguments, "--in-memory");
		/* What memif clients without copies and virtio-user hand to their peers. */
		arguments_add(arguments, "--single-file-segments");
	} else {
		arguments_add(arguments, "--no-huge");
		arguments_add(arguments, "--no-shconf");
	}
}

static uint32_t memory_mb(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_nic *nic =
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);
	uint32_t need_mb = MEMORY_BASE_MB, queues = 0;

	if (blob->memory_mb != 0)
		return blob->memory_mb;
	for (uint64_t i = 0; i < blob->nics.count; i++) {
		if (nic[i].kind == MERIDIAN_NIC_VDEV)
			need_mb += port_ethdev_memory_mb(nic[i].queue_count);
		else
			queues += nic[i].queue_count;
	}
	if (queues > PORT_AF_XDP_MAX)
		queues = PORT_AF_XDP_MAX;
	return need_mb + queues * PORT_AF_XDP_MEMORY_MB;
}

static void needs_take(struct needs *needs, const struct meridian_policy_blob *blob)
{
	memset(needs, 0, sizeof(*needs));
	needs->memory_mb = memory_mb(blob);
	needs->hugepages = blob->hugepages;
	needs->worker_count = blob->workers.count;
	memcpy(needs->worker, worker_table(blob), blob->workers.count * sizeof(needs->worker[0]));
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
	return NULL;
}

int eal_init(const struct meridian_policy_blob *blob, uint8_t *ret_memory)
{
	struct arguments arguments = {.count = 0};
	char lcores[LCORES_SIZE];
	int r = lcores_compose(blob, lcores, sizeof(lcores));

	if (r == 0)
		r = logs_redirect();
	if (r < 0)
		return r;
	needs_take(&started, blob);
	*ret_memory = memory_choose(blob, started.memory_mb);
	arguments_compose(&arguments, started.memory_mb, lcores, *ret_memory);
	if (rte_eal_init(arguments.count, arguments.vector) < 0) {
		log_error("DPDK does not start: %s", rte_strerror(rte_errno));
		return -EIO;
	}
	return 0;
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
