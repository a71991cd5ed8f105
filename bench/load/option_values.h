/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_OPTION_VALUES_H
#define LOAD_OPTION_VALUES_H

/* How the values of options are read: one function for each kind of value. Each returns 0, or
 * -EINVAL and a message in `error` of OPTIONS_ERROR_SIZE. */

#include "options.h"

#define MILLI 1000

struct option_row;
typedef int option_parse_function(
	const struct option_row *row, struct load_options *options, const char *value, char *error);

/* A row of the table of options. */
struct option_row {
	const char *name, *argument, *help;
	option_parse_function *parse;
	size_t offset;   /* of the field in struct load_options, where `parse` needs it */
	double min, max; /* of a number, in the unit of the help */
	double scale;    /* of that to the unit of the field */
};

/* Writes the message; returns -EINVAL. */
int option_refuse(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

option_parse_function option_flag;
option_parse_function option_text;
option_parse_function option_plot;
option_parse_function option_number;
option_parse_function option_count;
option_parse_function option_rate;
option_parse_function option_port;
option_parse_function option_target;
option_parse_function option_source;
option_parse_function option_mix;
option_parse_function option_mac;
option_parse_function option_ports;
option_parse_function option_vlan;
option_parse_function option_search;
option_parse_function option_pattern;

#endif
