/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_NETWORK_H
#define CONTROL_STEER_NETWORK_H

/*
 * What the kernel says about interfaces and addresses. Each call asks anew and keeps nothing;
 * network_follow() says when it is worth asking again.
 */

#include "addresses.h"
#include <stdint.h>

struct network_nic {
	uint32_t ifindex;
	uint32_t mtu;
	uint16_t rx_queues; /* in use, at least 1 */
	uint8_t mac[6];
	bool strips_vlan; /* takes VLAN tags off before XDP sees the frame */
};

/* Looks an interface up by name. Returns 0, -ENODEV when there is none, or a negative errno. */
int network_nic(const char *name, struct network_nic *ret_nic);

/* Receive queues in use, which `ethtool -L` changes without a notification; 0 when the driver does
 * not tell. */
uint16_t network_rx_queues(const char *name);

/* Appends the usable (not tentative) addresses of `count` interfaces, and the addresses of
 * global scope on the loopback interface. Returns 0 or a negative errno. */
int network_nic_addresses(const uint32_t *ifindex, size_t count, struct addresses *addresses);

/* Appends the addresses of all interfaces, without netlink. Returns 0 or a negative errno. */
int network_host_addresses(struct addresses *addresses);

/* Calls `changed` from the event loop whenever an interface or address has changed; at most one
 * follower. Returns 0 or a negative errno. */
int network_follow(void (*changed)(void));
void network_unfollow(void);

#endif
