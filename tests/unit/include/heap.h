/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef UNIT_HEAP_H
#define UNIT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* Whether these octets, at most 64, stand anywhere on the heap of the main thread: in use, or given
 * back. False also where the allocator has its heap elsewhere, such as a sanitizer's. */
bool heap_has(const void *octets, size_t size);

/* Whether heap_has() finds anything; says so if it does not. */
bool heap_is_seen(void);

#endif
