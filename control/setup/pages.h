/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_PAGES_H
#define CONTROL_SETUP_PAGES_H

/* Hugepages of PACKET_MEMORY_PAGE_MB, of one node of memory or of all. */

#include "sysfs.h"

struct pages {
	int node;      /* -1: all */
	int64_t total; /* that there are */
	int64_t ready; /* of these, free or already in use by a dataplane */
};

/* Where sysfs has a file about those of `node`. */
void pages_path(char ret_path[static SYSFS_PATH_SIZE], int node, const char *file);

/* Reads them, of all nodes when there is only one. Returns 0; -ENOENT when the kernel has none of
 * this size; or a negative errno. */
int pages_read(struct pages *ret_pages, int node);

#endif
