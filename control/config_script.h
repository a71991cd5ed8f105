/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_SCRIPT_H
#define CONTROL_CONFIG_SCRIPT_H

/*
 * `refclock SCRIPT FILE`. Unlike the other drivers it makes no source (script_clock.h).
 */

#include "config_table.h"
#include "core/script.h"

/* Reads and checks a script. Returns 0, or a negative errno after writing what is wrong to
 * `errors`, as "file:line: message". */
int config_script_read(const char *path, struct script *ret_script, FILE *errors);

/* Whether a complete config may be run: a script beside real sources looks like a real server, so
 * the operator must say that this is meant. False after writing to `errors` what is wrong. */
bool config_script_allowed(const struct config *loaded, bool may_lie, FILE *errors);

/* Takes the words `SCRIPT FILE` where the line goes on with them, and checks the file. Returns
 * false when it is another driver's. */
bool config_script_parse(struct config_parser *parser);

#endif
