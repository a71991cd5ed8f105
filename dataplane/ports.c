/* SPDX-License-Identifier: BSD-3-Clause */
#include "ports.h"
#include "eal.h"
#include "log.h"
#include "packet_memory.h"
#include "pci.h"
#include "policy_nics.h"
#include "port_af_xdp.h"
#include "port_stamps.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <units.h>

/* A program that may not be looked up never becomes ready. */
static bool may_look_up(uint32_t program_id)
{
	int fd = bpf_prog_get_fd_by_id(program_id);

	if (fd >= 0)
		close(fd);
	return fd != -EPERM;
}

int ports_ready(const struct meridian_policy_blob *blob, char *ret_waiting, size_t size)
{
	bool usable = false;

	for (uint64_t i = 0; i < blob->nics.count; i++) {
		const struct meridian_policy_nic *nic = &nic_table(blob)[i];

		if (!policy_nic_usable(nic))
			continue;
		usable = true;
		if (nic->kind == MERIDIAN_NIC_AF_XDP && !port_af_xdp_ready(nic)) {
			snprintf(ret_waiting, size,
				"XDP program %" PRIu32 " of meridian-control on %s%s",
				nic->xdp_program_id, nic->name,
				may_look_up(nic->xdp_program_id)
					? ""
					: ", which only CAP_SYS_ADMIN may look up");
			return -EAGAIN;
		}
		if (policy_nic_is_pci(nic) &&
			!pci_ready(
				nic->name, nic->kind == MERIDIAN_NIC_BIFURCATED, ret_waiting, size))
			return -EAGAIN;
	}
	if (usable)
		return 0;
	snprintf(ret_waiting, size, "%s",
		blob->nics.count == 0 ? "a policy with a `nic`"
				      : "meridian-control to attach its XDP program to a NIC");
	return -EAGAIN;
}

static int af_xdp_open(struct ports *ports, struct port_queue **ret_queue,
	const struct meridian_policy_nic *nic, uint16_t queue)
{
	int r = port_af_xdp_open(ret_queue, nic, queue);

	if (r < 0)
		snprintf(ports->failed, sizeof(ports->failed), "%s queue %u", nic->name, queue);
	else
		ports->device_count++;
	return r;
}

static int device_open(
	struct ports *ports, struct port_ethdev **ret_device, const struct meridian_policy_nic *nic)
{
	const char *text = policy_nic_device(ports->blob, nic);
	char *reason = ports->reason;
	int r;

	if (nic->kind == MERIDIAN_NIC_TAKEOVER)
		r = port_ethdev_take_over(ret_device, nic, reason, sizeof(ports->reason));
	else if (nic->kind == MERIDIAN_NIC_BIFURCATED)
		r = port_ethdev_share(
			ret_device, text, nic, ports->blob, reason, sizeof(ports->reason));
	else
		r = port_ethdev_open(ret_device, text, nic, reason, sizeof(ports->reason));
	if (r < 0 && text == NULL)
		snprintf(ports->failed, sizeof(ports->failed), "%s", nic->name);
	else if (r < 0)
		snprintf(ports->failed, sizeof(ports->failed), "vdev:%.*s", (int)strcspn(text, ","),
			text);
	return r;
}

/* A device is made with all its queues when the first of them is wanted. */
static int device_queue_open(struct ports *ports, struct port_queue **ret_queue,
	const struct meridian_policy_queue *queue)
{
	const struct meridian_policy_nic *nic = &nic_table(ports->blob)[queue->nic];
	struct port_ethdev **device = &ports->device[queue->nic];
	int r = 0;

	if (*device == NULL)
		r = device_open(ports, device, nic);
	if (r < 0)
		return r;
	*ret_queue = port_ethdev_queue(*device, queue->queue);
	return 0;
}

/* Clocks that the kernel has. Without one, the NIC is as one that does not stamp. */
static int clock_open(struct ports *ports, uint16_t nic)
{
	uint16_t phc = nic_table(ports->blob)[nic].phc;
	struct port_clock *clock;
	int r;

	if (phc == 0 || ports->clock[nic])
		return 0;
	clock = calloc(1, sizeof(*clock));
	if (clock == NULL)
		return -ENOMEM;
	r = port_clock_open_phc(clock, phc - 1);
	if (r < 0) {
		log_errno(r, "%s: its clock /dev/ptp%d cannot be read: no stamps in hardware",
			nic_table(ports->blob)[nic].name, phc - 1);
		free(clock);
		return 0;
	}
	ports->clock[nic] = clock;
	return 0;
}

/* The program gives the NIC's stamps along, but there is no clock to read them by. */
static const struct device_line_shared no_line;

static bool stamps_are_used(const struct meridian_policy_nic *nic)
{
	return nic->kind == MERIDIAN_NIC_AF_XDP && nic->stamps == MERIDIAN_NIC_STAMPS_used;
}

static const struct device_line_shared *device_line(const struct ports *ports, uint16_t nic)
{
	return ports->clock[nic] ? &ports->clock[nic]->line : &no_line;
}

static void clock_close(struct port_clock *clock)
{
	if (clock == NULL)
		return;
	port_clock_close_phc(clock);
	free(clock);
}

static uint32_t delivery_us(const struct meridian_policy_nic *nic)
{
	return nic->delivery_us ? nic->delivery_us : MERIDIAN_DELIVERY_DEFAULT_US;
}

/* Once it is open, ports_close() is to close it. */
static void entry_add(
	struct ports *ports, const struct meridian_policy_queue *queue, struct port_queue *opened)
{
	const struct meridian_policy_nic *nic = &nic_table(ports->blob)[queue->nic];

	opened->rxcomp_ns = nic->rxcomp_ns;
	opened->delivery_ns = (int32_t)(delivery_us(nic) * NS_PER_US);
	opened->transmit_delay_ns = nic->txcomp_ns;
	ports->entry[ports->count++] =
		(struct ports_entry){.queue = opened, .nic = queue->nic, .worker = queue->worker};
}

static int queue_open(struct ports *ports, const struct meridian_policy_queue *queue)
{
	const struct meridian_policy_nic *nic = &nic_table(ports->blob)[queue->nic];
	struct port_queue *opened;
	int r;

	if (nic->kind != MERIDIAN_NIC_AF_XDP)
		r = device_queue_open(ports, &opened, queue);
	else if (ports->device_count < PORT_AF_XDP_MAX)
		r = af_xdp_open(ports, &opened, nic, queue->queue);
	else
		return 0;
	if (r < 0)
		return r;
	entry_add(ports, queue, opened);
	r = clock_open(ports, queue->nic);
	if (r == 0 && stamps_are_used(nic))
		opened->device_line = device_line(ports, queue->nic);
	return r;
}

static int queues_open(struct ports *ports)
{
	const struct meridian_policy_blob *blob = ports->blob;
	int r = 0;

	for (uint64_t i = 0; i < blob->queues.count && r == 0; i++) {
		if (policy_nic_usable(&nic_table(blob)[queue_table(blob)[i].nic]))
			r = queue_open(ports, &queue_table(blob)[i]);
	}
	return r;
}

static unsigned int own_device_count(const struct meridian_policy_blob *blob)
{
	unsigned int count = 0;

	for (uint64_t i = 0; i < blob->nics.count; i++)
		count += nic_table(blob)[i].kind != MERIDIAN_NIC_AF_XDP;
	return count;
}

int ports_open(struct ports *ports, const struct meridian_policy_blob *blob)
{
	int r;

	*ports = (struct ports){.device_count = own_device_count(blob),
		.entry = calloc(blob->queues.count + 1, sizeof(*ports->entry)),
		.blob = malloc(blob->size)};
	if (ports->entry && ports->blob) {
		memcpy(ports->blob, blob, blob->size);
		r = queues_open(ports);
	} else {
		r = -ENOMEM;
	}
	if (r < 0)
		ports_close(ports);
	else if (ports->device_count == PORT_AF_XDP_MAX && blob->queues.count > ports->count)
		log_warning("only %zu of %" PRIu64 " queues: DPDK has no more devices; the kernel "
			    "answers what arrives on the others. `ethtool -L` makes them fewer",
			ports->count, blob->queues.count);
	return r;
}

void ports_error_log(const struct ports *ports, int error)
{
	if (ports->reason[0] != '\0')
		log_error("%s: %s", ports->failed, ports->reason);
	else if (error == -ENOBUFS)
		log_error("%s: its packet buffers, about %d MB, do not fit into what is left of "
			  "the packet memory: configure a larger `memory`, or 0 for as much as is "
			  "needed",
			ports->failed, PACKET_MEMORY_AF_XDP_QUEUE_MB);
	else if (error == -EBUSY)
		log_error("%s: no AF_XDP socket could be bound: is another program bound to the "
			  "queue, or a privilege missing (CAP_NET_RAW; CAP_IPC_LOCK, or a larger "
			  "`ulimit -l`)?",
			ports->failed);
	else if (error == -EINVAL)
		log_error("%s: DPDK cannot take an interface of this name", ports->failed);
	else
		log_errno(error, "%s", ports->failed[0] ? ports->failed : "queues");
}

void ports_close(struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++) {
		if (ports->device[ports->entry[i].nic] == NULL)
			port_af_xdp_close(ports->entry[i].queue);
	}
	for (size_t i = 0; i < MERIDIAN_POLICY_NICS_MAX; i++) {
		if (ports->device[i])
			port_ethdev_close(ports->device[i]);
		ports->device[i] = NULL;
		clock_close(ports->clock[i]);
		ports->clock[i] = NULL;
	}
	free(ports->entry);
	free(ports->blob);
	ports->entry = NULL;
	ports->blob = NULL;
	ports->count = 0;
}

void ports_check_placement(const struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++) {
		const struct ports_entry *entry = &ports->entry[i];
		const struct port_ethdev *device = ports->device[entry->nic];
		int socket = device ? port_ethdev_socket(device) : -1;

		if (socket >= 0 && socket != eal_socket(entry->worker))
			log_warning("worker %u, on CPU %" PRIu32 " of memory node %d, polls %s, "
				    "which is at node %d: choose other `workers`",
				entry->worker, eal_core(entry->worker), eal_socket(entry->worker),
				nic_table(ports->blob)[entry->nic].name, socket);
	}
}

/* What becomes of the NIC's stamps, if control has seen to it that there are any. */
static uint8_t stamps_report(const struct ports *ports, uint64_t nic)
{
	const struct meridian_policy_nic *of = &nic_table(ports->blob)[nic];

	if (!stamps_are_used(of) || ports->clock[nic])
		return of->stamps;
	return of->phc ? MERIDIAN_NIC_STAMPS_unreadable : MERIDIAN_NIC_STAMPS_no_clock;
}

uint32_t ports_report(const struct ports *ports, struct meridian_stats_port *port)
{
	uint32_t count = 0;

	for (uint64_t n = 0; n < ports->blob->nics.count; n++) {
		const struct meridian_policy_nic *nic = &nic_table(ports->blob)[n];
		const struct port_ethdev *device = ports->device[n];
		struct meridian_stats_port report = {.xdp_mode = nic->xdp_mode, .zero_copy = 1};

		for (size_t i = 0; i < ports->count; i++) {
			if (ports->entry[i].nic != n)
				continue;
			report.queue_count++;
			report.stamp = (uint8_t)(ports->entry[i].queue->device_line
					? MERIDIAN_STAMP_nic
					: ports->entry[i].queue->stamp_source);
			report.zero_copy &=
				device == NULL && port_af_xdp_zero_copy(ports->entry[i].queue);
		}
		if (report.queue_count == 0)
			continue;
		report.nic_stamps = stamps_report(ports, n);
		report.bifurcated = nic->kind == MERIDIAN_NIC_BIFURCATED;
		if (device)
			port_ethdev_flow_report(device, &report);
		snprintf(report.name, sizeof(report.name), "%s", nic->name);
		snprintf(report.driver, sizeof(report.driver), "%s",
			device ? port_ethdev_driver(device) : PORT_AF_XDP_DRIVER);
		port[count++] = report;
	}
	return count;
}

void ports_count_missed(const struct ports *ports, struct meridian_stats_port *port, uint32_t count)
{
	for (uint32_t p = 0; p < count; p++) {
		uint64_t missed = 0;

		for (size_t i = 0; i < ports->count; i++) {
			const struct ports_entry *entry = &ports->entry[i];

			if (strcmp(nic_table(ports->blob)[entry->nic].name, port[p].name) != 0)
				continue;
			if (ports->device[entry->nic]) {
				missed = port_ethdev_missed(ports->device[entry->nic]);
				port_ethdev_flow_report(ports->device[entry->nic], &port[p]);
			} else {
				missed += port_af_xdp_missed(entry->queue);
			}
		}
		__atomic_store_n(&port[p].missed_packets, missed, __ATOMIC_RELAXED);
	}
}

/* What workers have counted of a queue. */
static void stamps_add(struct meridian_stats_clock *clock, const struct port_queue *queue)
{
	clock->believed += meridian_stats_get(&queue->stamps.believed);
	clock->transmit_late += meridian_stats_get(&queue->late);
	for (unsigned int i = 0; i < MERIDIAN_FAULT_COUNT; i++)
		clock->fault[i] += meridian_stats_get(&queue->stamps.fault[i]);
}

static void deliveries_report(
	const struct port_deliveries *deliveries, struct meridian_stats_clock *clock)
{
	clock->delivery_median_ns = port_deliveries_most_ns(deliveries, 50);
	clock->delivery_most_ns = port_deliveries_most_ns(deliveries, 99);
}

static void clock_describe(
	const struct ports *ports, const char *name, struct meridian_stats_clock *clock)
{
	struct port_deliveries deliveries = {.all = 0};

	for (size_t i = 0; i < ports->count; i++) {
		const struct ports_entry *entry = &ports->entry[i];

		if (strcmp(nic_table(ports->blob)[entry->nic].name, name) != 0)
			continue;
		stamps_add(clock, entry->queue);
		port_deliveries_add(&deliveries, entry->queue);
		clock->delivery_limit_ns = (uint64_t)entry->queue->delivery_ns;
		clock->transmit_delay_ns = entry->queue->transmit_delay_ns;
		clock->transmit = clock->transmit_delay_ns != 0 ? MERIDIAN_TRANSMIT_CONFIGURED
								: MERIDIAN_TRANSMIT_UNKNOWN;
		if (ports->device[entry->nic])
			port_ethdev_clock_report(ports->device[entry->nic], clock);
		else if (ports->clock[entry->nic])
			port_clock_report(ports->clock[entry->nic], clock);
		else if (entry->queue->device_line)
			clock->state = MERIDIAN_CLOCK_DOUBTED;
	}
	deliveries_report(&deliveries, clock);
}

static void words_store(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(uint64_t); i++)
		__atomic_store_n((uint64_t *)to + i, ((const uint64_t *)from)[i], __ATOMIC_RELAXED);
}

/* Interfaces stay the kernel's: control tells what it knows of their links. */
static void speeds_take(const struct ports *ports, const struct meridian_policy_blob *blob)
{
	for (size_t i = 0; i < ports->count; i++) {
		const struct ports_entry *entry = &ports->entry[i];
		uint32_t mbps =
			entry->nic < blob->nics.count ? nic_table(blob)[entry->nic].speed_mbps : 0;

		if (ports->device[entry->nic] == NULL)
			__atomic_store_n(&entry->queue->octet_ps,
				mbps ? PORT_OCTET_PS_MBPS / mbps : 0, __ATOMIC_RELAXED);
	}
}

void ports_turn(const struct ports *ports, const struct meridian_policy_blob *blob,
	uint8_t counter_id, uint64_t counter_hz, const struct meridian_stats_port *port,
	uint32_t count, struct meridian_stats_clock *ret_clock)
{
	for (size_t i = 0; i < MERIDIAN_POLICY_NICS_MAX; i++) {
		if (ports->device[i] && counter_hz != 0)
			port_ethdev_turn(ports->device[i], counter_id, counter_hz);
		if (ports->clock[i] && counter_hz != 0)
			port_clock_turn(ports->clock[i], counter_id, counter_hz);
	}
	speeds_take(ports, blob);
	for (uint32_t p = 0; p < count; p++) {
		struct meridian_stats_clock clock = {.state = MERIDIAN_CLOCK_NONE};

		clock_describe(ports, port[p].name, &clock);
		words_store(&ret_clock[p], &clock, sizeof(clock));
	}
}

void ports_report_takeover(const struct ports *ports, const struct meridian_stats_port *port,
	uint32_t count, struct meridian_stats_takeover *ret_takeover,
	struct meridian_stats_punt *ret_punt)
{
	for (uint32_t p = 0; p < count; p++) {
		struct meridian_stats_takeover takeover = {.to_kernel = 0};
		struct meridian_stats_punt punt = {.to_kernel = {0}};

		for (uint64_t n = 0; n < ports->blob->nics.count; n++) {
			if (ports->device[n] &&
				strcmp(nic_table(ports->blob)[n].name, port[p].name) == 0)
				port_ethdev_takeover_report(ports->device[n], &takeover, &punt);
		}
		words_store(&ret_punt[p], &punt, sizeof(punt));
		words_store(&ret_takeover[p], &takeover, sizeof(takeover));
	}
}

void ports_withdraw(const struct ports *ports)
{
	for (size_t i = 0; i < MERIDIAN_POLICY_NICS_MAX; i++) {
		if (ports->device[i])
			port_ethdev_withdraw(ports->device[i]);
	}
}

const char *ports_follow_policy(const struct ports *ports, const struct meridian_policy_blob *blob)
{
	const char *reason = NULL;

	for (size_t i = 0; i < MERIDIAN_POLICY_NICS_MAX && reason == NULL; i++) {
		if (ports->device[i])
			reason = port_ethdev_follow(ports->device[i], blob);
	}
	return reason;
}

const char *ports_outdated(const struct ports *ports, const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_blob *old = ports->blob;
	char name[IF_NAMESIZE];

	if (!policy_nics_same(old, blob))
		return "a NIC came, went or changed";
	if (!policy_queues_same(old, blob))
		return "queues were configured anew";
	for (uint64_t i = 0; i < old->nics.count; i++) {
		const struct meridian_policy_nic *nic = &nic_table(old)[i];

		if (nic->kind == MERIDIAN_NIC_AF_XDP && policy_nic_usable(nic) &&
			!if_indextoname(nic->ifindex, name))
			return "an interface went away";
	}
	return NULL;
}
