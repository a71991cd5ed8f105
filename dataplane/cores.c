/* SPDX-License-Identifier: BSD-3-Clause */
#include "cores.h"
#include <errno.h>
#include <stdbool.h>

static bool core_in(uint32_t core, const cpu_set_t *set)
{
	return core < CPU_SETSIZE && CPU_ISSET(core, set);
}

/* `set` is not empty. */
static uint32_t last_core(const cpu_set_t *set)
{
	uint32_t core = CPU_SETSIZE - 1;

	while (core > 0 && !CPU_ISSET(core, set))
		core--;
	return core;
}

int cores_choose(const struct meridian_policy_worker *workers, size_t count,
	const cpu_set_t *allowed, uint32_t *ret_core, size_t *ret_wrong)
{
	cpu_set_t rest;

	for (size_t i = 0; i < count; i++) {
		ret_core[i] = workers[i].core;
		if (workers[i].core != MERIDIAN_CORE_ANY && !core_in(workers[i].core, allowed)) {
			*ret_wrong = i;
			return -EINVAL;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (ret_core[i] != MERIDIAN_CORE_ANY)
			continue;
		cores_rest(ret_core, count, allowed, &rest);
		ret_core[i] = last_core(&rest);
	}
	return 0;
}

void cores_rest(const uint32_t *core, size_t count, const cpu_set_t *allowed, cpu_set_t *ret_rest)
{
	*ret_rest = *allowed;
	for (size_t i = 0; i < count; i++) {
		if (core[i] < CPU_SETSIZE)
			CPU_CLR(core[i], ret_rest);
	}
	if (CPU_COUNT(ret_rest) == 0)
		*ret_rest = *allowed;
}
