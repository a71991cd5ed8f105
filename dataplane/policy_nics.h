/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_POLICY_NICS_H
#define DATAPLANE_POLICY_NICS_H

/* What a policy says of NICs and queues, and whether another one says the same. Pure. */

#include <meridian/policy.h>
#include <stdbool.h>

static inline const struct meridian_policy_nic *nic_table(const struct meridian_policy_blob *blob)
{
	return MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);
}

static inline const struct meridian_policy_queue *queue_table(
	const struct meridian_policy_blob *blob)
{
	return MERIDIAN_POLICY_TABLE(blob, queues, struct meridian_policy_queue);
}

/* Name and arguments of a virtual device, such as "net_null0,size=64"; NULL: it is none. */
const char *policy_nic_device(
	const struct meridian_policy_blob *blob, const struct meridian_policy_nic *nic);

/* Whether DPDK has the NIC by its PCI address, alone or beside the kernel. */
bool policy_nic_is_pci(const struct meridian_policy_nic *nic);

/* Whether there is anything to open. */
bool policy_nic_usable(const struct meridian_policy_nic *nic);

/* Whether ports of one policy serve the other as well. */
bool policy_nics_same(const struct meridian_policy_blob *a, const struct meridian_policy_blob *b);
bool policy_queues_same(const struct meridian_policy_blob *a, const struct meridian_policy_blob *b);

#endif
