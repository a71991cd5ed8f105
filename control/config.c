/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "config_keys.h"
#include "config_refclock.h"
#include "config_table.h"
#include "key_file.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Few are left after the first letter. */
static bool is_named(const struct config_directive *row, const char *name)
{
	return row->name[0] == tolower((unsigned char)name[0]) && strcasecmp(row->name, name) == 0;
}

const struct config_directive *config_directive_find(const char *name)
{
	for (size_t i = 0; i < config_table_size; i++) {
		if (is_named(&config_table[i], name))
			return &config_table[i];
	}
	for (size_t i = 0; i < config_chrony_table_size; i++) {
		if (is_named(&config_chrony_table[i], name))
			return &config_chrony_table[i];
	}
	return NULL;
}

/* What the file says must not move the cursor or pass for something else. */
static void print_escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text >= ' ' && *text <= '~')
			fputc(*text, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*text);
	}
}

static void __attribute__((format(printf, 3, 0))) message_vwrite(
	struct config_parser *parser, const char *kind, const char *format, va_list arguments)
{
	char message[CONFIG_LINE_MAX + 512];

	parser->message_count++;
	if (parser->message_max != 0 && parser->message_count > parser->message_max)
		return;
	fprintf(parser->errors, "%s:%u: ", parser->path, parser->line);
	if (parser->directive)
		fprintf(parser->errors, "%s: ", parser->directive);
	fputs(kind, parser->errors);
	vsnprintf(message, sizeof(message), format, arguments);
	print_escaped(message, parser->errors);
	fputc('\n', parser->errors);
}

void config_error(struct config_parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	message_vwrite(parser, parser->tolerant ? "warning: not used: " : "", format, arguments);
	va_end(arguments);
	parser->error_count++;
}

void config_warning(struct config_parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	message_vwrite(parser, "", format, arguments);
	va_end(arguments);
}

bool config_at_end(const struct config_parser *parser)
{
	return parser->rest[strspn(parser->rest, CONFIG_BLANKS)] == '\0';
}

char *config_word(struct config_parser *parser)
{
	char *word = parser->rest + strspn(parser->rest, CONFIG_BLANKS);
	size_t length = strcspn(word, CONFIG_BLANKS);

	if (length == 0)
		return NULL;
	parser->rest = word + length;
	if (*parser->rest)
		*parser->rest++ = '\0';
	return word;
}

char *config_word_required(struct config_parser *parser, const char *what)
{
	char *word = config_word(parser);

	if (word == NULL)
		config_error(parser, "%s is missing", what);
	return word;
}

bool config_number(struct config_parser *parser, const char *what, double min, double max,
	bool integer, double *ret_value)
{
	const char *kind = integer ? "whole number" : "number";
	const char *word = config_word(parser);
	char *end;
	double value;

	if (word == NULL) {
		config_error(
			parser, "%s is missing: a %s from %.10g to %.10g", what, kind, min, max);
		return false;
	}
	/* strtod(3) would also take "inf", "nan" and hexadecimal numbers. */
	value = strtod(word, &end);
	if (end == word || *end || word[strspn(word, "0123456789+-.eE")] ||
		(integer && (value < -1e15 || value > 1e15 || value != (double)(int64_t)value))) {
		config_error(parser, "%s '%s' is not a %s (allowed: %.10g to %.10g)", what, word,
			kind, min, max);
		return false;
	}
	if (!(value >= min && value <= max)) {
		config_error(parser, "%s %s is out of range (allowed: %.10g to %.10g)", what, word,
			min, max);
		return false;
	}
	*ret_value = value;
	return true;
}

struct config_place config_place(const struct config_parser *parser)
{
	return (struct config_place){.line = parser->line, .file = parser->file};
}

void config_place_set(struct config_parser *parser, struct config_place place)
{
	parser->line = place.line;
	parser->file = place.file;
	parser->path = parser->paths[place.file];
}

const char *config_place_text(const struct config_parser *parser, struct config_place place)
{
	static char text[CONFIG_PATH_SIZE + 32];

	if (place.file == parser->file)
		snprintf(text, sizeof(text), "line %u", place.line);
	else
		snprintf(text, sizeof(text), "%s line %u", parser->paths[place.file], place.line);
	return text;
}

static struct config_place *place_of(
	struct config_parser *parser, const struct config_directive *row)
{
	return &parser->place_of[row - config_table];
}

bool config_return_to(struct config_parser *parser, const char *name)
{
	const struct config_directive *row = config_directive_find(name);
	struct config_place place = *place_of(parser, row);

	if (place.line == 0)
		return false;
	config_place_set(parser, place);
	parser->directive = row->name;
	return true;
}

static void warn_repeated(struct config_parser *parser, const struct config_directive *row)
{
	struct config_place *place = place_of(parser, row);

	if (place->line > 0 && !row->many)
		config_warning(parser, "warning: replaces %s", config_place_text(parser, *place));
	*place = config_place(parser);
}

/* Of directives that say how another one works, which is not there. */
static void warn_needs(struct config_parser *parser)
{
	for (size_t i = 0; i < config_table_size; i++) {
		const struct config_directive *row = &config_table[i];

		if (row->needs == NULL ||
			place_of(parser, config_directive_find(row->needs))->line > 0)
			continue;
		if (config_return_to(parser, row->name))
			config_warning(parser, "warning: no effect: it needs `%s`", row->needs);
	}
	parser->directive = NULL;
}

static void directive_parse(struct config_parser *parser, const struct config_directive *row)
{
	unsigned int error_count = parser->error_count;
	const char *word;

	parser->directive = row->name;
	if (row->class == CONFIG_REFUSED) {
		config_error(parser, "refused: %s", row->text);
	} else if (row->class == CONFIG_NO_EFFECT) {
		config_warning(parser, "warning: no effect: %s", row->text);
	} else {
		row->parse(parser, row);
		word = config_word(parser);
		if (word && parser->error_count == error_count)
			config_error(parser, "'%s' is too much (usage: %s%s%s)", word, row->name,
				row->syntax[0] != '\0' ? " " : "", row->syntax);
		if (parser->error_count == error_count)
			warn_repeated(parser, row);
	}
	parser->directive = NULL;
}

void config_line_parse(struct config_parser *parser)
{
	const char *name = config_word(parser);
	const struct config_directive *row = parser->last;

	/* A million access rules stand in a row. */
	if (row == NULL || strcasecmp(row->name, name) != 0)
		row = config_directive_find(name);
	parser->last = row;
	if (row)
		directive_parse(parser, row);
	else
		config_error(parser, "unknown directive '%s'", name);
}

/* Defaults go through the parsers too, so that they are written once, in their rows. */
void config_defaults_set(struct config_parser *parser)
{
	for (size_t i = 0; i < config_table_size; i++) {
		char words[CONFIG_PATH_SIZE];

		if (config_table[i].initial == NULL)
			continue;
		snprintf(words, sizeof(words), "%s", config_table[i].initial);
		parser->rest = words;
		directive_parse(parser, &config_table[i]);
	}
}

void config_check_all(struct config_parser *parser)
{
	config_refclocks_check(parser);
	warn_needs(parser);
	config_ratelimit_check(parser);
	config_keys_load(parser);
	config_keys_apply(parser);
}

void config_free(struct config *config)
{
	free(config->rule);
	key_file_free(config->keys);
	memset(config, 0, sizeof(*config));
}
