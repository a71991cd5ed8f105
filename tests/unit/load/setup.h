/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_LOAD_SETUP_H
#define TEST_LOAD_SETUP_H

/* Traffic for tests, and a server that answers it. */

#include <traffic.h>

/* From 10.0.0.0/8 and 2001:db8:1::/64 to 192.0.2.1, or 2001:db8::1 when `ipv6`. The weights are
 * those of the kinds in order. */
void setup_spec(
	struct traffic_spec *ret_spec, bool ipv6, const uint32_t weight[REQUEST_KIND_COUNT]);

/* Turns a request into a good reply. */
void setup_answer(uint8_t *frame, uint32_t *length, uint64_t receive, uint64_t transmit);

/* Writes the checksums of a frame without VLAN tag anew, by slow code of its own. */
void setup_checksum(uint8_t *frame, uint32_t length);

/* Whether both are right. */
bool setup_checksum_good(const uint8_t *frame);

#endif
