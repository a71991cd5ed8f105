/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_OFFLOAD_H
#define CONTROL_STEER_OFFLOAD_H

/*
 * What a network card does to frames before XDP sees them. A VLAN tag that it takes off is lost to
 * XDP: the request would be answered without it, into another network.
 */

#include <stdbool.h>

/* Whether the interface takes VLAN tags (802.1Q or 802.1ad) off. */
bool offload_strips_vlan(const char *name);

/* Has it leave them on, or take them off again. Returns 0; -EOPNOTSUPP when the driver does not
 * let that be changed; or a negative errno. */
int offload_strip_vlan(const char *name, bool strip);

#endif
