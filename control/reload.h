/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RELOAD_H
#define CONTROL_RELOAD_H

/*
 * On SIGHUP the config is read again: in steps of a few milliseconds between the other work of the
 * event loop, so that a million access rules keep no upstream reply waiting. Then all of it is
 * taken over at once, or nothing, and what is wrong is logged. Another SIGHUP meanwhile begins
 * anew.
 */

#include "config.h"
#include <stdbool.h>

/* The config in effect: before reload_init() to be loaded into, at the end to be freed. */
struct config *reload_config(void);

/* From now on, that is what reloads are compared with. `may_lie` as in config_script_allowed(). */
void reload_init(bool may_lie);

/* Drops a reload that is going on. */
void reload_fini(void);

#endif
