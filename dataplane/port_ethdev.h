/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_ETHDEV_H
#define DATAPLANE_PORT_ETHDEV_H

/*
 * A device of DPDK with its queues: a NIC that was taken over from the kernel, one that is shared
 * with it, or a virtual device (memif, virtio-user, vhost, af_packet, ring ...).
 *
 * A virtual device is ours alone, with all that arrives. Its link may come and go with a peer; that
 * is the driver's business, and nothing is received while it is down. The memif driver of
 * DPDK 22.11 has no lock between its interrupt thread, which unmaps the memory of a peer that died,
 * and a burst that reads it: unmap_guard.h stands in for one.
 *
 * What comes to a NIC and is no NTP for us is handed to the kernel (takeover.h), and what the
 * kernel wants sent leaves by its first queue. Where the NIC can, all packets of a client come by
 * one queue.
 *
 * A shared device gives us what flow rules match (bifurcation.h). It may be a virtual one, too:
 * net_tap with an interface of the kernel as its `remote`.
 *
 * Whether such a device stamps what it receives, and with which clock, is in stamp_driver.h; else
 * T2 is when the worker takes the packet.
 */

#include "port.h"
#include "wire_stamps.h"
#include <meridian/policy.h>
#include <stddef.h>

struct port_ethdev;

/*
 * Makes the device of `text` (struct meridian_policy_device) and starts the receive and transmit
 * queues that `nic` wants, with packet buffers of its own. EAL is up. Returns 0, or, with nothing
 * left open and a reason in `ret_error` (a string of `size` octets):
 *
 *   -ENOBUFS  the buffers do not fit into the packet memory
 *   -ENOMEM   there is no other memory
 *   -ENODEV   DPDK refuses the device, or it cannot have so many queues, or cannot send at given
 *             times as `nic` wants it to
 */
int port_ethdev_open(struct port_ethdev **ret_device, const char *text,
	const struct meridian_policy_nic *nic, char *ret_error, size_t size);

/*
 * The same of the NIC of `nic` (MERIDIAN_NIC_TAKEOVER), which EAL has found, and of its TAP device.
 * `nic` must stay valid. The packet buffers are of the NIC's own memory node. Returns -EBUSY, too,
 * when another process has the TAP device.
 */
int port_ethdev_take_over(struct port_ethdev **ret_device, const struct meridian_policy_nic *nic,
	char *ret_error, size_t size);

/*
 * The same of a device that is shared with the kernel (MERIDIAN_NIC_BIFURCATED): a virtual one of
 * `text`, or, with NULL, a NIC which EAL has found; with rules for the addresses of `blob`.
 * -ENODEV, too, when its driver does not isolate flows or takes no rule.
 */
int port_ethdev_share(struct port_ethdev **ret_device, const char *text,
	const struct meridian_policy_nic *nic, const struct meridian_policy_blob *blob,
	char *ret_error, size_t size);

/* Before a worker starts: `wire` is told of questions of NTP that the kernel sends by a NIC that
 * was taken over, and of their answers. Returns false, and does nothing, if it is another device.
 */
bool port_ethdev_note(struct port_ethdev *device, struct wire_stamps *wire);

/* About ten times a second, with the current policy, what takeover_turn() or bifurcation_turn()
 * does. NULL, or why only a restart can follow; static storage. */
const char *port_ethdev_follow(struct port_ethdev *device, const struct meridian_policy_blob *blob);

/* Leaves all that comes to a shared device to the kernel, before workers stop. */
void port_ethdev_withdraw(struct port_ethdev *device);

/* The NUMA node that the device is at; -1: it does not matter. */
int port_ethdev_socket(const struct port_ethdev *device);

/* No worker polls a queue of the device any more. */
void port_ethdev_close(struct port_ethdev *device);

/* Queue `index` of the device, which owns it. */
struct port_queue *port_ethdev_queue(struct port_ethdev *device, uint16_t index);

/* Name of the device's driver. Static storage. */
const char *port_ethdev_driver(const struct port_ethdev *device);

/* Reads the device's clock, if it stamps with one, the speed of its link and, where no delay was
 * set by hand, a transmit stamp. About ten times a second, once the counter is known. */
void port_ethdev_turn(struct port_ethdev *device, uint8_t counter_id, uint64_t counter_hz);

/* Describes that clock and the way to the wire, as far as measured; nothing if there is no clock.
 */
void port_ethdev_clock_report(
	const struct port_ethdev *device, struct meridian_stats_clock *ret_report);

/* Adds what went between a NIC that was taken over and the kernel, of what comes to it by class,
 * too; nothing of another device. */
void port_ethdev_takeover_report(const struct port_ethdev *device,
	struct meridian_stats_takeover *ret_report, struct meridian_stats_punt *ret_classes);

/* Tells of the flow rules of a shared device; nothing of another device. */
void port_ethdev_flow_report(
	const struct port_ethdev *device, struct meridian_stats_port *ret_report);

/* Packets that were lost since the device was opened for want of room or of buffers, as far as its
 * driver counts them. */
uint64_t port_ethdev_missed(const struct port_ethdev *device);

#endif
