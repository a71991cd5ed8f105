/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SMALL_FILE_H
#define CONTROL_SMALL_FILE_H

/*
 * Small files that an operator names: read at once, and never a device or a FIFO, which might keep
 * the reader waiting.
 */

#include <stddef.h>
#include <sys/stat.h>

/* Reads a regular file of up to `size_max` octets. Returns them, for free(3), or NULL with errno
 * set: EINVAL for what is no regular file, EFBIG for a larger one. *ret_status is all zero where
 * the file cannot be opened. */
char *small_file_read(
	const char *path, size_t size_max, struct stat *ret_status, size_t *ret_length);

/* strerror(3) of that errno. */
const char *small_file_strerror(int error);

#endif
