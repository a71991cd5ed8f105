/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_script.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS        " \t\r\n\v\f"
#define FILE_SIZE_MAX 262144

static struct script checked;

/* Returns the octets of a regular file, for free(3), or NULL with errno set. */
static char *file_read(const char *path, size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	struct stat status;
	ssize_t length;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0) {
		errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
		if (S_ISREG(status.st_mode) && status.st_size < FILE_SIZE_MAX)
			text = malloc(FILE_SIZE_MAX);
	}
	length = text ? read(fd, text, FILE_SIZE_MAX) : 0;
	close(fd);
	if (text && length < 0) {
		free(text);
		return NULL;
	}
	*ret_length = (size_t)length;
	return text;
}

int config_script_read(const char *path, struct script *ret_script, FILE *errors)
{
	char message[SCRIPT_MESSAGE_SIZE];
	unsigned int line;
	size_t length;
	char *text = file_read(path, &length);
	int r;

	if (text == NULL) {
		r = -errno;
		fprintf(errors, "%s: %s\n", path, strerror(errno));
		return r;
	}
	r = script_parse(text, length, ret_script, &line, message);
	free(text);
	if (r < 0)
		fprintf(errors, "%s:%u: %s\n", path, line, message);
	return r;
}

bool config_script_parse(struct config_parser *parser)
{
	const char *word = parser->rest + strspn(parser->rest, BLANKS);
	struct config *config = parser->config;

	if (strncasecmp(word, "SCRIPT", 6) != 0 || strcspn(word, BLANKS) != 6)
		return false;
	config_word(parser);
	word = config_word_required(parser, "the path");
	if (word == NULL)
		return true;
	if (*word != '/')
		config_error(parser, "'%s' is not an absolute path", word);
	else if (strlen(word) >= sizeof(config->script))
		config_error(parser, "the path is longer than %zu characters",
			sizeof(config->script) - 1);
	else if (config->script[0])
		config_error(parser, "there is a script already, %s", config->script);
	else if (config_script_read(word, &checked, parser->errors) < 0)
		parser->error_count++;
	else
		strcpy(config->script, word);
	return true;
}
