/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_LOCAL_CPUS_H
#define DATAPLANE_LOCAL_CPUS_H

/* Which CPUs are near the NICs: of the memory node that these are at. */

#include <meridian/policy.h>
#include <sched.h>

/* Of those that are near all NICs of `blob`, as far as the kernel tells. None: they are at
 * different nodes, or it tells of none. */
void local_cpus(const struct meridian_policy_blob *blob, cpu_set_t *ret_cpus);

#endif
