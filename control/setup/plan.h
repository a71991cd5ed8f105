/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_PLAN_H
#define CONTROL_SETUP_PLAN_H

/*
 * From what there is and what is wanted to the steps that lead there. Who is there already gets
 * none. Pure, but for memory. All return 0; or -EPERM, with the reason why it is refused in
 * ret_error; or -ENOMEM.
 */

#include "inspect.h"
#include "pages.h"
#include "step.h"

#define PLAN_ERROR_SIZE 512

/* Whether the NIC can be prepared; `force`: also the one that the default route needs. */
int plan_check(const struct nic *nic, bool force, char ret_error[static PLAN_ERROR_SIZE]);

/* What a checked NIC itself needs: queues, RSS, time stamps; or the driver for DPDK. */
int plan_nic(const struct nic *nic, struct steps *steps);

/* A module of the kernel. */
int plan_module(const char *module, struct steps *steps);

/* Hugepages for so much packet memory. */
int plan_pages(const struct pages *pages, uint32_t memory_mb, struct steps *steps);

/* Packet memory that a dataplane takes for a NIC (see packet_memory.h). */
uint32_t plan_memory_mb(enum nic_use use, unsigned int queues);

#endif
