/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

/*
 * The control socket: chrony's monitoring protocol (candm version 6) over a unix datagram socket
 * and, only where configured and for what changes nothing, UDP. Stock chronyc works unchanged.
 */

#include "answer.h"
#include "config.h"

/* Opens the sockets that `config` asks for (none is fine) and answers from the event loop. `orders`
 * must stay; NULL: nobody may order anything. Returns 0 or a negative errno, after logging why. */
int command_init(const struct config *config, const struct answer_orders *orders);

/* Closes and unlinks. */
void command_fini(void);

#endif
