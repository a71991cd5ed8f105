/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_REFCLOCK_H
#define CONTROL_CONFIG_REFCLOCK_H

/*
 * The line of a reference clock. Its drivers and options stand in tables in config_refclock.c.
 */

#include "config_option.h"

/* Options of any reference clock, and of one driver, where they follow its parameter. */
extern const struct config_option config_refclock_options[];
const struct config_option *config_refclock_driver_options(uint8_t driver);

/* "SHM", "SOCK" ...; NULL: there is no such driver. Static storage. */
const char *config_refclock_driver_name(uint8_t driver);

/* What can be said of reference clocks only when all of them are known. */
void config_refclocks_check(struct config_parser *parser);

/* Writes the line with every option that is not the default. */
void config_refclock_dump(const struct config_refclock *clock, FILE *out);

#endif
