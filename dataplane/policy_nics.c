/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy_nics.h"
#include <string.h>

bool policy_nic_is_pci(const struct meridian_policy_nic *nic)
{
	return nic->kind == MERIDIAN_NIC_TAKEOVER ||
		(nic->kind == MERIDIAN_NIC_BIFURCATED &&
			nic->device == MERIDIAN_POLICY_DEVICE_NONE);
}

const char *policy_nic_device(
	const struct meridian_policy_blob *blob, const struct meridian_policy_nic *nic)
{
	if (nic->kind == MERIDIAN_NIC_AF_XDP || policy_nic_is_pci(nic))
		return NULL;
	return MERIDIAN_POLICY_TABLE(blob, devices, struct meridian_policy_device)[nic->device]
		.text;
}

bool policy_nic_usable(const struct meridian_policy_nic *nic)
{
	if (nic->kind != MERIDIAN_NIC_AF_XDP)
		return true;
	return nic->ifindex != 0 && nic->xdp_program_id != 0 && nic->xdp_mode != MERIDIAN_XDP_NONE;
}

/* A TAP device comes and changes by our own doing. */
static bool nic_same(const struct meridian_policy_nic *a, const struct meridian_policy_nic *b)
{
	if (a->kind != b->kind || policy_nic_usable(a) != policy_nic_usable(b) ||
		strcmp(a->name, b->name) != 0 || a->rxcomp_ns != b->rxcomp_ns ||
		a->txcomp_ns != b->txcomp_ns || a->txtime_ns != b->txtime_ns ||
		a->delivery_us != b->delivery_us)
		return false;
	if (a->kind == MERIDIAN_NIC_TAKEOVER)
		return a->queue_count == b->queue_count && a->punt_pps == b->punt_pps &&
			strcmp(a->tap, b->tap) == 0;
	return !policy_nic_usable(a) ||
		(a->ifindex == b->ifindex && a->queue_count == b->queue_count &&
			a->xdp_mode == b->xdp_mode && a->xsks_map_id == b->xsks_map_id &&
			a->phc == b->phc && a->stamps == b->stamps &&
			memcmp(a->mac, b->mac, sizeof(a->mac)) == 0);
}

static bool device_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool policy_nics_same(const struct meridian_policy_blob *a, const struct meridian_policy_blob *b)
{
	if (a->nics.count != b->nics.count)
		return false;
	for (uint64_t i = 0; i < a->nics.count; i++) {
		const struct meridian_policy_nic *nic = &nic_table(a)[i];
		const struct meridian_policy_nic *other = &nic_table(b)[i];

		if (!nic_same(nic, other) ||
			!device_same(policy_nic_device(a, nic), policy_nic_device(b, other)))
			return false;
	}
	return true;
}

bool policy_queues_same(const struct meridian_policy_blob *a, const struct meridian_policy_blob *b)
{
	return a->queues.count == b->queues.count &&
		memcmp(queue_table(a), queue_table(b), a->queues.count * sizeof(*queue_table(a))) ==
		0;
}
