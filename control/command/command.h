/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

/*
 * The control socket: chrony's monitoring protocol (candm version 6), read commands, over a unix
 * datagram socket and, only where configured, UDP. Stock chronyc works unchanged.
 */

#include "config.h"

/* Opens the sockets that `config` asks for (none is fine) and answers from the event loop.
 * Returns 0 or a negative errno, after logging why. */
int command_init(const struct config *config);

/* Closes and unlinks. */
void command_fini(void);

#endif
