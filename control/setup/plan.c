/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"
#include "bifurcated.h"
#include "device.h"
#include "packet_memory.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static int refuse(
	char error[static PLAN_ERROR_SIZE], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, PLAN_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return -EPERM;
}

static int takeover_check(const struct nic *nic, char error[static PLAN_ERROR_SIZE])
{
	const struct pci *pci = &nic->pci;

	if (nic->interfaces > 1)
		return refuse(error,
			"%s: one driver, but %zu interfaces: it cannot be taken over for one of "
			"them; name that one, to serve by AF_XDP",
			nic->name, nic->interfaces);
	if (pci->iommu_group < 0)
		return refuse(error,
			"%s: no IOMMU guards the memory from it: switch it on in the firmware "
			"(VT-d, AMD-Vi) and for the kernel (intel_iommu=on), or name its "
			"interface, to serve by AF_XDP",
			nic->name);
	if (pci->other[0] != '\0')
		return refuse(error,
			"%s: %s is in the same IOMMU group %d and used by %s: both can only be "
			"taken from the kernel together; put the card into another slot, or unbind "
			"that one first",
			nic->name, pci->other, pci->iommu_group, pci->other_driver);
	return 0;
}

static int queues_check(const struct nic *nic, char error[static PLAN_ERROR_SIZE])
{
	unsigned int most = card_queues_max(&nic->card);

	if (nic->queues <= most || nic->use != NIC_AF_XDP)
		return 0;
	return refuse(error, "%s: has %u queue%s at most, %u are wanted", nic->name, most,
		most == 1 ? "" : "s", nic->queues);
}

/* Only the driver decides which mode a NIC can have. */
static int mode_check(const struct nic *nic, char error[static PLAN_ERROR_SIZE])
{
	const char *driver = nic->pci.driver[0] != '\0' ? nic->pci.driver : "none";

	if (nic->use != NIC_AF_XDP && bifurcated_without_rules(driver))
		return refuse(error,
			"%s: DPDK's driver needs the kernel's (%s) beside it, but has no flow "
			"rules to share the NIC by: name its interface, to serve by AF_XDP",
			nic->name, driver);
	if (nic->mode == NIC_MODE_TAKEOVER && nic->use == NIC_BIFURCATED)
		return refuse(error,
			"%s: its driver (%s) stays and shares the NIC with DPDK: say `mode "
			"bifurcated` in the config",
			nic->name, driver);
	if (nic->mode == NIC_MODE_BIFURCATED && nic->use == NIC_TAKEOVER)
		return refuse(error,
			"%s: `mode bifurcated` is for NICs whose driver is " BIFURCATED_DRIVERS
			", not %s: say `mode takeover` in the config, or name its interface, to "
			"serve by AF_XDP",
			nic->name, driver);
	return 0;
}

int plan_check(const struct nic *nic, bool force, char ret_error[static PLAN_ERROR_SIZE])
{
	char reason[DEVICE_REASON_SIZE];

	if (nic->use != NIC_AF_XDP && !nic->pci.is_network)
		return refuse(ret_error, "%s: this PCI device is no NIC", nic->name);
	if (nic->use == NIC_AF_XDP && !device_serves(nic->interface, &nic->link, reason))
		return refuse(ret_error, "%s: %s", nic->name, reason);
	if (nic->carries_default && !force)
		return refuse(ret_error,
			"%s: the default route leads out of it, so that this machine may become "
			"unreachable: choose another NIC, or add --force",
			nic->name);
	if (mode_check(nic, ret_error) < 0)
		return -EPERM;
	if (nic->use == NIC_TAKEOVER)
		return takeover_check(nic, ret_error);
	return queues_check(nic, ret_error);
}

static struct step *interface_step(struct steps *steps, enum step_kind kind, const struct nic *nic)
{
	struct step *step = steps_add(steps, kind, nic->interface);

	if (step != NULL)
		step->ifindex = nic->card.ifindex;
	return step;
}

static bool queues_are_right(const struct nic *nic)
{
	const struct ethtool_channels *now = &nic->card.channels;

	if (nic->queues == 0 || !nic->card.has_channels)
		return true;
	if (now->max_combined > 0)
		return now->combined_count == nic->queues && now->rx_count == 0;
	return now->rx_count == nic->queues && now->tx_count == nic->queues;
}

/* Drivers do not go below what a table of the operator's leads to, and keep such a table. */
static int plan_table(const struct nic *nic, struct steps *steps)
{
	struct step *step;

	if (nic->queues == 0 || card_table_is_even(&nic->card, card_queues(&nic->card)))
		return 0;
	step = interface_step(steps, STEP_TABLE, nic);
	if (step == NULL)
		return -ENOMEM;
	step->table_size = nic->card.table_size;
	memcpy(step->table, nic->card.table, sizeof(step->table));
	return 0;
}

static int plan_queues(const struct nic *nic, struct steps *steps)
{
	const struct ethtool_channels *now = &nic->card.channels;
	bool combined = now->max_combined > 0;
	struct step *step;

	if (queues_are_right(nic))
		return 0;
	step = interface_step(steps, STEP_QUEUES, nic);
	if (step == NULL)
		return -ENOMEM;
	step->from[0] = now->rx_count;
	step->from[1] = now->tx_count;
	step->from[2] = step->to[2] = now->other_count;
	step->from[3] = now->combined_count;
	step->to[0] = step->to[1] = combined ? 0 : nic->queues;
	step->to[3] = combined ? nic->queues : 0;
	return 0;
}

/* A client's port changes with each request: spread by it, a client has no worker of its own. */
static int plan_hash(const struct nic *nic, struct steps *steps)
{
	for (int flow = 0; flow < CARD_FLOWS; flow++) {
		struct step *step;

		if (!nic->card.has_hash[flow] || nic->card.hash[flow] == CARD_HASH_ADDRESSES ||
			nic_queues(nic) == 1)
			continue;
		step = interface_step(steps, STEP_HASH, nic);
		if (step == NULL)
			return -ENOMEM;
		step->from[0] = (int64_t)nic->card.hash[flow];
		step->to[0] = CARD_HASH_ADDRESSES;
		step->from[1] = flow;
	}
	return 0;
}

static int plan_stamps(const struct nic *nic, struct steps *steps)
{
	const struct hwtstamp_config *now = &nic->card.stamps;
	int filter = hwstamp_rx_filter(&nic->card.stamping);
	struct step *step;

	if (filter == HWTSTAMP_FILTER_NONE || !nic->card.has_stamps ||
		now->rx_filter == HWTSTAMP_FILTER_ALL ||
		(now->rx_filter == filter && now->tx_type == HWTSTAMP_TX_ON))
		return 0;
	step = interface_step(steps, STEP_STAMPS, nic);
	if (step == NULL)
		return -ENOMEM;
	step->from[0] = now->tx_type;
	step->from[1] = now->rx_filter;
	step->to[0] = HWTSTAMP_TX_ON;
	step->to[1] = filter;
	return 0;
}

static int plan_bind(const struct nic *nic, struct steps *steps)
{
	struct step *step;

	if (strcmp(nic->pci.driver, PCI_VFIO) == 0)
		return 0;
	step = steps_add(steps, STEP_BIND, nic->address);
	if (step == NULL)
		return -ENOMEM;
	strcpy(step->driver, nic->pci.driver);
	strcpy(step->override, nic->pci.override);
	strcpy(step->interface, nic->interface);
	step->from[0] = nic->card.is_up;
	return 0;
}

int plan_nic(const struct nic *nic, struct steps *steps)
{
	int r;

	if (nic->use == NIC_TAKEOVER)
		return plan_bind(nic, steps);
	if (nic->use == NIC_BIFURCATED)
		return 0;
	r = plan_table(nic, steps);
	if (r == 0)
		r = plan_queues(nic, steps);
	if (r == 0)
		r = plan_hash(nic, steps);
	return r == 0 ? plan_stamps(nic, steps) : r;
}

int plan_module(const char *module, struct steps *steps)
{
	return steps_add(steps, STEP_MODULE, module) != NULL ? 0 : -ENOMEM;
}

int plan_pages(const struct pages *pages, uint32_t memory_mb, struct steps *steps)
{
	int64_t need = (memory_mb + PACKET_MEMORY_PAGE_MB - 1) / PACKET_MEMORY_PAGE_MB;
	struct step *step;

	if (pages->ready >= need)
		return 0;
	step = steps_add(steps, STEP_PAGES, "");
	if (step == NULL)
		return -ENOMEM;
	step->from[0] = pages->total;
	step->to[0] = pages->total + need - pages->ready;
	step->from[1] = pages->node;
	return 0;
}

uint32_t plan_memory_mb(enum nic_use use, unsigned int queues)
{
	if (use == NIC_AF_XDP)
		return queues * PACKET_MEMORY_AF_XDP_QUEUE_MB;
	return packet_memory_device_mb(queues);
}
