/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_WATCH_H
#define DATAPLANE_PORT_WATCH_H

/* Waiting for a device's queue by watching its memory (UMONITOR and UMWAIT of Intel's WAITPKG). */

#include <stdbool.h>
#include <stdint.h>

/* Whether processor and driver can watch this queue. The queue has been started. */
bool port_watch_possible(uint16_t port_id, uint16_t queue_id);

/* port_operations.watch of a queue that can be watched. */
void port_watch(uint16_t port_id, uint16_t queue_id, uint32_t ns);

#endif
