/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_OFFLOAD_H
#define CONTROL_STEER_OFFLOAD_H

/*
 * What a network card does to frames before XDP sees them. A VLAN tag that it takes off is lost to
 * XDP: the request would be answered without it, into another network.
 */

#include <stdbool.h>
#include <stdint.h>

/* What a card may take off, as a set. */
#define OFFLOAD_VLAN_CTAG UINT32_C(1) /* 802.1Q tags */
#define OFFLOAD_VLAN_STAG UINT32_C(2) /* 802.1ad tags */

/* Which VLAN tags the interface takes off now; 0 also when the kernel does not say. */
uint32_t offload_vlan_stripping(const char *name);

/* Has it leave those of `set` on, or take them off again; other ones stay as they are. Returns 0;
 * -EOPNOTSUPP when the driver does not let them be changed; or a negative errno. After a failure
 * all is as it was. */
int offload_strip_vlan(const char *name, uint32_t set, bool strip);

#endif
