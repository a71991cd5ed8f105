/* SPDX-License-Identifier: BSD-3-Clause */

/* Files, line by line. */

#include "config_table.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	parser->rest = line + strspn(line, CONFIG_BLANKS);
	/* The end of the string is found in it, too. */
	if (strchr("!;#%", *parser->rest) == NULL)
		take(parser);
	parser->rest = NULL;
}

int config_line_next(
	struct config_parser *parser, FILE *file, void (*take)(struct config_parser *parser))
{
	char line[CONFIG_LINE_MAX + 2];
	int length = line_read(file, line);

	if (length >= 0) {
		parser->line++;
		line_take(parser, line, length, take);
		explicit_bzero(line, (size_t)length);
		return 0;
	}
	if (!ferror(file))
		return 1;
	fprintf(parser->errors, "%s: %s\n", parser->path, strerror(errno));
	return -EIO;
}

int config_lines_read(
	struct config_parser *parser, FILE *file, void (*take)(struct config_parser *parser))
{
	int r;

	do
		r = config_line_next(parser, file, take);
	while (r == 0);
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
