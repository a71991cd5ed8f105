/* SPDX-License-Identifier: BSD-3-Clause */
#include "cores.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

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
	const cpu_set_t *allowed, const cpu_set_t *near, uint32_t *ret_core, size_t *ret_wrong)
{
	cpu_set_t rest, local;

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
		CPU_AND(&local, &rest, near);
		ret_core[i] = last_core(CPU_COUNT(&local) > 0 ? &local : &rest);
	}
	return 0;
}

/* Returns what follows it; NULL if it is none. */
static const char *number_parse(const char *text, unsigned long *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	*ret_number = strtoul(text, &end, 10);
	return end;
}

/* "8" or "0-3". Returns what follows it; NULL if it is neither. */
static const char *range_parse(const char *text, cpu_set_t *set)
{
	unsigned long first = 0, last;

	text = number_parse(text, &first);
	last = first;
	if (text && *text == '-')
		text = number_parse(text + 1, &last);
	if (text == NULL || last < first)
		return NULL;
	for (unsigned long core = first; core <= last && core < CPU_SETSIZE; core++)
		CPU_SET(core, set);
	return text;
}

int cores_parse(const char *list, cpu_set_t *ret_set)
{
	CPU_ZERO(ret_set);
	while (*list != '\0' && *list != '\n') {
		list = range_parse(list, ret_set);
		if (list == NULL || (*list != ',' && *list != '\0' && *list != '\n'))
			return -EINVAL;
		list += *list == ',';
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
