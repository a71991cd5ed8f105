/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_BIFURCATED_H
#define MERIDIAN_BIFURCATED_H

/* NICs that the kernel keeps while a driver of DPDK has queues of them beside it. */

#include <stdbool.h>
#include <string.h>

/* The kernel's drivers that let DPDK's own in beside them: X(name, separator in a list). */
#define BIFURCATED_DRIVERS_(X)                                                                     \
	X("mlx5_core", "")                                                                         \
	X("mlx4_core", " or ")

#define BIFURCATED_NAME_(name, separator) separator name
#define BIFURCATED_DRIVERS                BIFURCATED_DRIVERS_(BIFURCATED_NAME_)

/* Whether the kernel's driver of this name is one. */
static inline bool bifurcated_driver(const char *name)
{
#define BIFURCATED_IS_(driver, separator) || strcmp(name, driver) == 0
	return false BIFURCATED_DRIVERS_(BIFURCATED_IS_);
#undef BIFURCATED_IS_
}

/* Whether DPDK's driver needs the kernel's beside it, but has no flow rules: such a NIC can neither
 * be shared nor taken over. */
static inline bool bifurcated_without_rules(const char *name)
{
	return strcmp(name, "mana") == 0;
}

#endif
