/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_BIFURCATED_H
#define MERIDIAN_BIFURCATED_H

/* NICs that the kernel keeps while a driver of DPDK has queues of them beside it. */

#include <stdbool.h>
#include <string.h>

#define BIFURCATED_DRIVERS "mlx5_core, mlx4_core or mana"

/* Whether the kernel's driver of this name lets DPDK's own in beside it. */
static inline bool bifurcated_driver(const char *name)
{
	return strcmp(name, "mlx5_core") == 0 || strcmp(name, "mlx4_core") == 0 ||
		strcmp(name, "mana") == 0;
}

#endif
