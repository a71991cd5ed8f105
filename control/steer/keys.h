/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_KEYS_H
#define CONTROL_STEER_KEYS_H

/* The writer of the page of keys. */

#include <meridian/keys.h>
#include <sys/types.h>

/* Makes or adopts the page in `rundir`, for `group` to read ((gid_t)-1: our own). While still
 * privileged. Returns 0, or a negative errno after logging why. */
int keys_init(const char *rundir, gid_t group);

/* Publishes the keys (NULL: none) unless the page has them already, and wipes those of before.
 * Returns 0, or a negative errno after logging why: the page then stays as it was. */
int keys_publish(const struct meridian_keys_blob *keys);

/* Closes the page; it stays in the run directory. */
void keys_fini(void);

#endif
