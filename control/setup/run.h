/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_RUN_H
#define CONTROL_SETUP_RUN_H

/* Does a plan, or takes back what was done. Both say what they do on standard output, and log why
 * something does not work. */

#include "state.h"

#define RUN_NAMES_MAX 16

/* NICs, as name_parse() writes them; none: all. */
struct run_names {
	char name[RUN_NAMES_MAX][NAME_SIZE];
	size_t count;
};

/*
 * Does the steps in order, each noted in `state` first. When one fails, or a signal asks to end,
 * those that this call did are taken back, the last one first, and the state is as before. Returns
 * 0 or a negative errno.
 */
int run_steps(const struct steps *steps, struct state *state);

/*
 * Takes back what is in `state`, the last step first: all of it, or what is for `names`. What
 * cannot be taken back now stays in the state. `dry`: only says what it would do. Returns 0, or the
 * negative errno of the first that could not.
 */
int run_undo(struct state *state, const struct run_names *names, bool dry);

/* The XDP programs that a dead control of `rundir` left on interfaces, the same way. Returns how
 * many there were, or -EBUSY when a control is alive: they are its own. */
int run_detach(const char *rundir, const struct run_names *names, bool dry);

/* What it has borrowed of how interfaces are set to stamp (hwstamp_loan.h), the same way. Returns
 * how many there were, 0 when a control is alive. */
int run_give_back(const char *rundir, const struct run_names *names, bool dry);

#endif
