/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_KEYS_H
#define CONTROL_CONFIG_KEYS_H

/* What needs the whole config: the keys, and the sources that use them. */

#include "config_table.h"

/* Reads `keyfile`, once it is known whether `insecurekeys` is there. Errors are reported. */
void config_keys_load(struct config_parser *parser);

#endif
