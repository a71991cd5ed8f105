/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_CARD_XDP_H
#define CONTROL_SETUP_CARD_XDP_H

/* What a driver can do for XDP, by the kernel's generic netlink family "netdev". */

#include <stdint.h>

/* Sets of NETDEV_XDP_ACT_* and NETDEV_XDP_RX_METADATA_*. Returns 0; -ENOENT when the kernel is
 * older than Linux 6.3; or a negative errno. */
int card_xdp_read(uint32_t ifindex, uint64_t *ret_features, uint64_t *ret_metadata);

#endif
