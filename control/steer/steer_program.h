/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_STEER_PROGRAM_H
#define CONTROL_STEER_STEER_PROGRAM_H

/*
 * Loads the XDP program of bpf/ into the kernel, with its maps pinned or taken over from their
 * pins.
 */

#include <stdbool.h>
#include <stdint.h>

struct steer_bpf;

struct steer_program_kind {
	bool frags; /* for frames in pieces */
	/* For this interface alone, whose driver it asks for the NIC's stamps, so that it must
	 * never run in generic mode; 0: for any, and it does not ask. */
	uint32_t bound_ifindex;
};

/*
 * Loads the program with maps that are pinned in `directory`: those that are there already are
 * used, but for those of another layout, which an earlier version made. Returns 0, or a negative
 * errno with nothing loaded; the caller has *ret_bpf destroyed by steer_program_unload().
 */
int steer_program_load(
	struct steer_bpf **ret_bpf, const char *directory, const struct steer_program_kind *kind);

/* Lets go of program and maps; they stay where they are attached or pinned. NULL is legal. */
void steer_program_unload(struct steer_bpf *bpf);

#endif
