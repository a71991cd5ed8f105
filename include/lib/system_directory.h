/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_SYSTEM_DIRECTORY_H
#define MERIDIAN_SYSTEM_DIRECTORY_H

/* Where a run directory is not. */

#include <stdbool.h>

/* Whether a path leads to a directory of the system itself, such as / or /tmp, in which an instance
 * may not keep what it owns. One that does not exist is none. */
bool is_system_directory(const char *path);

/* What to say then, behind the path. */
#define SYSTEM_DIRECTORY_REASON                                                                    \
	"that is a directory of the system: name one of its own, such as /run/meridian"

#endif
