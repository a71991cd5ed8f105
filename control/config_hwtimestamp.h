/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_HWTIMESTAMP_H
#define CONTROL_CONFIG_HWTIMESTAMP_H

/*
 * The line of an interface whose card takes time stamps. Its options stand in a table in
 * config_hwtimestamp.c.
 */

#include "config_option.h"

extern const struct config_option config_hwtimestamp_options[];

/* Writes the line with every option that is not the default. */
void config_hwtimestamp_dump(const struct config_hwtimestamp *line, FILE *out);

#endif
