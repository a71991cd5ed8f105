/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_WIRE_STAMPS_H
#define CONTROL_WIRE_STAMPS_H

/* The dataplane's stamps of our packets, where it has taken over a NIC. */

#include "config.h"
#include <meridian/wire_stamps.h>

/* `config` must outlive it, and may change. */
void wire_stamps_init(const struct config *config);
void wire_stamps_fini(void);

/* The page, as it is now: until the next call. NULL: no NIC is taken over, or there is none. */
const struct meridian_wire_stamps *wire_stamps_page(void);

#endif
