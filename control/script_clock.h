/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SCRIPT_CLOCK_H
#define CONTROL_SCRIPT_CLOCK_H

/*
 * `refclock SCRIPT`: instead of what sources say, the time model follows the kernel's clock plus
 * what a script says (core/script.h). It is marked as scripted, and the log tells each lie.
 */

#include "config.h"
#include "core/model.h"
#include "counter.h"

/* Starts it, if the config has one; all must stay. Returns 0 or a negative errno, logged. */
int script_clock_start(
	const struct config *config, const struct counter *counter, struct model *model);

/* The model is led by a script. */
bool script_clock_runs(void);

#endif
