/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_TABLE_H
#define CONTROL_CONFIG_TABLE_H

/*
 * The directives, one row each. Everything that is said about a directive (how it is parsed, its
 * limits, its default, its text in the manual, its line in the example) stands in its row.
 */

#include "config.h"

enum config_class {
	CONFIG_OWN,       /* only Meridian has it */
	CONFIG_CHRONY,    /* as in chrony.conf(5) */
	CONFIG_NO_EFFECT, /* of chrony; accepted with a warning, because ignoring it is harmless */
	CONFIG_REFUSED,   /* of chrony; ignoring it would change what is served, or to whom */
};

struct config_parser;
struct config_directive;

/* Takes its words from the line and reports what is wrong with them by config_error(). */
typedef void (*config_parse)(struct config_parser *parser, const struct config_directive *row);

struct config_directive {
	const char *name;
	enum config_class class;
	bool many;           /* each line adds; else a second one replaces the first */
	bool live;           /* a reload takes it over; else a restart is needed */
	config_parse parse;  /* NULL: NO_EFFECT and REFUSED */
	size_t offset;       /* of the member of struct config that a one-value directive sets */
	double min, max;     /* allowed range of a number; `max` of a text: its longest length */
	const char *initial; /* the default, as its arguments are written; NULL: none */
	const char *needs;   /* the directive without which this one has no effect; NULL: none */
	const char *syntax;  /* what follows the name */
	const char *text;    /* the manual's paragraph; the reason why it is refused or ignored */
	const char *example; /* line of the example config, without the name; with a
				'#' in front it is a comment; NULL: not there */
};

extern const struct config_directive config_table[];
extern const size_t config_table_size;

/* Those of chrony that are accepted without effect, or refused: CONFIG_NO_EFFECT and _REFUSED. */
extern const struct config_directive config_chrony_table[];
extern const size_t config_chrony_table_size;

/* The row of `name`, without regard to case; NULL when there is none. */
const struct config_directive *config_directive_find(const char *name);

#define CONFIG_DIRECTIVES_MAX 160
#define CONFIG_BLANKS         " \t\r\n\v\f" /* what is between words */
#define CONFIG_LINE_MAX       2048          /* characters, of a key file too */

/* A file being read, and those that it includes. */
struct config_parser {
	struct config *config;
	const char *path; /* of the one that the line is in */
	unsigned int line;
	uint16_t file;                       /* number of that one */
	const char *const *paths;            /* by number */
	bool tolerant;                       /* lines with errors are left out */
	const char *directive;               /* of the line; NULL before it is known */
	const struct config_directive *last; /* row of the line before; NULL: none */
	char *rest;                          /* words of the line that are not taken yet */
	FILE *errors;
	unsigned int error_count;
	unsigned int message_count; /* errors and warnings */
	unsigned int message_max;   /* the first of them that are written; 0: all are */
	struct config_place place_of[CONFIG_DIRECTIVES_MAX]; /* where each row was last given */
};

/* Writes "file:line: directive: message" and counts it. */
void config_error(struct config_parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for what does not fail. */
void config_warning(struct config_parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct config_place config_place(const struct config_parser *parser);

/* What is said next is about that line. */
void config_place_set(struct config_parser *parser, struct config_place place);

/* "line N", with the file before it where that is another than the parser's. Valid until the next
 * call. */
const char *config_place_text(const struct config_parser *parser, struct config_place place);

/* What is said next is about the line of this directive, until `parser->directive` is set back to
 * NULL. False: there is none, or there was an error in it. */
bool config_return_to(struct config_parser *parser, const char *name);

/* Takes the words of a line that is neither empty nor a comment. */
void config_line_parse(struct config_parser *parser);

void config_defaults_set(struct config_parser *parser);

/* What can be said only when all lines are known. */
void config_check_all(struct config_parser *parser);

/* Opens a regular file, else -EINVAL: others may never end, or never begin. 0 or a negative errno.
 */
int config_file_open(const char *path, FILE **ret_file);

/* A sentence for that errno. */
const char *config_file_strerror(int error);

/* Calls `take` for the next line, unless it is empty or a comment. Returns 0, 1 at the end of the
 * file, or a negative errno after writing its line. */
int config_line_next(
	struct config_parser *parser, FILE *file, void (*take)(struct config_parser *parser));

/* Calls `take` for each line that is neither empty nor a comment; its words are to be taken.
 * Returns 0, or a negative errno after writing its line. Leaves nothing of the lines in memory
 * but in the buffer of `file`. */
int config_lines_read(
	struct config_parser *parser, FILE *file, void (*take)(struct config_parser *parser));

/* Takes the next word of the line; NULL at its end. */
char *config_word(struct config_parser *parser);

/* No word is left. */
bool config_at_end(const struct config_parser *parser);

/* Takes a word that must be there; `what` names it in the error. NULL after reporting that. */
char *config_word_required(struct config_parser *parser, const char *what);

/* Takes one of `names`, which end with NULL, without regard to case. Its index, or -1 after
 * reporting an error, which calls it a `what` and has all names. */
int config_choice(struct config_parser *parser, const char *what, const char *const *names);

/* Takes a number in [min, max]; a whole one where `integer`. False after reporting an error. */
bool config_number(struct config_parser *parser, const char *what, double min, double max,
	bool integer, double *ret_value);

/* Numeric address, IPv4 or IPv6. False when `text` is none; reports nothing. */
bool config_address_parse(const char *text, struct config_address *ret_address);

/* 0.0.0.0 or ::. */
bool config_address_is_zero(const struct config_address *address);

/* The same, with the interface that an IPv6 link-local address needs: fe80::1%eth0. */
bool config_server_address_parse(const char *text, struct config_address *ret_address);

/* What is wrong with `address` as that of a server to ask; NULL: nothing. */
const char *config_server_address_check(const struct config_address *address);

/* What is wrong with `name`, which is no numeric address, as a host name (RFC 1123 section 2.1);
 * NULL: nothing. */
const char *config_host_name_check(const char *name);

/* Is it one server? Addresses can be written in many ways, names in upper and lower case. */
bool config_same_host(const char *a, const char *b);

/* ADDRESS, ADDRESS/BITS, and chrony's IPv4 short forms: 10, 10.0/8, 1.2.3 (= 1.2.3.0/24).
 * Bits past the prefix are cleared. NULL, or what is wrong with `text`. */
const char *config_subnet_parse(const char *text, struct meridian_policy_access *ret_access);

/* What can be said of `kodexempt` only when the whole file is known. */
void config_ratelimit_check(struct config_parser *parser);

/* Parsers of the rows. */
void config_parse_include(struct config_parser *parser, const struct config_directive *row);
void config_parse_confdir(struct config_parser *parser, const struct config_directive *row);
void config_parse_sourcedir(struct config_parser *parser, const struct config_directive *row);
void config_parse_server(struct config_parser *parser, const struct config_directive *row);
void config_parse_refclock(struct config_parser *parser, const struct config_directive *row);
void config_parse_hwtimestamp(struct config_parser *parser, const struct config_directive *row);
void config_parse_nic(struct config_parser *parser, const struct config_directive *row);
void config_parse_workers(struct config_parser *parser, const struct config_directive *row);
void config_parse_local(struct config_parser *parser, const struct config_directive *row);
void config_parse_allow(struct config_parser *parser, const struct config_directive *row);
void config_parse_ratelimit(struct config_parser *parser, const struct config_directive *row);
void config_parse_kodexempt(struct config_parser *parser, const struct config_directive *row);
void config_parse_bindaddress(struct config_parser *parser, const struct config_directive *row);
void config_parse_bindcmdaddress(struct config_parser *parser, const struct config_directive *row);
void config_parse_counter(struct config_parser *parser, const struct config_directive *row);
void config_parse_hugepages(struct config_parser *parser, const struct config_directive *row);
void config_parse_memory(struct config_parser *parser, const struct config_directive *row);
void config_parse_leapseclist(struct config_parser *parser, const struct config_directive *row);
void config_parse_leapsmear(struct config_parser *parser, const struct config_directive *row);
void config_parse_authselectmode(struct config_parser *parser, const struct config_directive *row);
void config_parse_flag(struct config_parser *parser, const struct config_directive *row);
void config_parse_makestep(struct config_parser *parser, const struct config_directive *row);
void config_parse_maxchange(struct config_parser *parser, const struct config_directive *row);
void config_parse_leapsecmode(struct config_parser *parser, const struct config_directive *row);
void config_parse_path(struct config_parser *parser, const struct config_directive *row);
void config_parse_rundir(struct config_parser *parser, const struct config_directive *row);
void config_parse_user(struct config_parser *parser, const struct config_directive *row);
void config_parse_uint16(struct config_parser *parser, const struct config_directive *row);
void config_parse_uint32(struct config_parser *parser, const struct config_directive *row);
void config_parse_double(struct config_parser *parser, const struct config_directive *row);
void config_parse_max_clock_error(struct config_parser *parser, const struct config_directive *row);

#endif
