/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_LEAP_LIST_H
#define CONTROL_CORE_LEAP_LIST_H

/*
 * The list of leap seconds that the IERS publishes as leap-seconds.list: for each change of
 * TAI - UTC the first second of it, when the list was made, until when it is complete, and a SHA-1
 * over all these numbers. Times in the file are seconds since 1900 and not cut to an era. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#define LEAP_LIST_MAX 256 /* entries; there were 28 in 2026 */

struct leap_entry {
	int64_t from_s; /* UTC since 1970, the first second of a month */
	int32_t tai_offset_s;
};

struct leap_list {
	struct leap_entry entry[LEAP_LIST_MAX]; /* in order of time */
	size_t count;                           /* at least 1 */
	int64_t updated_s, expires_s;           /* UTC since 1970 */
};

/* Reads and checks `length` octets of such a file, the checksum too. Returns NULL, or what is
 * wrong and in *ret_line the line (0: the file as a whole); then *ret_list is not to be used. */
const char *leap_list_parse(
	const char *text, size_t length, struct leap_list *ret_list, unsigned int *ret_line);

/* TAI - UTC at `tai_s` seconds of TAI since 1970; 0: the list does not know, or not any more. An
 * inserted second counts as after it already: the one before is given twice. */
int32_t leap_list_of_tai(const struct leap_list *list, int64_t tai_s);

#endif
