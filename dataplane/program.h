/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PROGRAM_H
#define DATAPLANE_PROGRAM_H

/* The life of an answering program: stages that start in order, serving, the way back. */

#include <signal.h>
#include <stddef.h>

#define PROGRAM_AGAIN 1 /* of start(): end, with success, to be started again */

struct program_stage {
	int (*start)(void); /* returns 0, or PROGRAM_AGAIN or a negative errno, logging why */
	void (*stop)(void); /* may be NULL */
};

/* Set by SIGTERM and SIGINT: whatever waits or serves returns soon. */
extern volatile sig_atomic_t program_stop;

/* Starts `count` stages, runs serve(), and stops the stages in reverse; one that does not start
 * stops those before it. Returns the exit code. */
int program_run(const struct program_stage *stage, size_t count, void (*serve)(void));

#endif
