/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_OFFLOAD_RECORD_H
#define CONTROL_STEER_OFFLOAD_RECORD_H

/*
 * Which offloads of an interface control has switched off, to be given back: a map that is pinned
 * beside the interface's XDP link, and so is there as long as that may be, also after a crash.
 */

#include <stdint.h>

#define OFFLOAD_RECORD_PIN "offloads"

/* Notes the offloads `set` (OFFLOAD_*) of interface `ifindex` in its directory of pins, which it
 * makes; replaces an earlier note. Returns 0 or a negative errno. */
int offload_record_write(const char *directory, uint32_t ifindex, uint32_t set);

/* What was noted for this interface; 0: nothing, or for another that had its name. */
uint32_t offload_record_read(const char *directory, uint32_t ifindex);

/* The same for whichever it was. */
uint32_t offload_record_find(const char *directory, uint32_t *ret_ifindex);

/* Removes the note, and the directory when nothing else is there. */
void offload_record_remove(const char *directory);

#endif
