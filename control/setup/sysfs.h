/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_SYSFS_H
#define CONTROL_SETUP_SYSFS_H

/* Files of sysfs. Every path is below sysfs_root and given as by printf(). */

#include <stddef.h>
#include <stdint.h>

#define SYSFS_PATH_SIZE 256
#define SYSFS_TEXT_SIZE 64
#define SYSFS_LIST_MAX  128

/* "/sys", unless a test has a tree of its own. */
extern const char *sysfs_root;

/* The first line of a file; a longer one is cut. Returns 0 or a negative errno. */
int sysfs_text(char ret_text[static SYSFS_TEXT_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A decimal or 0x number. Returns 0; -EINVAL for what is none; or a negative errno. */
int sysfs_number(int64_t *ret_number, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The last word of the path that a link leads to. Returns 0 or a negative errno. */
int sysfs_link(char ret_text[static SYSFS_TEXT_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes to a file that is there. Returns 0 or the negative errno of it. */
int sysfs_write(const char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 0 when there is such a file or directory, or a negative errno. */
int sysfs_find(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct sysfs_list {
	char name[SYSFS_LIST_MAX][SYSFS_TEXT_SIZE];
	size_t count;
};

/* What is in a directory, but for names with a dot in front. Returns 0; -E2BIG when there is more
 * than fits; or a negative errno. */
int sysfs_list(struct sysfs_list *ret_list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
