/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAP_H
#define DATAPLANE_TAP_H

/*
 * A TAP device: the interface that stands in the kernel for a NIC which it has lost. It stays when
 * we end, with its addresses and routes, but without carrier, and is taken over again by the next
 * process. Main thread only, but for the descriptor.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct tap {
	int fd;    /* a frame for each read(2) and write(2), which do not block */
	int link;  /* a socket to configure it by */
	int flags; /* what sysfs says of it; -1: nothing */
	char name[IFNAMSIZ];
};

/*
 * Makes the device, or takes over one of that name, and gives it the MAC address. Returns 0, or,
 * with nothing left open, -EBUSY when another process has it, -EINVAL when an interface of that
 * name is no TAP device, -ENOENT when the kernel has none, or another negative errno.
 */
int tap_open(struct tap *tap, const char *name, const uint8_t mac[static 6]);
/* The device stays in the kernel. */
void tap_close(struct tap *tap);

/* What whoever configures interfaces may change. */
struct tap_state {
	int mtu; /* octets */
	uint8_t mac[6];
	bool promiscuous; /* somebody wants all frames: a bridge, tcpdump */
};

/* Returns 0 or a negative errno: the device was deleted, or has another name. */
int tap_look(const struct tap *tap, struct tap_state *ret_state);

int tap_set_mtu(const struct tap *tap, int mtu);
int tap_set_mac(const struct tap *tap, const uint8_t mac[static 6]);

/* Whether the kernel sees a link. Returns 0 or a negative errno. */
int tap_set_carrier(const struct tap *tap, bool carrier);

#endif
