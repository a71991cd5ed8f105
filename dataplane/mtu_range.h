/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_MTU_RANGE_H
#define DATAPLANE_MTU_RANGE_H

/*
 * What MTU a NIC can have that was taken over: by its driver, and by the buffers in which a frame
 * may lie. Pure.
 */

#include <rte_ethdev.h>
#include <stdbool.h>
#include <stdint.h>

#define MTU_BUFFERS_MAX 8 /* of a frame */

/* In octets of what an Ethernet frame carries, VLAN tags not counted. */
struct mtu_range {
	uint16_t least, most;
	uint16_t one_buffer; /* up to here a frame lies in one buffer, and the port need not scatter
			      */
	bool scatters;       /* its driver can have a frame in several */
};

/* As the driver tells of a device in `info`. */
struct mtu_range mtu_range(const struct rte_eth_dev_info *info);

/* The MTU of the range that is nearest to `mtu`. */
uint16_t mtu_nearest(const struct mtu_range *range, int mtu);

/* How many buffers a frame takes at most: 1 to MTU_BUFFERS_MAX. */
unsigned int mtu_buffers(uint16_t mtu);

#endif
