/* SPDX-License-Identifier: BSD-3-Clause */
#include "ports.h"
#include "log.h"
#include "port_af_xdp.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPEN_TRIES     50
#define OPEN_PAUSE_NS  200000000
#define OPEN_TIMEOUT_S 10
_Static_assert(OPEN_TRIES *(OPEN_PAUSE_NS / 1000000) == OPEN_TIMEOUT_S * 1000, "10 s of tries");

static const struct meridian_policy_nic *nic_table(const struct meridian_policy_blob *blob)
{
	return MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);
}

static const struct meridian_policy_queue *queue_table(const struct meridian_policy_blob *blob)
{
	return MERIDIAN_POLICY_TABLE(blob, queues, struct meridian_policy_queue);
}

static bool nic_usable(const struct meridian_policy_nic *nic)
{
	return nic->ifindex != 0 && nic->xdp_program_id != 0 && nic->xdp_mode != MERIDIAN_XDP_NONE;
}

/* Without our program attached, libxdp would attach one that takes all traffic of the queue. */
static bool program_attached(const struct meridian_policy_nic *nic)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};

	return bpf_xdp_query((int)nic->ifindex, 0, &query) == 0 &&
		query.prog_id == nic->xdp_program_id;
}

int ports_ready(const struct meridian_policy_blob *blob, char *ret_waiting, size_t size)
{
	bool usable = false;

	for (uint64_t i = 0; i < blob->nics.count; i++) {
		const struct meridian_policy_nic *nic = &nic_table(blob)[i];

		if (!nic_usable(nic))
			continue;
		usable = true;
		if (!program_attached(nic)) {
			snprintf(ret_waiting, size,
				"XDP program %" PRIu32 " of meridian-control on %s",
				nic->xdp_program_id, nic->name);
			return -EAGAIN;
		}
	}
	if (usable)
		return 0;
	snprintf(ret_waiting, size, "%s",
		blob->nics.count == 0 ? "a policy with a `nic`"
				      : "meridian-control to attach its XDP program to a NIC");
	return -EAGAIN;
}

/* Opens one queue, trying again while a dataplane before us may still be closing it. */
static int queue_open(struct port_queue **ret_queue, const struct meridian_policy_nic *nic,
	uint16_t queue, const volatile sig_atomic_t *stop)
{
	static const struct timespec pause = {.tv_nsec = OPEN_PAUSE_NS};

	for (int try = 0;; try++) {
		int r = program_attached(nic) ? port_af_xdp_open(ret_queue, nic, queue) : -EBUSY;

		if (r != -EBUSY || try == OPEN_TRIES)
			return r;
		if (*stop)
			return -EINTR;
		if (try == 0)
			log_notice("%s queue %u is not to be had yet; trying for %d s", nic->name,
				queue, OPEN_TIMEOUT_S);
		nanosleep(&pause, NULL);
	}
}

static int queue_error(
	int error, const struct meridian_policy_nic *nic, uint16_t queue, uint32_t memory_mb)
{
	if (error == -EINTR)
		return error;
	if (error == -ENOMEM)
		log_error("%s queue %u: its packet buffers, about %d MB, do not fit into the "
			  "%" PRIu32 " MB of packet memory",
			nic->name, queue, PORT_AF_XDP_MEMORY_MB, memory_mb);
	else if (error == -EINVAL)
		log_error("%s: DPDK cannot take an interface of this name", nic->name);
	else
		log_error("%s queue %u: no AF_XDP socket could be bound: is another program "
			  "bound to the queue, or a privilege missing?",
			nic->name, queue);
	return error;
}

static int ports_open_all(struct ports *ports, const volatile sig_atomic_t *stop)
{
	const struct meridian_policy_blob *blob = ports->blob;

	for (uint64_t i = 0; i < blob->queues.count; i++) {
		const struct meridian_policy_queue *queue = &queue_table(blob)[i];
		const struct meridian_policy_nic *nic = &nic_table(blob)[queue->nic];
		struct ports_entry *entry = &ports->entry[ports->count];
		int r;

		if (!nic_usable(nic))
			continue;
		r = queue_open(&entry->queue, nic, queue->queue, stop);
		if (r < 0)
			return queue_error(r, nic, queue->queue, blob->memory_mb);
		entry->nic = queue->nic;
		entry->worker = queue->worker;
		ports->count++;
	}
	return 0;
}

int ports_open(struct ports *ports, const struct meridian_policy_blob *blob,
	const volatile sig_atomic_t *stop)
{
	int r;

	*ports = (struct ports){.count = 0};
	ports->entry = calloc(blob->queues.count + 1, sizeof(*ports->entry));
	if (ports->entry == NULL)
		return -ENOMEM;
	ports->blob = malloc(blob->size);
	if (ports->blob == NULL) {
		free(ports->entry);
		return -ENOMEM;
	}
	memcpy(ports->blob, blob, blob->size);
	r = ports_open_all(ports, stop);
	if (r < 0)
		ports_close(ports);
	return r;
}

void ports_close(struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++)
		port_af_xdp_close(ports->entry[i].queue);
	free(ports->entry);
	free(ports->blob);
	*ports = (struct ports){.count = 0};
}

uint32_t ports_report(const struct ports *ports, struct meridian_stats_port *port)
{
	uint32_t count = 0;

	for (uint64_t n = 0; n < ports->blob->nics.count; n++) {
		const struct meridian_policy_nic *nic = &nic_table(ports->blob)[n];
		struct meridian_stats_port report = {.xdp_mode = nic->xdp_mode, .zero_copy = 1};

		for (size_t i = 0; i < ports->count; i++) {
			if (ports->entry[i].nic != n)
				continue;
			report.queue_count++;
			report.zero_copy &= port_af_xdp_zero_copy(ports->entry[i].queue);
		}
		if (report.queue_count == 0)
			continue;
		snprintf(report.name, sizeof(report.name), "%s", nic->name);
		snprintf(report.driver, sizeof(report.driver), "%s", PORT_AF_XDP_DRIVER);
		port[count++] = report;
	}
	return count;
}

static bool nic_same(const struct meridian_policy_nic *a, const struct meridian_policy_nic *b)
{
	if (nic_usable(a) != nic_usable(b) || strcmp(a->name, b->name) != 0)
		return false;
	return !nic_usable(a) ||
		(a->ifindex == b->ifindex && a->kind == b->kind &&
			a->queue_count == b->queue_count && a->xdp_mode == b->xdp_mode &&
			memcmp(a->mac, b->mac, sizeof(a->mac)) == 0);
}

static bool nics_same(const struct meridian_policy_blob *a, const struct meridian_policy_blob *b)
{
	if (a->nics.count != b->nics.count)
		return false;
	for (uint64_t i = 0; i < a->nics.count; i++) {
		if (!nic_same(&nic_table(a)[i], &nic_table(b)[i]))
			return false;
	}
	return true;
}

static bool table_same(const struct meridian_policy_blob *a,
	const struct meridian_policy_table *table_a, const struct meridian_policy_blob *b,
	const struct meridian_policy_table *table_b, size_t entry_size)
{
	return table_a->count == table_b->count &&
		memcmp((const uint8_t *)a + table_a->offset, (const uint8_t *)b + table_b->offset,
			table_a->count * entry_size) == 0;
}

const char *ports_outdated(const struct ports *ports, const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_blob *old = ports->blob;
	char name[IF_NAMESIZE];

	if (!nics_same(old, blob))
		return "a NIC came, went or changed";
	if (!table_same(
		    old, &old->queues, blob, &blob->queues, sizeof(struct meridian_policy_queue)) ||
		!table_same(old, &old->workers, blob, &blob->workers,
			sizeof(struct meridian_policy_worker)))
		return "queues or workers were configured anew";
	if (old->memory_mb != blob->memory_mb || old->hugepages != blob->hugepages)
		return "packet memory was configured anew";
	for (size_t i = 0; i < ports->count; i++) {
		if (!if_indextoname(nic_table(old)[ports->entry[i].nic].ifindex, name))
			return "an interface went away";
	}
	return NULL;
}
