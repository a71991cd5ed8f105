/* SPDX-License-Identifier: BSD-3-Clause */

/* Build-time generator: turns the table of directives into the manual page (scdoc source) or the
 * example config, so that neither can say anything else than the parser does. */

#include "config_hwtimestamp.h"
#include "config_nic.h"
#include "config_refclock.h"
#include "config_server.h"
#include "config_table.h"
#include <inttypes.h>
#include <mac.h>
#include <meridian/keys.h>
#include <stdio.h>
#include <string.h>

#define TEXT_WIDTH 76

/* scdoc gives '_' and '*' a meaning, and '\' takes it away. */
static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void print_range(const struct config_directive *row)
{
	if (row->max > 0 && row->parse != config_parse_path && row->parse != config_parse_user &&
		row->parse != config_parse_leapseclist && row->parse != config_parse_bindcmdaddress)
		printf(" Allowed: %.10g to %.10g.", row->min, row->max);
	if (row->initial) {
		fputs(" Default: ", stdout);
		print_escaped(row->initial);
		putchar('.');
	}
}

static void print_directive(const struct config_directive *row)
{
	printf("*%s* ", row->name);
	print_escaped(row->syntax);
	fputs("\n\t", stdout);
	print_escaped(row->text);
	print_range(row);
	fputs("\n\n", stdout);
}

static void print_directives(const char *title, enum config_class class)
{
	printf("# %s\n\n", title);
	for (size_t i = 0; i < config_table_size; i++) {
		if (config_table[i].class == class)
			print_directive(&config_table[i]);
	}
}

static void print_reasons(const char *title, const char *intro, enum config_class class)
{
	printf("# %s\n\n%s\n\n", title, intro);
	for (size_t i = 0; i < config_chrony_table_size; i++) {
		const struct config_directive *row = &config_chrony_table[i];

		if (row->class != class)
			continue;
		fputs("*", stdout);
		print_escaped(row->name);
		fputs("*\n\t", stdout);
		print_escaped(row->text);
		fputs("\n\n", stdout);
	}
}

static void print_option(const struct config_option *option, const char *before)
{
	printf("*%s%s*", before, option->name);
	if (option->value)
		printf("%s%s", *before ? "=" : " ", option->value);
	fputs("\n\t", stdout);
	print_escaped(option->text);
	if (option->min < option->max)
		printf(" Allowed: %.10g to %.10g.", option->min, option->max);
	fputs("\n\n", stdout);
}

static void print_options(const struct config_option *table, const char *before)
{
	for (; table->name; table++) {
		if (table->kind < CONFIG_OPTION_IGNORED)
			print_option(table, before);
	}
}

static void print_option_names(
	const struct config_option *table, const char *title, enum config_option_kind kind)
{
	const char *separator = ": ";

	fputs(title, stdout);
	for (; table->name; table++) {
		if (table->kind != kind)
			continue;
		printf("%s*", separator);
		print_escaped(table->name);
		putchar('*');
		separator = ", ";
	}
	fputs(".\n\n", stdout);
}

static void print_all_options(const struct config_option *table)
{
	print_options(table, "");
	print_option_names(table, "Accepted with a warning, without effect", CONFIG_OPTION_IGNORED);
	print_option_names(table, "Refused", CONFIG_OPTION_REFUSED);
}

static void print_nic_options(void)
{
	fputs("# NIC OPTIONS\n\n", stdout);
	for (const struct config_nic_option *option = config_nic_options; option->name; option++) {
		printf("*%s* ", option->name);
		print_escaped(option->value);
		fputs("\n\t", stdout);
		print_escaped(option->text);
		fputs("\n\n", stdout);
	}
}

static void print_refclock_options(void)
{
	const char *name;
	char before[16];

	fputs("# REFERENCE CLOCKS\n\n", stdout);
	for (uint8_t i = 0; (name = config_refclock_driver_name(i)); i++) {
		snprintf(before, sizeof(before), "%s ...:", name);
		print_options(config_refclock_driver_options(i), before);
	}
	print_all_options(config_refclock_options);
}

static void print_scripts(void)
{
	fputs("# SCRIPTS\n\n"
	      "A rig that tests clients can have a server that lies by plan: *refclock SCRIPT* "
	      "_FILE_. It is refused beside real sources, unless meridian-control is started with "
	      "*--i-know-this-lies*; these are then measured and shown, and not followed. The log, "
	      "*meridianctl status* and the time model say that it lies, libmeridian gives no "
	      "time, "
	      "and *steerclock* is refused. Each line of the file is a time, in seconds since the "
	      "start and not before that of the line above, and an action:\n\n"
	      "*step* _SECONDS_\n\t"
	      "The clock jumps, up to 1e9 s either way.\n\n"
	      "*ramp* _SECONDS_ *over* _SECONDS_\n\t"
	      "It moves by so much evenly in so long, at most "
	      "5 ms a second. Another ramp replaces what is left.\n\n"
	      "*leap insert*|*delete in* _SECONDS_\n\tA leap second after 2 to 86400 seconds, at "
	      "the "
	      "nearest whole second, announced from now on.\n\n"
	      "*stratum* _N_\n\t1 to 15; 1 at the start.\n\n"
	      "*refid* _NAME_|_ADDRESS_\n\t1 to 4 characters, or an IPv4 address; LIES at the "
	      "start.\n\n"
	      "*error* _SECONDS_\n\t"
	      "The root dispersion that is told, 0 to 16 s.\n\n"
	      "*lost*, *back*\n\tUnsynchronised; synchronised again.\n\n"
	      "What follows a _#_ does not count. An example:\n\n"
	      "```\n10 step 0.5\n20 ramp -0.01 over 10\n60 leap insert in 30\n"
	      "120 lost\n130 back\n```\n\n",
		stdout);
}

static void print_key_file(void)
{
	const struct mac_type *type;

	printf("# KEY FILE\n\n"
	       "As that of chrony: a key a line, _ID_ [_TYPE_] _KEY_. The ID is a number from 1 to "
	       "%" PRIu32 "; it and the key are the same on both sides. The key is text, or, after "
	       "*HEX:*, pairs of hexadecimal digits; *ASCII:* may stand before text. Comments are "
	       "as in the configuration. The file may hold up to %d keys of 1 to %d octets, each "
	       "in a line of up to %d characters, and must not be open to everybody on the host. "
	       "*user* must be able to read it for a reload. One wrong line, and the whole file is "
	       "refused: with it the start, "
	       "or the reload, after which the keys of before go on.\n\n"
	       "The types are ",
		UINT32_MAX, MERIDIAN_KEYS_MAX, MERIDIAN_KEY_OCTETS_MAX, CONFIG_LINE_MAX);
	for (size_t i = 0; (type = mac_type_at(i)); i++) {
		printf(i ? ", *%s*" : "*%s*", type->name);
		if (type->key_length)
			printf(" (the key has %u octets)", type->key_length);
	}
	fputs(". Without a type a key is *MD5*, as in chrony. *AES128*, AES-CMAC as in RFC 8573, "
	      "is "
	      "the fastest here and what NTPsec and ntpd know too. In NTP version 4 a "
	      "MAC has at most 20 octets beside its key ID, and longer ones are cut.\n\n"
	      "```\n10 AES128 HEX:9c1f7e1f2a3b4c5d6e7f8091a2b3c4d5\n```\n\n",
		stdout);
}

static void print_live(void)
{
	const char *before = "";

	for (size_t i = 0; i < config_table_size; i++) {
		if (!config_table[i].live)
			continue;
		printf("%s*%s*", before, config_table[i].name);
		before = ", ";
	}
}

static int print_manual(void)
{
	fputs("meridian.conf(5)\n\n# NAME\n\nmeridian.conf - configuration of Meridian\n\n"
	      "# DESCRIPTION\n\n"
	      "One directive a line, then its arguments, separated by blanks. Names are read "
	      "without regard to case. A line that starts with _#_, _!_, _;_ or _%_ is a "
	      "comment. Names and meanings are those of chrony.conf(5) where both have them.\n\n"
	      "Every error is reported as file:line: message, and nothing is started. On SIGHUP "
	      "these directives are taken over: ",
		stdout);
	print_live();
	fputs(". What else has changed is logged, as it needs a restart.\n\n", stdout);
	print_directives("DIRECTIVES OF CHRONY", CONFIG_CHRONY);
	print_directives("DIRECTIVES OF MERIDIAN", CONFIG_OWN);
	fputs("# SERVER OPTIONS\n\n", stdout);
	print_all_options(config_server_options);
	print_nic_options();
	print_key_file();
	print_refclock_options();
	print_scripts();
	fputs("# HARDWARE TIME STAMPS\n\n", stdout);
	print_options(config_hwtimestamp_options, "");
	print_option_names(config_hwtimestamp_options, "Accepted with a warning, without effect",
		CONFIG_OPTION_IGNORED);
	print_reasons("WITHOUT EFFECT", "These directives of chrony are accepted with a warning.",
		CONFIG_NO_EFFECT);
	print_reasons("REFUSED",
		"These directives of chrony are errors, because ignoring them would change what is "
		"served, or to whom.",
		CONFIG_REFUSED);
	fputs("# SEE ALSO\n\n*meridian-control*(8), *chrony.conf*(5)\n", stdout);
	return 0;
}

static void print_comment(const char *text)
{
	while (*text) {
		size_t length = strlen(text);

		if (length > TEXT_WIDTH) {
			for (length = TEXT_WIDTH; length > 0 && text[length] != ' '; length--)
				;
		}
		printf("# %.*s\n", (int)length, text);
		text += length + (text[length] == ' ');
	}
}

static int print_example(void)
{
	puts("# Meridian's configuration; see meridian.conf(5) for everything it can say.\n");
	for (size_t i = 0; i < config_table_size; i++) {
		const struct config_directive *row = &config_table[i];

		if (row->example == NULL)
			continue;
		print_comment(row->text);
		/* One that is only shown begins with the comment's sign. */
		if (*row->example == '#')
			printf("#%s %s\n\n", row->name, row->example + 1);
		else
			printf("%s %s\n\n", row->name, row->example);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "manual") == 0)
		return print_manual();
	if (argc == 2 && strcmp(argv[1], "example") == 0)
		return print_example();
	fputs("usage: config-doc manual|example\n", stderr);
	return 2;
}
