/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_PACKET_MEMORY_H
#define MERIDIAN_PACKET_MEMORY_H

/* Packet memory of a dataplane, about, with which it sizes its pools and meridian-setup the
 * hugepages. */

#include <stdint.h>

#define PACKET_MEMORY_PAGE_MB         2  /* size of a hugepage */
#define PACKET_MEMORY_BASE_MB         16 /* what DPDK takes besides the queues, with a reserve */
#define PACKET_MEMORY_AF_XDP_QUEUE_MB 11
#define PACKET_MEMORY_DEVICE_MB       2 /* what a driver of DPDK takes besides its queues */
#define PACKET_MEMORY_DEVICE_QUEUE_MB 20

/* Of a device with a driver of DPDK's. */
static inline uint32_t packet_memory_device_mb(uint32_t queues)
{
	return PACKET_MEMORY_DEVICE_MB + queues * PACKET_MEMORY_DEVICE_QUEUE_MB;
}

#endif
