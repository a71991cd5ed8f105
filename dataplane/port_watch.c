/* SPDX-License-Identifier: BSD-3-Clause */

/* rte_power_monitor() and what it needs are experimental in DPDK 22.11. */
#define ALLOW_EXPERIMENTAL_API

#include "port_watch.h"
#include <rte_cpuflags.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_power_intrinsics.h>

bool port_watch_possible(uint16_t port_id, uint16_t queue_id)
{
	struct rte_power_monitor_cond condition;
	struct rte_cpu_intrinsics cpu;

	rte_cpu_get_intrinsics_support(&cpu);
	return cpu.power_monitor && rte_eth_get_monitor_addr(port_id, queue_id, &condition) == 0;
}

void port_watch(uint16_t port_id, uint16_t queue_id, uint32_t ns)
{
	struct rte_power_monitor_cond condition;
	uint64_t ticks = rte_get_tsc_hz() / 1000000 * ns / 1000;

	if (rte_eth_get_monitor_addr(port_id, queue_id, &condition) == 0)
		rte_power_monitor(&condition, rte_get_tsc_cycles() + ticks);
}
