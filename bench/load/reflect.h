/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_REFLECT_H
#define LOAD_REFLECT_H

/* The cheapest plausible NTP server, to see what the load generator can do itself. Pure. */

#include <stdbool.h>
#include <stdint.h>

/* Turns a request into a reply in place, with these receive and transmit timestamps; checks no
 * more than that it is an NTP request over UDP without VLAN tag or with one. Returns whether it
 * is. The frame's length becomes that of a plain reply. */
bool reflect_frame(uint8_t *frame, uint32_t *length, uint64_t receive, uint64_t transmit);

#endif
