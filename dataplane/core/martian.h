/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_MARTIAN_H
#define DATAPLANE_MARTIAN_H

/* Source addresses that no client can have (RFC 6890, RFC 4291): what the kernel would have
 * thrown away for us. */

#include <stdbool.h>
#include <stdint.h>

/* `address` is 4 or 16 octets in network order. Pure. Link-local IPv6 is a client's: the reply
 * takes the link the request came by. */
bool martian_source(const uint8_t *address, bool ipv6);

#endif
