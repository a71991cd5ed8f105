/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_SERVER_H
#define CONTROL_CONFIG_SERVER_H

/*
 * The line of an NTP server: its options stand in one table, in config_server.c, from which they
 * are parsed, compared and written.
 */

#include "config.h"

enum config_server_option_kind {
	OPTION_FLAG,
	OPTION_INT8,
	OPTION_UINT8,
	OPTION_UINT16,
	OPTION_DOUBLE,
	OPTION_IPV4, /* only addresses of that family */
	OPTION_IPV6,
	OPTION_IGNORED, /* of chrony; takes a value, which has no effect */
	OPTION_REFUSED, /* of chrony; ignoring it would change who is believed, or asked */
};

struct config_server_option {
	const char *name;
	enum config_server_option_kind kind;
	size_t offset;     /* in struct config_server */
	double min, max;   /* allowed range of a number */
	const char *value; /* what follows the name; NULL: nothing */
	const char *text;  /* the manual's sentences; the reason why it is refused or ignored */
};

/* In the order in which they are written out. */
extern const struct config_server_option config_server_options[];
extern const size_t config_server_options_size;

/* How many sources the line makes, at most. */
size_t config_server_sources(const struct config_server *server);

/* True when both lines say the same. */
bool config_server_same(const struct config_server *a, const struct config_server *b);

/* Writes the line with every option that is not the default. */
void config_server_dump(const struct config_server *server, FILE *out);

#endif
