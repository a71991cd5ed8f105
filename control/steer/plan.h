/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_PLAN_H
#define CONTROL_STEER_PLAN_H

/* The part of the config that holds until control restarts, copied: a reload frees the config that
 * it came from. Pure. */

#include "config.h"

struct plan {
	char rundir[CONFIG_PATH_SIZE];
	struct config_nic nic[MERIDIAN_POLICY_NICS_MAX];
	size_t nic_count;
	size_t interface_count; /* of these, with an interface in the kernel */
	size_t xdp_count;       /* of those, which XDP steers */
	struct meridian_policy_worker worker[MERIDIAN_POLICY_WORKERS_MAX];
	size_t worker_count; /* at least 1 */
	uint32_t memory_mb;
	uint8_t hugepages;
};

/* Takes the plan out of a config. Without `workers`: one, on a core that the dataplane
 * chooses, since only it knows which it may run on. */
void plan_init(struct plan *plan, const struct config *config);

/* Names the first directive in which two plans differ, or NULL when they are the same. */
const char *plan_difference(const struct plan *a, const struct plan *b);

/* Deals the queues of `count` interfaces to the plan's workers in turn. Returns how many entries
 * of `queues` (room for NICS_MAX * QUEUES_MAX) it wrote. */
size_t plan_queues(const struct plan *plan, const struct meridian_policy_nic *nics, size_t count,
	struct meridian_policy_queue *queues);

#endif
