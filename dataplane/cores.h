/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CORES_H
#define DATAPLANE_CORES_H

/* Which CPU each worker runs on, and which are left to the main thread. All pure. */

#include <meridian/policy.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Chooses CPUs for `count` workers out of those `allowed`. A configured core stays as it is; for
 * MERIDIAN_CORE_ANY it is the last CPU that no other worker has, or the last of all when each is
 * taken; one of those `near` the NICs, if there is one among them. Returns 0, or -EINVAL and the
 * number of a worker whose core is not allowed.
 */
int cores_choose(const struct meridian_policy_worker *workers, size_t count,
	const cpu_set_t *allowed, const cpu_set_t *near, uint32_t *ret_core, size_t *ret_wrong);

/* Reads a list as the kernel writes it, "0-3,8", with or without an end of line; an empty one has
 * no CPUs. CPUs above CPU_SETSIZE are left out. Returns 0, or -EINVAL. */
int cores_parse(const char *list, cpu_set_t *ret_set);

/* The CPUs of `allowed` without a worker, or all when every one has one. */
void cores_rest(const uint32_t *core, size_t count, const cpu_set_t *allowed, cpu_set_t *ret_rest);

#endif
