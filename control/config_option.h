/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_OPTION_H
#define CONTROL_CONFIG_OPTION_H

/*
 * Options of a directive: a table, from which they are parsed, written and told in the manual.
 */

#include "config_table.h"

enum config_option_kind {
	CONFIG_OPTION_FLAG,
	CONFIG_OPTION_INT8,
	CONFIG_OPTION_UINT8,
	CONFIG_OPTION_UINT16,
	CONFIG_OPTION_UINT32,
	CONFIG_OPTION_DOUBLE,
	CONFIG_OPTION_MODE,  /* uint16_t, permissions, in octal */
	CONFIG_OPTION_REFID, /* uint32_t, one to four letters; 0: not given */
	CONFIG_OPTION_IPV4,  /* uint8_t, MERIDIAN_FAMILY_*; 0: any */
	CONFIG_OPTION_IPV6,
	CONFIG_OPTION_IGNORED, /* of chrony; takes a value, which has no effect */
	CONFIG_OPTION_REFUSED, /* of chrony; ignoring it would change what is served */
};

struct config_option {
	const char *name; /* NULL: the table ends */
	enum config_option_kind kind;
	size_t offset;     /* in the struct that the line is parsed into */
	double min, max;   /* allowed range of a number */
	const char *value; /* what follows the name; NULL: nothing */
	const char *text;  /* the manual's sentences; the reason why it is ignored or refused */
};

/* Rows for a struct `type` with a struct config_source named `source`. */
#define CONFIG_OPTIONS_OF_SOURCE(type)                                                             \
	{"prefer", CONFIG_OPTION_FLAG, offsetof(type, source.written.prefer), 0, 0, NULL,          \
		"Used before others that agree with it, and its own error bound is believed."},    \
		{"noselect", CONFIG_OPTION_FLAG, offsetof(type, source.written.noselect), 0, 0,    \
			NULL, "Only measured, never used."},                                       \
		{"trust", CONFIG_OPTION_FLAG, offsetof(type, source.written.trust), 0, 0, NULL,    \
			"Its time is true unless another source with this option contradicts it; " \
			"others are used only as far as they agree with it. Of three or more "     \
			"servers without this option a minority may lie, and the error bound is "  \
			"wide enough for that."},                                                  \
	{                                                                                          \
		"require", CONFIG_OPTION_FLAG, offsetof(type, source.written.require), 0, 0, NULL, \
			"One of the sources with this option must be selectable before the clock " \
			"is set."                                                                  \
	}

/* Takes the option `name`, and its value from the line, into `object`. Returns false after
 * reporting what is wrong. */
bool config_option_parse(struct config_parser *parser, const struct config_option *table,
	const char *name, void *object);

/* The same for NAME or NAME=VALUE in one word, which is changed. */
bool config_option_parse_word(
	struct config_parser *parser, const struct config_option *table, char *word, void *object);

/* Writes what is not as in `defaults`: `before` each, `between` name and value. */
void config_options_dump(const struct config_option *table, const void *object,
	const void *defaults, const char *before, const char *between, FILE *out);

#endif
