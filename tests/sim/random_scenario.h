/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_RANDOM_SCENARIO_H
#define SIM_RANDOM_SCENARIO_H

/*
 * Worlds that nobody thought of: any oscillator that keeps its promise (timescale.wander), any
 * paths, any servers of which more than half keep theirs (root delay and dispersion). The bound
 * must hold in all of them.
 */

#include "scenario.h"

/* The world with that number; the same one each time. It lives until the next call. */
const struct scenario *random_scenario(uint64_t number);

/* Says what is in it, one line for each part. */
void random_scenario_print(const struct scenario *scenario);

#endif
