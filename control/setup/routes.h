/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_ROUTES_H
#define CONTROL_SETUP_ROUTES_H

/* The interfaces of this network namespace, and which of them carry a default route: of IPv4 or
 * IPv6, in any table. */

#include "carrier.h"

#define ROUTES_LINKS_MAX 4096

/* Asks the kernel. The caller frees *ret_links. Returns 0 or a negative errno; -E2BIG for more
 * than ROUTES_LINKS_MAX interfaces. */
int routes_links(struct carrier_link **ret_links, size_t *ret_count);

#endif
