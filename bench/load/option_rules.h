/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_OPTION_RULES_H
#define LOAD_OPTION_RULES_H

/* What options ask of one another: an option that would do nothing is refused. Pure. */

#include "options.h"

/* Returns 0, or -EINVAL and a message in `error` of OPTIONS_ERROR_SIZE. */
int option_rules_check(const struct load_options *options, char *error);

#endif
