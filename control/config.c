/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "config_keys.h"
#include "config_refclock.h"
#include "config_table.h"
#include "key_file.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS " \t\r\n\v\f"

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

static void __attribute__((format(printf, 2, 0)))
message_vwrite(struct config_parser *parser, const char *format, va_list arguments)
{
	char message[CONFIG_LINE_MAX + 512];

	fprintf(parser->errors, "%s:%u: ", parser->path, parser->line);
	if (parser->directive)
		fprintf(parser->errors, "%s: ", parser->directive);
	vsnprintf(message, sizeof(message), format, arguments);
	print_escaped(message, parser->errors);
	fputc('\n', parser->errors);
}

void config_error(struct config_parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	message_vwrite(parser, format, arguments);
	va_end(arguments);
	parser->error_count++;
}

void config_warning(struct config_parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	message_vwrite(parser, format, arguments);
	va_end(arguments);
}

bool config_at_end(const struct config_parser *parser)
{
	return parser->rest[strspn(parser->rest, BLANKS)] == '\0';
}

char *config_word(struct config_parser *parser)
{
	char *word = parser->rest + strspn(parser->rest, BLANKS);
	size_t length = strcspn(word, BLANKS);

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

static unsigned int *line_of(struct config_parser *parser, const struct config_directive *row)
{
	return &parser->line_of[row - config_table];
}

bool config_return_to(struct config_parser *parser, const char *name)
{
	const struct config_directive *row = config_directive_find(name);
	unsigned int line = *line_of(parser, row);

	if (line == 0)
		return false;
	parser->line = line;
	parser->directive = row->name;
	return true;
}

static void warn_repeated(struct config_parser *parser, const struct config_directive *row)
{
	unsigned int *line = line_of(parser, row);

	if (*line > 0 && !row->many)
		config_warning(parser, "warning: replaces line %u", *line);
	*line = parser->line;
}

/* Of directives that say how another one works, which is not there. */
static void warn_needs(struct config_parser *parser)
{
	for (size_t i = 0; i < config_table_size; i++) {
		const struct config_directive *row = &config_table[i];

		if (row->needs == NULL || *line_of(parser, config_directive_find(row->needs)) > 0)
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

static void line_parse(struct config_parser *parser)
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
static void defaults_set(struct config_parser *parser)
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

/* Reads a line without its end. Returns its length, which is above CONFIG_LINE_MAX when it was cut,
 * or -1 at the end of the file. */
static int line_read(FILE *file, char line[CONFIG_LINE_MAX + 2])
{
	int c, length = 0;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (length <= CONFIG_LINE_MAX)
			line[length++] = (char)c;
	}
	line[length] = '\0';
	return c == EOF && length == 0 ? -1 : length;
}

static void line_take(struct config_parser *parser, char *line, int length,
	void (*take)(struct config_parser *parser))
{
	if (length > CONFIG_LINE_MAX) {
		config_error(parser, "the line is longer than %d characters", CONFIG_LINE_MAX);
		return;
	}
	if (strlen(line) != (size_t)length) {
		config_error(parser, "there is a NUL character in the line");
		return;
	}
	parser->rest = line + strspn(line, BLANKS);
	/* The end of the string is found in it, too. */
	if (strchr("!;#%", *parser->rest) == NULL)
		take(parser);
	parser->rest = NULL;
}

int config_lines_read(
	struct config_parser *parser, FILE *file, void (*take)(struct config_parser *parser))
{
	char line[CONFIG_LINE_MAX + 2];
	int length;

	while ((length = line_read(file, line)) >= 0) {
		parser->line++;
		line_take(parser, line, length, take);
	}
	explicit_bzero(line, sizeof(line));
	if (!ferror(file))
		return 0;
	fprintf(parser->errors, "%s: %s\n", parser->path, strerror(errno));
	return -EIO;
}

static int file_parse(struct config_parser *parser, FILE *file)
{
	int r = config_lines_read(parser, file, line_parse);

	config_refclocks_check(parser);
	warn_needs(parser);
	config_ratelimit_check(parser);
	config_keys_load(parser);
	config_keys_apply(parser);
	if (r < 0)
		return r;
	return parser->error_count > 0 ? -EINVAL : 0;
}

int config_file_open(const char *path, FILE **ret_file)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		r = -errno;
	else if (!S_ISREG(status.st_mode))
		r = -EINVAL;
	else if ((*ret_file = fdopen(fd, "r")) == NULL)
		r = -errno;
	if (r < 0)
		close(fd);
	return r;
}

const char *config_file_strerror(int error)
{
	return error == -EINVAL ? "not a regular file" : strerror(-error);
}

int config_load(struct config *config, const char *path, FILE *errors)
{
	struct config_parser parser = {.config = config, .path = path, .errors = errors};
	FILE *file = NULL;
	int r;

	memset(config, 0, sizeof(*config));
	if (strlen(path) >= sizeof(config->path)) {
		fprintf(errors, "%s: the path is longer than %zu characters\n", path,
			sizeof(config->path) - 1);
		return -EINVAL;
	}
	snprintf(config->path, sizeof(config->path), "%s", path);
	r = config_file_open(path, &file);
	if (file == NULL) {
		fprintf(errors, "%s: %s\n", path, config_file_strerror(r));
		return r;
	}
	defaults_set(&parser);
	r = file_parse(&parser, file);
	fclose(file);
	if (r < 0)
		config_free(config);
	return r;
}

void config_free(struct config *config)
{
	free(config->rule);
	key_file_free(config->keys);
	memset(config, 0, sizeof(*config));
}
