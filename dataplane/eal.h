/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_EAL_H
#define DATAPLANE_EAL_H

/*
 * DPDK's environment: its arguments are composed here from the typed fields of the policy, and
 * nowhere else. Main thread only; once per process, EAL cannot be started twice.
 */

#include <meridian/policy.h>
#include <stdbool.h>

/*
 * Starts EAL with packet memory and one thread per worker of the policy, each on its core, chosen
 * here where none is configured; the calling thread stays off those cores where there is another.
 * `ret_memory` (MERIDIAN_MEMORY_*) says which kind of memory was chosen: hugepages when the policy
 * allows them and enough are free. Returns 0 or a negative errno after logging why.
 */
int eal_init(const struct meridian_policy_blob *blob, uint8_t *ret_memory);
void eal_fini(void);

/* NULL while EAL suits `blob` as well; else what a restart has to follow. Static storage. */
const char *eal_outdated(const struct meridian_policy_blob *blob);

/* Whether DPDK's errors are kept out of our log. At first they are not. */
void eal_mute(bool mute);

/* CPU of worker `worker`, and the NUMA node that this is of. */
uint32_t eal_core(unsigned int worker);
int eal_socket(unsigned int worker);

/* Runs `thread` with `argument` on the core of worker `worker`. Returns 0 or a negative errno. */
int eal_launch(unsigned int worker, int (*thread)(void *), void *argument);

/* Waits until the thread of worker `worker` has returned, which it was told to. Returns 0, or
 * -ETIMEDOUT when it hangs. */
int eal_join(unsigned int worker);

#endif
