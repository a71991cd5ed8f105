/* SPDX-License-Identifier: BSD-3-Clause */

/* Files of directives: line by line, in steps. */

#include "config_table.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS " \t\r\n\v\f"

struct config_reader {
	struct config_parser parser;
	FILE *file;
};

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

/* Takes up to *lines lines, which it counts down. 1: the file ended. */
static int lines_step(struct config_parser *parser, FILE *file,
	void (*take)(struct config_parser *parser), size_t *lines)
{
	char line[CONFIG_LINE_MAX + 2];
	int length = 0;

	for (; *lines > 0 && (length = line_read(file, line)) >= 0; --*lines) {
		parser->line++;
		line_take(parser, line, length, take);
	}
	explicit_bzero(line, sizeof(line));
	if (length >= 0)
		return 0;
	if (!ferror(file))
		return 1;
	fprintf(parser->errors, "%s: %s\n", parser->path, strerror(errno));
	return -EIO;
}

int config_lines_read(
	struct config_parser *parser, FILE *file, void (*take)(struct config_parser *parser))
{
	size_t lines;
	int r;

	do {
		lines = SIZE_MAX;
		r = lines_step(parser, file, take, &lines);
	} while (r == 0);
	return r < 0 ? r : 0;
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

int config_reader_open(
	struct config_reader **ret_reader, struct config *config, const char *path, FILE *errors)
{
	struct config_reader *reader;
	int r;

	memset(config, 0, sizeof(*config));
	if (strlen(path) >= sizeof(config->path)) {
		fprintf(errors, "%s: the path is longer than %zu characters\n", path,
			sizeof(config->path) - 1);
		return -EINVAL;
	}
	snprintf(config->path, sizeof(config->path), "%s", path);
	reader = calloc(1, sizeof(*reader));
	r = reader ? config_file_open(path, &reader->file) : -ENOMEM;
	if (r < 0) {
		fprintf(errors, "%s: %s\n", path, config_file_strerror(r));
		free(reader);
		return r;
	}
	reader->parser =
		(struct config_parser){.config = config, .path = config->path, .errors = errors};
	config_defaults_set(&reader->parser);
	*ret_reader = reader;
	return 0;
}

int config_reader_step(struct config_reader *reader, size_t lines)
{
	int r = lines_step(&reader->parser, reader->file, config_line_parse, &lines);

	if (r != 1)
		return r;
	config_check_all(&reader->parser);
	return reader->parser.error_count > 0 ? -EINVAL : 1;
}

void config_reader_close(struct config_reader *reader)
{
	if (reader == NULL)
		return;
	fclose(reader->file);
	free(reader);
}

int config_load(struct config *config, const char *path, FILE *errors)
{
	struct config_reader *reader;
	int r = config_reader_open(&reader, config, path, errors);

	if (r < 0)
		return r;
	do
		r = config_reader_step(reader, SIZE_MAX);
	while (r == 0);
	config_reader_close(reader);
	if (r > 0)
		return 0;
	config_free(config);
	return r;
}
