/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_STATE_H
#define CONTROL_SETUP_STATE_H

/*
 * The file of what was changed, to be taken back: written before each step, replaced as a whole,
 * for root alone, and of this boot, as nothing that is in it outlives one.
 */

#include "step.h"

#define STATE_PATH_DEFAULT "/var/lib/meridian/setup.state"
#define STATE_ERROR_SIZE   512

struct state {
	const char *path;
	int lock_fd;
	struct steps steps;   /* in the order in which they were done */
	bool of_earlier_boot; /* there was one, and it was left out */
};

/*
 * Reads the file, if there is one; to write, it makes the directory and locks it first. `path` must
 * stay valid. Returns 0; -EBUSY when another meridian-setup runs; -EBADMSG when the file is damaged
 * or others can write to it; or a negative errno; all with a sentence in ret_error.
 */
int state_open(struct state *ret_state, const char *path, bool write,
	char ret_error[static STATE_ERROR_SIZE]);

/* Writes the steps, or removes the file when there are none. 0 or a negative errno. */
int state_save(const struct state *state);

void state_close(struct state *state);

#endif
