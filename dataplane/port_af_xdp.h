/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_AF_XDP_H
#define DATAPLANE_PORT_AF_XDP_H

/*
 * One receive and transmit queue of a network interface, by DPDK's AF_XDP driver: the kernel
 * keeps the interface, an XDP program that control attached hands us NTP. One DPDK device per
 * queue, since the driver of DPDK 22.11 refuses several queues on some interfaces (veth).
 */

#include "port.h"
#include <meridian/policy.h>

#define PORT_AF_XDP_DRIVER "net_af_xdp"
#define PORT_AF_XDP_MAX    32 /* queues open at a time: the devices of DPDK as Debian builds it */

/*
 * Whether the interface of `nic` has the XDP program attached that the policy names, and that
 * sends from the map that the policy names. Without it, libxdp attaches one of its own that takes
 * all traffic of a queue. Needs CAP_SYS_ADMIN.
 */
bool port_af_xdp_ready(const struct meridian_policy_nic *nic);

/*
 * Opens queue `queue` of `nic`, with packet buffers of its own. EAL is up. Returns 0, or, with
 * nothing left open,
 *   -EAGAIN   port_af_xdp_ready() did not hold, or no longer held once the socket was bound
 *   -EBUSY    the socket could not be bound: another one may still hold the queue
 *   -ENOBUFS  the buffers do not fit into the packet memory
 *   -ENOMEM   there is no other memory
 *   -EINVAL   the interface's name cannot be handed to DPDK
 */
int port_af_xdp_open(
	struct port_queue **ret_queue, const struct meridian_policy_nic *nic, uint16_t queue);

/* No worker polls the queue any more. */
void port_af_xdp_close(struct port_queue *queue);

/* Packets for the queue that were lost since it was opened: the ring or the buffers ran out. What a
 * NIC in zero-copy mode drops for want of buffers, only the NIC counts. A system call. */
uint64_t port_af_xdp_missed(const struct port_queue *queue);

/* Whether the NIC writes packets into our buffers itself (zero-copy mode). */
bool port_af_xdp_zero_copy(const struct port_queue *queue);

#endif
