/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_XDP_FEATURES_H
#define CONTROL_STEER_XDP_FEATURES_H

/* What a driver can do for XDP, by the kernel's generic netlink family "netdev". */

#include <stdint.h>

/* The kernel's, which older headers do not have. */
#define XDP_FEATURES_NATIVE    UINT64_C(3) /* NETDEV_XDP_ACT_BASIC and _REDIRECT */
#define XDP_FEATURES_ZERO_COPY UINT64_C(8) /* NETDEV_XDP_ACT_XSK_ZEROCOPY */
#define XDP_FEATURES_STAMPS    UINT64_C(1) /* NETDEV_XDP_RX_METADATA_TIMESTAMP */

/* Sets of NETDEV_XDP_ACT_*, the first two, and of NETDEV_XDP_RX_METADATA_*, the third. Returns 0;
 * -ENOENT when the kernel is older than Linux 6.3; or a negative errno. */
int xdp_features_read(uint32_t ifindex, uint64_t *ret_features, uint64_t *ret_metadata);

#endif
