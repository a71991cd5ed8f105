/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TABLE_MEMORY_H
#define DATAPLANE_TABLE_MEMORY_H

/*
 * Memory for the look-up tables. Most accesses to a big table go to another page than the one
 * before, so it asks for huge pages: transparent ones, nothing to reserve. All of it is there
 * when it is given out, so that the packet path takes no page fault. Main thread only.
 */

#include <stddef.h>

#define TABLE_MEMORY_HUGEPAGE ((size_t)2 << 20)

/* `size` octets (above 0) of zeros that begin on a 64-octet boundary, from 2 MiB on on one of
 * 2 MiB. NULL: there is no memory. */
void *table_memory_new(size_t size);

/* `size` as in the call before. NULL is legal. */
void table_memory_free(void *memory, size_t size);

#endif
