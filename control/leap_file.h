/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LEAP_FILE_H
#define CONTROL_LEAP_FILE_H

/*
 * The file with the list of leap seconds: read at the start and whenever it has changed, and
 * looked after, since a list that expires without a successor leaves a clock unprepared.
 */

#include "core/leap_list.h"
#include <stdio.h>

/* Reads `path` ("": there is none) and logs what it has. What cannot be read or is wrong is a
 * warning, and no list, or the one that this file had before; but a default file may be missing. */
void leap_file_open(const char *path);

/* Whether `path` ("": there is none) is such a list. Returns 0, or a negative errno after writing
 * what is wrong to `errors`. */
int leap_file_check(const char *path, FILE *errors);

/* The list, or NULL. To be called every second; the file is looked at once a minute. Warns, once a
 * day, when the list has expired at `utc_s` or is about to. */
const struct leap_list *leap_file_list(int64_t utc_s);

#endif
