/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_COMMAND_CANDM_WIRE_H
#define CONTROL_COMMAND_CANDM_WIRE_H

/* Single fields of a message, of which candm.c makes messages: each is written, or read where
 * wire->decode, at the place that the message has got to, in network byte order. */

#include "candm.h"

/* As they lie in memory. */
void wire_octets(struct candm_wire *wire, void *value, size_t count);
void wire_skip(struct candm_wire *wire, size_t count);

/* The low `count` octets of *value. */
void wire_uint(struct candm_wire *wire, uint64_t *value, size_t count);

void wire_u8(struct candm_wire *wire, uint8_t *value);
void wire_u16(struct candm_wire *wire, uint16_t *value);
void wire_u32(struct candm_wire *wire, uint32_t *value);

/* chrony's own format of 32 bits (candm_float_encode()). */
void wire_float(struct candm_wire *wire, double *value);

/* Seconds in 64 bits and nanoseconds. */
void wire_utc(struct candm_wire *wire, struct meridian_utc *utc);

#endif
