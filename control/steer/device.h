/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_DEVICE_H
#define CONTROL_STEER_DEVICE_H

/* Which interfaces XDP can serve on, by their kind. Pure. */

#include "network.h"
#include <stddef.h>

#define DEVICE_REASON_SIZE 256

/*
 * Whether XDP and AF_XDP can serve on the interface `name`: Ethernet, and not in front of others
 * that receive for it. Otherwise *ret_reason says why not and what to do.
 */
bool device_serves(const char *name, const struct network_nic *found,
	char ret_reason[static DEVICE_REASON_SIZE]);

/* Whether it is a port of a bridge, bond or team, so that packets for the MAC and IP addresses of
 * that master come in by it. */
bool device_is_port(const struct network_nic *found);

#endif
