/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LEAP_SECOND_H
#define CONTROL_LEAP_SECOND_H

/*
 * Keeps the leap second of the published model: what the list or the sources announce goes in,
 * what is over is made part of the clock.
 */

#include "config.h"
#include "core/leap.h"

/* Of this clock, which must stay, with the list that `config` names. */
void leap_second_init(
	struct model *model, struct timescale *timescale, const struct config *config);

/* Reads the list again, perhaps from another file. */
void leap_second_reload(const struct config *config);

/*
 * Once a second. `disciplined`: sources led this clock; else it follows another one, which leaps
 * for itself or does not, and nothing is announced. Returns true when the model was changed and
 * is to be published. The timescale moves by a second with the model when one is over.
 */
bool leap_second_tick(const struct leap_votes *votes, uint64_t now, bool disciplined);

/* leap_admit() of that clock. */
bool leap_second_admit(uint64_t from, uint64_t to, struct sample *sample);

#endif
