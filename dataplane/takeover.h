/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAKEOVER_H
#define DATAPLANE_TAKEOVER_H

/*
 * A NIC that the kernel has given up, and the TAP device that stands for it there: with its MAC
 * address and its link, and the NIC with the TAP device's MTU, and promiscuous if it is. What goes
 * between them is punt.h's. Main thread only.
 */

#include "mtu_range.h"
#include "punt.h"
#include "tap.h"
#include <meridian/policy.h>
#include <meridian/stats.h>
#include <stddef.h>

struct takeover {
	struct tap tap;
	struct punt *punt; /* NULL: not started */
	const char *name;  /* of the NIC, for messages */
	uint16_t port_id;
	struct mtu_range range;
	bool scatters;  /* the port is to be started for frames in several buffers, or was */
	uint16_t mtu;   /* of the NIC */
	uint8_t mac[6]; /* of both */
	bool promiscuous;
	bool stuck;         /* the TAP device could not be set back, and that was said */
	bool link;          /* as the kernel was told */
	uint32_t link_mbps; /* 0: no link; UINT32_MAX: of unknown speed */
};

/*
 * Makes the TAP device for a port of DPDK that is not configured yet, and finds out the MTU to
 * configure, and whether for frames in several buffers. `nic` must stay valid. Returns 0, or, with
 * nothing left open and a reason in `ret_error` (a string of `size` octets), -EBUSY when another
 * process has it, or -ENODEV.
 */
int takeover_open(struct takeover *takeover, const struct meridian_policy_nic *nic,
	uint16_t port_id, char *ret_error, size_t size);

/* The port was started, with packet buffers of `pool`: frames go between it and the kernel from now
 * on. Returns 0 or as takeover_open(), except that takeover_close() is still to be called. */
int takeover_start(struct takeover *takeover, const struct meridian_policy_nic *nic,
	struct rte_mempool *pool, char *ret_error, size_t size);

/* Before the port is stopped. The TAP device stays, without carrier. */
void takeover_close(struct takeover *takeover);

/* About ten times a second: the kernel follows the NIC's link, and the NIC the TAP device's MTU
 * and promiscuity; the TAP device keeps the NIC's MAC address, and gets back an MTU that the NIC
 * cannot have. Returns NULL, or why only a restart can follow, such as that the TAP device is gone;
 * static storage. */
const char *takeover_turn(struct takeover *takeover);

/* Tells of the TAP device, the link, and the frames that the kernel refused. */
void takeover_report(const struct takeover *takeover, struct meridian_stats_takeover *ret_report);

#endif
