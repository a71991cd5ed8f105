/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_script.h"
#include "small_file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_SIZE_MAX 262144

static struct script checked;

/* Returns 0, or a negative errno with what is wrong; *ret_line is 0 where it is the file itself. */
static int script_load(const char *path, struct script *ret_script, unsigned int *ret_line,
	char message[static SCRIPT_MESSAGE_SIZE])
{
	struct stat status;
	size_t length;
	char *text = small_file_read(path, FILE_SIZE_MAX, &status, &length);
	int r;

	*ret_line = 0;
	if (text == NULL) {
		r = -errno;
		snprintf(message, SCRIPT_MESSAGE_SIZE, "%s", small_file_strerror(-r));
		return r;
	}
	r = script_parse(text, length, ret_script, ret_line, message);
	free(text);
	return r;
}

int config_script_read(const char *path, struct script *ret_script, FILE *errors)
{
	char message[SCRIPT_MESSAGE_SIZE];
	unsigned int line;
	int r = script_load(path, ret_script, &line, message);

	if (r < 0 && line > 0)
		fprintf(errors, "%s:%u: %s\n", path, line, message);
	else if (r < 0)
		fprintf(errors, "%s: %s\n", path, message);
	return r;
}

/* What is wrong in the script is told by its own line, but what is wrong with it by ours. */
static bool script_check(struct config_parser *parser, const char *path)
{
	char message[SCRIPT_MESSAGE_SIZE];
	unsigned int line;
	int r = script_load(path, &checked, &line, message);

	if (r < 0 && line == 0) {
		config_error(parser, "%s: %s", path, message);
	} else if (r < 0) {
		fprintf(parser->errors, "%s:%u: %s\n", path, line, message);
		parser->error_count++;
	}
	return r == 0;
}

bool config_script_parse(struct config_parser *parser)
{
	const char *word = parser->rest + strspn(parser->rest, CONFIG_BLANKS);
	struct config *config = parser->config;

	if (strncasecmp(word, "SCRIPT", 6) != 0 || strcspn(word, CONFIG_BLANKS) != 6)
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
	else if (script_check(parser, word))
		strcpy(config->script, word);
	return true;
}

bool config_script_allowed(const struct config *loaded, bool may_lie, FILE *errors)
{
	bool has_sources = loaded->server_count > 0 || loaded->refclock_count > 0;

	if (loaded->script[0] == '\0')
		return true;
	if (has_sources && !may_lie) {
		fprintf(errors,
			"%s: refclock SCRIPT serves a wrong time, and there are real sources; if "
			"that is meant, start meridian-control with --i-know-this-lies\n",
			loaded->path);
		return false;
	}
	if (loaded->steer_clock) {
		fprintf(errors,
			"%s: refclock SCRIPT must not lead the kernel's clock: remove "
			"steerclock\n",
			loaded->path);
		return false;
	}
	return true;
}
