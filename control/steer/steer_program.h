/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_STEER_PROGRAM_H
#define CONTROL_STEER_STEER_PROGRAM_H

/*
 * Loads the XDP program of bpf/ into the kernel, with its maps pinned or taken over from their
 * pins.
 */

#include <stdbool.h>

struct steer_bpf;

/*
 * Loads the program with maps that are pinned in `directory`: those that are there already are
 * used, but for those of another layout, which an earlier version made. `frags`: as one for frames
 * in pieces. Returns 0, or a negative errno with nothing loaded; the caller has *ret_bpf destroyed
 * by steer_program_unload().
 */
int steer_program_load(struct steer_bpf **ret_bpf, const char *directory, bool frags);

/* Lets go of program and maps; they stay where they are attached or pinned. NULL is legal. */
void steer_program_unload(struct steer_bpf *bpf);

#endif
