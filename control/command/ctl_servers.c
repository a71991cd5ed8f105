/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include "ctl_look.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <meridian/policy.h>
#include <stdlib.h>
#include <string.h>

enum server {
	SERVER_DATAPLANE,
	SERVER_FALLBACK,
	SERVERS
};

static const char *const server_names[SERVERS] = {"dataplane", "fallback"};
/* Who has its packets while it does not take them. */
static const char *const server_substitutes[SERVERS] = {
	"the kernel gets its packets", "what the kernel gets is not answered"};

struct process_row {
	const char *process, *state, *memory;
	uint64_t pid, workers, policy_generation;
	struct meridian_utc started;
};

static const struct output_field process_fields[] = {
	OUTPUT_FIELD("process", "Process", STRING, process_row, process, 0),
	OUTPUT_FIELD("state", "State", STRING, process_row, state, 0),
	OUTPUT_FIELD("pid", "PID", COUNT, process_row, pid, 0),
	OUTPUT_FIELD("started", "Started", UTC, process_row, started, 0),
	OUTPUT_FIELD("memory", "Memory", STRING, process_row, memory, 0),
	OUTPUT_FIELD("workers", "Workers", COUNT, process_row, workers, 0),
	OUTPUT_FIELD("policy_generation", "Policy", COUNT, process_row, policy_generation, 0),
};
static const struct output_report process_report =
	OUTPUT_REPORT("processes", "\nProcesses", process_fields, process_row);

struct port_row {
	const char *name, *state, *driver, *xdp_mode, *copy_mode, *stamp;
	char name_text[MERIDIAN_POLICY_NAME_SIZE + 1], driver_text[17];
	uint64_t queues, missed_packets;
};

static const struct output_field port_fields[] = {
	OUTPUT_FIELD("name", "Interface", STRING, port_row, name, 0),
	OUTPUT_FIELD("state", "State", STRING, port_row, state, 0),
	OUTPUT_FIELD("driver", "Driver", STRING, port_row, driver, 0),
	OUTPUT_FIELD("queues", "Queues", COUNT, port_row, queues, 0),
	OUTPUT_FIELD("xdp_mode", "XDP mode", STRING, port_row, xdp_mode, 0),
	OUTPUT_FIELD("copy_mode", "Buffers", STRING, port_row, copy_mode, 0),
	OUTPUT_FIELD("stamp", "Stamps", STRING, port_row, stamp, 0),
	OUTPUT_FIELD("missed_packets", "Missed", COUNT, port_row, missed_packets, 0),
};
static const struct output_report port_report =
	OUTPUT_REPORT("ports", "\nInterfaces", port_fields, port_row);

struct worker_row {
	const char *process, *state;
	uint64_t worker, core, rx_packets, tx_packets, interleaved, rx_octets, tx_octets;
	double busy_share, p50_s, p99_s, p999_s;
};

static const struct output_field worker_fields[] = {
	OUTPUT_FIELD("process", "Process", STRING, worker_row, process, 0),
	OUTPUT_FIELD("worker", "Worker", COUNT, worker_row, worker, 0),
	OUTPUT_FIELD("core", "Core", COUNT, worker_row, core, 0),
	OUTPUT_FIELD("state", "State", STRING, worker_row, state, 0),
	OUTPUT_FIELD("busy_share", "Busy", SHARE, worker_row, busy_share, 0),
	OUTPUT_FIELD("rx_packets", "Received", COUNT, worker_row, rx_packets, 0),
	OUTPUT_FIELD("tx_packets", "Sent", COUNT, worker_row, tx_packets, 0),
	OUTPUT_FIELD("interleaved", "Interleaved", COUNT, worker_row, interleaved, 0),
	OUTPUT_FIELD("rx_octets", "", COUNT, worker_row, rx_octets, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("tx_octets", "", COUNT, worker_row, tx_octets, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("residence_p50_s", "Residence 50 %", SECONDS, worker_row, p50_s, 0),
	OUTPUT_FIELD("residence_p99_s", "99 %", SECONDS, worker_row, p99_s, 0),
	OUTPUT_FIELD("residence_p999_s", "99.9 %", SECONDS, worker_row, p999_s, 0),
};
static const struct output_report worker_report =
	OUTPUT_REPORT("workers", "\nWorkers", worker_fields, worker_row);

/* A counter of one worker that is not 0: of its receive stamps, or of its verdicts. */
struct count_row {
	const char *process, *name, *text;
	uint64_t worker, packets;
	double share;
};

static const struct output_field stamp_fields[] = {
	OUTPUT_FIELD("process", "Process", STRING, count_row, process, 0),
	OUTPUT_FIELD("worker", "Worker", COUNT, count_row, worker, 0),
	OUTPUT_FIELD("stamp", "Receive stamp", STRING, count_row, name, 0),
	OUTPUT_FIELD("packets", "Packets", COUNT, count_row, packets, 0),
	OUTPUT_FIELD("share", "Share", SHARE, count_row, share, 0),
};
static const struct output_report stamp_report =
	OUTPUT_REPORT("stamps", "\nOrigin of receive times", stamp_fields, count_row);

static const struct output_field verdict_fields[] = {
	OUTPUT_FIELD("process", "Process", STRING, count_row, process, 0),
	OUTPUT_FIELD("worker", "Worker", COUNT, count_row, worker, 0),
	OUTPUT_FIELD("verdict", "Verdict", STRING, count_row, name, 0),
	OUTPUT_FIELD("packets", "Packets", COUNT, count_row, packets, 0),
	OUTPUT_FIELD("text", "Meaning", STRING, count_row, text, 0),
};
static const struct output_report verdict_report =
	OUTPUT_REPORT("verdicts", "\nWhat became of packets", verdict_fields, count_row);

static const char *const state_names[] = {
	[LOOK_UNREADABLE] = "unreadable",
	[LOOK_NEVER_STARTED] = "never started",
	[LOOK_STOPPED] = "stopped",
	[LOOK_STARTING] = "starting",
	[LOOK_RUNNING] = "running",
	[LOOK_STUCK] = "hung or dead",
};

static void processes_put(const struct look *looks)
{
	static const char *const memories[] = {
		[MERIDIAN_MEMORY_NONE] = NULL,
		[MERIDIAN_MEMORY_HUGEPAGES] = "hugepages",
		[MERIDIAN_MEMORY_4K] = "4k pages",
	};
	struct process_row rows[SERVERS];

	for (size_t i = 0; i < SERVERS; i++) {
		const struct meridian_stats *stats = looks[i].stats;

		rows[i] = (struct process_row){.process = server_names[i],
			.state = state_names[look_state(&looks[i])],
			.pid = UINT64_MAX,
			.workers = UINT64_MAX,
			.policy_generation = UINT64_MAX};
		if (stats == NULL || stats->head.writer_pid == 0)
			continue;
		rows[i].pid = stats->head.writer_pid;
		rows[i].started.s = (int64_t)stats->started_s;
		rows[i].workers = looks[i].worker_count;
		rows[i].policy_generation = meridian_stats_get(&stats->policy_generation);
		if (stats->memory <= MERIDIAN_MEMORY_4K)
			rows[i].memory = memories[stats->memory];
	}
	output_table(&process_report, rows, SERVERS);
}

static const char *xdp_mode_name(uint8_t mode)
{
	static const char *const names[] = {
		[MERIDIAN_XDP_NONE] = "none",
		[MERIDIAN_XDP_GENERIC] = "generic",
		[MERIDIAN_XDP_NATIVE] = "native",
		[MERIDIAN_XDP_OFFLOAD] = "offload",
	};

	return mode <= MERIDIAN_XDP_OFFLOAD ? names[mode] : NULL;
}

static const struct meridian_stats_port *port_find(const struct look *look, const char *name)
{
	for (uint32_t i = 0; i < look->port_count; i++) {
		if (strncmp(look->stats->port[i].name, name, sizeof(look->stats->port[i].name)) ==
			0)
			return &look->stats->port[i];
	}
	return NULL;
}

static bool nic_is_gone(const struct meridian_policy_nic *nic)
{
	return nic->kind == MERIDIAN_NIC_AF_XDP && nic->ifindex == 0;
}

/* What keeps packets off an interface; NULL: nothing that is known. */
static const char *link_fault(const struct meridian_policy_nic *nic)
{
	return nic->link == MERIDIAN_LINK_DOWN          ? "down"
		: nic->link == MERIDIAN_LINK_NO_CARRIER ? "no carrier"
							: NULL;
}

static void port_row_fill(struct port_row *row, const struct meridian_policy_nic *nic,
	const struct meridian_stats_port *port, bool alive)
{
	memcpy(row->name_text, nic->name, sizeof(nic->name));
	row->name = row->name_text;
	row->xdp_mode = xdp_mode_name(nic->xdp_mode);
	row->queues = nic->queue_count;
	row->missed_packets = UINT64_MAX;
	row->state = nic_is_gone(nic) ? "gone" : "waiting";
	if (port == NULL)
		return;
	memcpy(row->driver_text, port->driver, sizeof(port->driver));
	row->driver = row->driver_text;
	row->queues = port->queue_count;
	row->stamp = meridian_stamp_name(port->stamp);
	row->missed_packets = meridian_stats_get(&port->missed_packets);
	if (nic->kind == MERIDIAN_NIC_AF_XDP)
		row->copy_mode = port->zero_copy ? "zero-copy" : "copy";
	if (nic_is_gone(nic))
		return;
	row->state = alive ? "open" : "left behind";
	if (alive && link_fault(nic))
		row->state = link_fault(nic);
}

static void port_problems(
	const struct port_row *row, const struct meridian_policy_nic *nic, bool alive)
{
	if (nic_is_gone(nic))
		output_problem("Interface %s does not exist: bring it back, control attaches again "
			       "by itself.",
			row->name);
	else if (nic->kind == MERIDIAN_NIC_AF_XDP && nic->xdp_mode == MERIDIAN_XDP_NONE)
		output_problem("No XDP program is attached to %s: the log of meridian-control says "
			       "why.",
			row->name);
	else if (link_fault(nic))
		output_problem("No request comes in by %s (%s): bring its link up.", row->name,
			link_fault(nic));
	else if (row->driver == NULL && alive)
		output_problem("The dataplane has not opened %s: its log says why.", row->name);
}

static void ports_put(const struct meridian_policy_blob *blob, const struct look *dataplane)
{
	const struct meridian_policy_nic *nics =
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);
	struct port_row rows[MERIDIAN_POLICY_NICS_MAX];

	memset(rows, 0, sizeof(rows));
	for (uint64_t i = 0; i < blob->nics.count; i++)
		port_row_fill(
			&rows[i], &nics[i], port_find(dataplane, nics[i].name), dataplane->alive);
	output_table(&port_report, rows, blob->nics.count);
	for (uint64_t i = 0; i < blob->nics.count; i++)
		port_problems(&rows[i], &nics[i], dataplane->alive);
}

static void policy_problems(const struct meridian_policy_blob *blob)
{
	if (blob->nics.count == 0)
		output_problem("No interface is configured, only the fallback answers: add "
			       "`nic NAME` to the configuration.");
	if (blob->addresses.count == 0)
		output_problem("No address is served: give the interface an address, or check "
			       "`bindaddress`.");
	if (blob->access.count == 0)
		output_problem("Nobody is allowed to ask: add `allow` to the configuration.");
}

/* The current policy; the caller frees it. */
static int policy_read(const char *rundir, struct meridian_policy_blob **ret_blob)
{
	struct meridian_page page;
	int r = meridian_page_open(&page, rundir, &meridian_policy_kind);

	if (r < 0)
		return r;
	do
		r = meridian_policy_read(&page, ret_blob);
	while (r == -EAGAIN);
	meridian_page_close(&page);
	return r;
}

/* The policy, which the caller frees, or NULL. */
static struct meridian_policy_blob *policy_put(const char *rundir, const struct look *dataplane)
{
	struct meridian_policy_blob *blob;
	int r = policy_read(rundir, &blob);

	if (r < 0) {
		/* Before control's first policy there is nothing to say about it. */
		if (r != -ENOENT && r != -ENODATA)
			output_problem("Cannot read the policy in %s: %s", rundir,
				meridian_page_strerror(r));
		return NULL;
	}
	ports_put(blob, dataplane);
	policy_problems(blob);
	return blob;
}

static void workers_put(const struct look *looks)
{
	struct worker_row rows[SERVERS * MERIDIAN_STATS_WORKERS_MAX];
	size_t count = 0;

	for (size_t server = 0; server < SERVERS; server++) {
		for (uint32_t i = 0; i < looks[server].worker_count; i++) {
			const struct meridian_stats_worker *worker =
				&looks[server].stats->worker[i];

			rows[count++] = (struct worker_row){
				.process = server_names[server],
				.state = look_worker_state(&looks[server], i),
				.worker = i,
				.core = meridian_stats_get(&worker->core),
				.busy_share = server == SERVER_DATAPLANE
					? look_busy_share(&looks[server], i)
					: NAN,
				.rx_packets = meridian_stats_get(&worker->rx_packets),
				.tx_packets = meridian_stats_get(&worker->tx_packets),
				.interleaved = meridian_stats_get(&worker->interleaved),
				.rx_octets = meridian_stats_get(&worker->rx_octets),
				.tx_octets = meridian_stats_get(&worker->tx_octets),
				.p50_s = look_residence_s(worker, 0.5),
				.p99_s = look_residence_s(worker, 0.99),
				.p999_s = look_residence_s(worker, 0.999),
			};
		}
	}
	output_table(&worker_report, rows, count);
}

/* Appends the counters of an array that are not 0. Returns the new number of rows. */
static size_t counts_add(struct count_row *rows, size_t count, const uint64_t *counters,
	unsigned int counter_count, const char *(*name)(unsigned int), struct count_row common)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < counter_count; i++)
		total += meridian_stats_get(&counters[i]);
	for (unsigned int i = 0; i < counter_count; i++) {
		uint64_t packets = meridian_stats_get(&counters[i]);

		if (packets == 0)
			continue;
		rows[count] = common;
		rows[count].name = name(i);
		rows[count].text = meridian_verdict_text(i);
		rows[count].packets = packets;
		rows[count].share = (double)packets / (double)total;
		count++;
	}
	return count;
}

static void counts_put(const struct look *looks, bool verdicts)
{
	static struct count_row
		rows[SERVERS * MERIDIAN_STATS_WORKERS_MAX * MERIDIAN_VERDICT_CAPACITY];
	size_t count = 0;

	for (size_t server = 0; server < SERVERS; server++) {
		for (uint32_t i = 0; i < looks[server].worker_count; i++) {
			const struct meridian_stats_worker *worker =
				&looks[server].stats->worker[i];
			struct count_row common = {.process = server_names[server], .worker = i};

			if (verdicts)
				count = counts_add(rows, count, worker->verdict,
					MERIDIAN_VERDICT_COUNT, meridian_verdict_name, common);
			else
				count = counts_add(rows, count, worker->stamp, MERIDIAN_STAMP_COUNT,
					meridian_stamp_name, common);
		}
	}
	output_table(verdicts ? &verdict_report : &stamp_report, rows, count);
}

static void state_problem(const struct look *look, enum server server, const char *rundir)
{
	const char *name = server_names[server];

	switch (look_state(look)) {
	case LOOK_UNREADABLE:
		output_problem("The statistics of the %s in %s cannot be read: %s", name, rundir,
			meridian_page_strerror(look->error));
		break;
	case LOOK_NEVER_STARTED:
	case LOOK_STOPPED:
		output_problem(
			"The %s does not run: start meridian-%s --rundir %s.", name, name, rundir);
		break;
	case LOOK_STARTING:
		output_problem("The %s is starting: its log says what it waits for.", name);
		break;
	case LOOK_STUCK:
		output_problem("The %s (process %" PRIu32 ") does not move, %s: start it anew.",
			name, look->stats->head.writer_pid, server_substitutes[server]);
		break;
	case LOOK_RUNNING:
		break;
	}
}

static void process_problems(
	const struct look *look, enum server server, const char *rundir, bool hugepages_wanted)
{
	const char *name = server_names[server];

	state_problem(look, server, rundir);
	for (uint32_t i = 0; look->alive && i < look->worker_count; i++) {
		if (strcmp(look_worker_state(look, i), "hung") == 0)
			output_problem("Worker %" PRIu32
				       " of the %s is hung, %s: start the %s anew.",
				i, name, server_substitutes[server], name);
	}
	if (hugepages_wanted && look->alive && look->stats->memory == MERIDIAN_MEMORY_4K)
		output_problem("The %s runs without hugepages, which costs speed: reserve some "
			       "(sysctl vm.nr_hugepages) and start it anew.",
			name);
}

void ctl_servers(const char *rundir)
{
	static const struct meridian_page_kind *const kinds[SERVERS] = {
		&meridian_stats_dataplane_kind, &meridian_stats_fallback_kind};
	struct look looks[SERVERS];
	struct meridian_policy_blob *policy;
	bool hugepages_wanted;

	look_all(looks, kinds, SERVERS, rundir);
	processes_put(looks);
	policy = policy_put(rundir, &looks[SERVER_DATAPLANE]);
	hugepages_wanted = policy == NULL || policy->hugepages != MERIDIAN_HUGEPAGES_NEVER;
	free(policy);
	workers_put(looks);
	counts_put(looks, false);
	counts_put(looks, true);
	for (enum server i = 0; i < SERVERS; i++) {
		process_problems(&looks[i], i, rundir, hugepages_wanted);
		look_close(&looks[i]);
	}
}
