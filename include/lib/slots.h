/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LIB_SLOTS_H
#define LIB_SLOTS_H

/* The reader of pages with generations. Inside libmeridian only. */

#include <meridian/slots.h>

/*
 * Copies and checks the current blob of a page mapped by meridian_page_open(). `check` gets the
 * copy, `size` bytes (at least `min_size`), and returns 0 or -EBADMSG. On success the caller owns
 * *ret_blob and gives it to free(3). Returns 0; -ENODATA before the first generation; -EAGAIN when
 * the writer published meanwhile (call again); -EFBIG when the page has grown past the mapping
 * (open it anew); -EBADMSG when a field is out of its range; -ENOMEM. Without success nothing of
 * the copy stays in memory.
 */
int slots_read(const struct meridian_page *page, uint64_t min_size,
	int (*check)(const void *blob, uint64_t size), void **ret_blob);

#endif
