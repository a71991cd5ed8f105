/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_ETHDEV_QUEUE_H
#define DATAPLANE_ETHDEV_QUEUE_H

/* A queue of a device of DPDK, as a worker polls it. What the device is, and who opens it, is
 * port_ethdev.h's. */

#include "port.h"
#include "punt.h"
#include "wire_stamps.h"

struct ethdev_queue {
	struct port_queue base;
	struct port_operations operations;
	uint16_t port_id, queue_id;
	/* Where the driver puts its stamps, if stamp_flag is not 0. */
	int stamp_offset;
	uint64_t stamp_flag;
	uint32_t stamp_unit; /* ns, of those that are no ticks of a device */
	/* Where the driver takes the time to send at, and the flag that says so. */
	int time_offset;
	uint64_t time_flag;

	/* Of a NIC that was taken over. The counts are read by others. */
	struct punt *punt;
	struct punt_queue punted;
	/* Of its queue that sends for the kernel, too: how it receives. */
	unsigned int (*receive)(struct port_queue *queue, struct port_packet packet[PORT_BURST]);
	uint64_t from_kernel, unsent; /* frames that were sent, and that had no room */
	struct wire_stamps *wire;     /* where times of the kernel's questions are noted; or NULL */
};

/* A queue without stamps. It must not move afterwards. */
void ethdev_queue_init(struct ethdev_queue *queue, uint16_t port_id, uint16_t queue_id);

/* From now on its packets have the driver's stamps, as far as they have one: of `source`;
 * of MERIDIAN_STAMP_nic, in ticks for its device_line. */
void ethdev_queue_stamp(struct ethdev_queue *queue, enum meridian_stamp source);

/* From now on, when a sample of `transmit` is wanted, the driver is to stamp when it leaves. */
void ethdev_queue_sample(struct ethdev_queue *queue, struct port_transmit *transmit);

/* From now on the driver is to send at the time that `transmit` says, as long as that can be told:
 * in a packet's field at `offset`, with `flag`. */
void ethdev_queue_time(
	struct ethdev_queue *queue, struct port_transmit *transmit, int offset, uint64_t flag);

/* What is not for us goes to the kernel by `punt`; if `sends`, the queue sends what the kernel
 * wants sent, which one queue of a device does. */
void ethdev_queue_punt(struct ethdev_queue *queue, struct punt *punt, bool sends);

/* From now on `wire` is told when questions of NTP leave, and when their answers come. */
void ethdev_queue_note(struct ethdev_queue *queue, struct wire_stamps *wire);

/* The device is started: a worker with nothing to do may watch the queue, if the driver can. */
void ethdev_queue_watch(struct ethdev_queue *queue);

#endif
