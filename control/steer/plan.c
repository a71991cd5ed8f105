/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"
#include <string.h>

static void nic_plan(struct plan *plan, struct config_nic *nic)
{
	bool is_pci = config_nic_is_pci(nic);

	if (is_pci && nic->queue_count == 0)
		nic->queue_count = (uint16_t)plan->worker_count;
	if (config_nic_is_virtual(nic))
		return;
	plan->interface_count++;
	plan->xdp_count += !is_pci;
}

void plan_init(struct plan *plan, const struct config *config)
{
	memset(plan, 0, sizeof(*plan));
	memcpy(plan->rundir, config->rundir, sizeof(plan->rundir));
	memcpy(plan->nic, config->nic, sizeof(plan->nic));
	plan->nic_count = config->nic_count;
	plan->memory_mb = config->memory_mb;
	plan->hugepages = config->hugepages;
	for (size_t i = 0; i < config->worker_count; i++)
		plan->worker[i].core = config->worker_core[i];
	plan->worker_count = config->worker_count;
	if (plan->worker_count == 0) {
		plan->worker[0].core = MERIDIAN_CORE_ANY;
		plan->worker_count = 1;
	}
	for (size_t i = 0; i < plan->nic_count; i++)
		nic_plan(plan, &plan->nic[i]);
}

static bool nic_same(const struct config_nic *a, const struct config_nic *b)
{
	return strcmp(a->name, b->name) == 0 && a->queue_count == b->queue_count &&
		a->generic == b->generic && a->stamps == b->stamps && a->phc == b->phc &&
		a->rxcomp_ns == b->rxcomp_ns && a->delivery_us == b->delivery_us &&
		a->txcomp_ns == b->txcomp_ns && a->txtime_ns == b->txtime_ns &&
		strcmp(a->device.text, b->device.text) == 0 && strcmp(a->tap, b->tap) == 0 &&
		a->bifurcated == b->bifurcated && a->punt_pps == b->punt_pps &&
		a->address_count == b->address_count &&
		memcmp(a->address, b->address, a->address_count * sizeof(a->address[0])) == 0;
}

static bool nics_same(const struct plan *a, const struct plan *b)
{
	if (a->nic_count != b->nic_count)
		return false;
	for (size_t i = 0; i < a->nic_count; i++) {
		if (!nic_same(&a->nic[i], &b->nic[i]))
			return false;
	}
	return true;
}

const char *plan_difference(const struct plan *a, const struct plan *b)
{
	if (!nics_same(a, b))
		return "nic";
	if (a->worker_count != b->worker_count ||
		memcmp(a->worker, b->worker, sizeof(a->worker)) != 0)
		return "workers";
	if (a->memory_mb != b->memory_mb)
		return "memory";
	if (a->hugepages != b->hugepages)
		return "hugepages";
	return NULL;
}

size_t plan_queues(const struct plan *plan, const struct meridian_policy_nic *nics, size_t count,
	struct meridian_policy_queue *queues)
{
	size_t written = 0;

	for (size_t i = 0; i < count; i++) {
		for (uint16_t queue = 0; queue < nics[i].queue_count; queue++) {
			queues[written] = (struct meridian_policy_queue){.nic = (uint16_t)i,
				.queue = queue,
				.worker = (uint16_t)(written % plan->worker_count)};
			written++;
		}
	}
	return written;
}
