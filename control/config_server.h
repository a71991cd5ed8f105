/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_SERVER_H
#define CONTROL_CONFIG_SERVER_H

/*
 * The line of an NTP server: its options stand in one table, in config_server.c.
 */

#include "config_option.h"

/* In the order in which they are written out. */
extern const struct config_option config_server_options[];

/* How many sources the line makes, at most. */
size_t config_server_sources(const struct config_server *server);

/* Writes the line with every option that is not the default. */
void config_server_dump(const struct config_server *server, FILE *out);

#endif
