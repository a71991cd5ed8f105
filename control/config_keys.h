/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_KEYS_H
#define CONTROL_CONFIG_KEYS_H

/* What needs the whole config: the keys, and the sources that use them. */

#include "config_table.h"

/* Reads `keyfile`, once it is known whether `insecurekeys` is there. Errors are reported. */
void config_keys_load(struct config_parser *parser);

/* Checks that servers have the keys they name, leaves those of `sourcedir` out that have not, and
 * gives the sources the options that follow from
 * `authselectmode`. */
void config_keys_apply(struct config_parser *parser);

/* "mix" and the like. */
const char *config_auth_select_name(uint8_t mode);

#endif
