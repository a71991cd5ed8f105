/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_KERNEL_H
#define LOAD_KERNEL_H

/* What the kernel knows of an interface that it shares with us: addresses, neighbours, drops. */

#include "address.h"

/* The interface's MAC address. 0 or a negative errno. */
int kernel_mac(const char *interface, uint8_t ret_mac[6]);

/* Up to `max` addresses of the interface; IPv6 link-local ones last. Returns how many. */
unsigned int kernel_addresses(
	const char *interface, struct address *ret_addresses, unsigned int max);

/*
 * The MAC address to which the kernel sends packets for `target`, that of a gateway perhaps, by
 * way of `interface`. Makes the kernel ask for it and waits up to 3 s. Returns 0, -ENETUNREACH
 * without a route by that interface, -EHOSTUNREACH when nobody answers, or another negative errno.
 */
int kernel_neighbour(const char *interface, const struct address *target, uint8_t ret_mac[6]);

/* Packets that the interface received but dropped; a counter that wraps. */
uint32_t kernel_dropped(const char *interface);

#endif
