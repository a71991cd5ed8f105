/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_KERNEL_CLOCK_H
#define CONTROL_KERNEL_CLOCK_H

/*
 * `steerclock`: the kernel's clock follows the model (core/discipline.h). Without the directive
 * these functions do nothing.
 */

#include "counter.h"

/* Finds out whether the clock may be set. Returns 0 or a negative errno, after logging why. */
int kernel_clock_init(const struct config *config, const struct counter *counter);

/* Once a second. `led`: sources led the clock of the model, which says nothing about UTC else;
 * `rate` is that of the model, seconds of UTC per nominal second of the counter. */
void kernel_clock_tick(const struct meridian_timemodel_data *model, double rate, bool led);

/* The machine was suspended: the counter went on and CLOCK_MONOTONIC_RAW did not, or both stood
 * still, so that what they showed before says nothing about their rates. */
void kernel_clock_start_again(void);

/* Has it stepped at the next tick, whatever its offset is. False: it is not steered. */
bool kernel_clock_step(void);

/* Ends a slew; the frequency stays. */
void kernel_clock_fini(void);

#endif
