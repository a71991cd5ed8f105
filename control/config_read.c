/* SPDX-License-Identifier: BSD-3-Clause */

/* Files of directives: line by line, in steps, with the files that they include. */

#include "config_table.h"
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define CONFIG_SUFFIX ".conf"
#define SOURCE_SUFFIX ".sources"

/* Paths of files; owned, and each of them. */
struct files {
	char **path;
	size_t count;
};

/* Files that are read one after the other, in the place of a line; the first one is the config. */
struct level {
	struct files files;
	size_t next;
	FILE *file; /* NULL: open the next one */
	dev_t device;
	ino_t inode;
	struct config_place from; /* the line */
	const char *directive;    /* of that line */
	bool sources;             /* of `sourcedir` */
};

struct config_reader {
	struct config_parser parser; /* first: the rows of files find the reader by it */
	struct level level[1 + CONFIG_INCLUDE_MAX];
	size_t depth; /* 0: all was read */
	char *path[CONFIG_FILES_MAX];
	size_t path_count;
	char source_directory[CONFIG_DIRECTORIES_MAX][CONFIG_PATH_SIZE];
	struct config_place source_place[CONFIG_DIRECTORIES_MAX]; /* where each was given */
	size_t source_directory_count;
};

static bool is_open(const struct config_reader *reader, const struct stat *status)
{
	for (size_t i = 0; i < reader->depth; i++) {
		const struct level *level = &reader->level[i];

		if (level->file && level->device == status->st_dev &&
			level->inode == status->st_ino)
			return true;
	}
	return false;
}

/* It gets the next number. -ELOOP: it is being read already, -EMFILE: there are too many. */
static int file_open(struct config_reader *reader, struct level *level, const char *path)
{
	struct stat status;
	char *copy = NULL;
	FILE *file = NULL;
	int r = config_file_open(path, &file);

	if (r < 0)
		return r;
	if (fstat(fileno(file), &status) < 0)
		r = -errno;
	else if (is_open(reader, &status))
		r = -ELOOP;
	else if (reader->path_count == CONFIG_FILES_MAX)
		r = -EMFILE;
	else if ((copy = strdup(path)) == NULL)
		r = -ENOMEM;
	if (r < 0) {
		fclose(file);
		return r;
	}
	reader->path[reader->path_count++] = copy;
	level->file = file;
	level->device = status.st_dev;
	level->inode = status.st_ino;
	return 0;
}

static void open_error(struct config_parser *parser, const char *path, int error)
{
	if (error == -ELOOP)
		config_error(parser, "%s includes itself", path);
	else if (error == -EMFILE)
		config_error(parser, "%s: too many files (at most %d)", path, CONFIG_FILES_MAX);
	else
		config_error(parser, "%s: %s", path, config_file_strerror(error));
}

static void files_free(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->path[i]);
	free(files->path);
}

static void level_pop(struct config_reader *reader)
{
	struct level *level = &reader->level[--reader->depth];

	if (level->file)
		fclose(level->file);
	files_free(&level->files);
}

/* Opens the next file of the innermost level, or goes back to where that was included. */
static void file_next(struct config_reader *reader)
{
	struct config_parser *parser = &reader->parser;
	struct level *level = &reader->level[reader->depth - 1];
	const char *path;
	int r;

	config_place_set(parser, level->from);
	if (level->next == level->files.count) {
		level_pop(reader);
		return;
	}
	path = level->files.path[level->next++];
	r = file_open(reader, level, path);
	if (r < 0) {
		parser->directive = level->directive;
		open_error(parser, path, r);
		parser->directive = NULL;
		return;
	}
	config_place_set(parser, (struct config_place){.file = (uint16_t)(reader->path_count - 1)});
}

/* Reads these files, which it owns then, before the next line. */
static void level_push(struct config_reader *reader, struct files *files, bool sources)
{
	struct config_parser *parser = &reader->parser;

	if (reader->depth > CONFIG_INCLUDE_MAX) {
		config_error(parser, "more than %d files in files", CONFIG_INCLUDE_MAX);
		files_free(files);
		return;
	}
	reader->level[reader->depth++] = (struct level){.files = *files,
		.from = config_place(parser),
		.directive = parser->directive,
		.sources = sources};
}

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* Where to insert `path` by its name; -1: that name is there. Without order, at the end. */
static ssize_t place_for(const struct files *files, const char *path, bool ordered)
{
	size_t at = files->count;

	while (ordered && at > 0) {
		int order = strcmp(name_of(files->path[at - 1]), name_of(path));

		if (order == 0)
			return -1;
		if (order < 0)
			break;
		at--;
	}
	return (ssize_t)at;
}

static bool file_add(struct files *files, const char *path, bool ordered)
{
	ssize_t at = place_for(files, path, ordered);
	char **grown, *copy;

	if (at < 0)
		return true;
	grown = reallocarray(files->path, files->count + 1, sizeof(*grown));
	if (grown == NULL)
		return false;
	files->path = grown;
	copy = strdup(path);
	if (copy == NULL)
		return false;
	memmove(grown + at + 1, grown + at, (files->count - (size_t)at) * sizeof(*grown));
	grown[at] = copy;
	files->count++;
	return true;
}

static int glob_errno;

/* A directory may be missing. */
static int on_glob_error(const char *path, int error)
{
	(void)path;
	glob_errno = error;
	return error != ENOENT && error != ENOTDIR;
}

/* Adds the files that match. False after reporting what is wrong. */
static bool files_find(
	struct config_parser *parser, struct files *files, const char *pattern, bool ordered)
{
	glob_t found;
	int r = glob(pattern, GLOB_NOMAGIC, on_glob_error, &found);
	bool ok = true;

	if (r == GLOB_NOMATCH)
		return true;
	if (r != 0) {
		config_error(parser, "%s: %s", pattern,
			strerror(r == GLOB_ABORTED ? glob_errno : ENOMEM));
		return false;
	}
	for (size_t i = 0; ok && i < found.gl_pathc; i++)
		ok = files->count < CONFIG_FILES_MAX && file_add(files, found.gl_pathv[i], ordered);
	globfree(&found);
	if (!ok && files->count < CONFIG_FILES_MAX)
		config_error(parser, "%s: %s", pattern, strerror(ENOMEM));
	else if (!ok)
		config_error(parser, "%s: too many files (at most %d)", pattern, CONFIG_FILES_MAX);
	return ok;
}

/* Of files with the same name in several directories, the first one counts. */
static bool directory_find(struct config_parser *parser, struct files *files, const char *directory,
	const char *suffix)
{
	char pattern[CONFIG_PATH_SIZE + 16];

	snprintf(pattern, sizeof(pattern), "%s/*%s", directory, suffix);
	return files_find(parser, files, pattern, true);
}

static char *path_word(struct config_parser *parser)
{
	char *word = config_word_required(parser, "the absolute path");

	if (word == NULL)
		return NULL;
	if (*word == '/' && strlen(word) < CONFIG_PATH_SIZE)
		return word;
	if (*word == '/')
		config_error(parser, "the path is longer than %d characters", CONFIG_PATH_SIZE - 1);
	else
		config_error(parser, "'%s' is not an absolute path", word);
	return NULL;
}

void config_parse_include(struct config_parser *parser, const struct config_directive *row)
{
	const char *pattern = path_word(parser);
	struct files files = {.count = 0};

	(void)row;
	if (pattern == NULL)
		return;
	if (!config_at_end(parser) || !files_find(parser, &files, pattern, false))
		files_free(&files);
	else
		level_push((struct config_reader *)parser, &files, false);
}

void config_parse_confdir(struct config_parser *parser, const struct config_directive *row)
{
	struct files files = {.count = 0};
	size_t count = 0;
	bool ok = true;

	(void)row;
	do {
		const char *directory = path_word(parser);

		ok = directory && directory_find(parser, &files, directory, CONFIG_SUFFIX);
	} while (ok && ++count < CONFIG_DIRECTORIES_MAX && !config_at_end(parser));
	if (ok && *parser->rest != '\0') {
		config_error(parser, "more than %d directories", CONFIG_DIRECTORIES_MAX);
		ok = false;
	}
	if (ok)
		level_push((struct config_reader *)parser, &files, false);
	else
		files_free(&files);
}

/* They are read at the end: a server of the config goes before one of the same name there. */
void config_parse_sourcedir(struct config_parser *parser, const struct config_directive *row)
{
	struct config_reader *reader = (struct config_reader *)parser;

	(void)row;
	do {
		const char *directory = path_word(parser);

		if (directory == NULL)
			return;
		if (reader->source_directory_count == CONFIG_DIRECTORIES_MAX) {
			config_error(parser, "more than %d directories", CONFIG_DIRECTORIES_MAX);
			return;
		}
		reader->source_place[reader->source_directory_count] = config_place(parser);
		snprintf(reader->source_directory[reader->source_directory_count++],
			CONFIG_PATH_SIZE, "%s", directory);
	} while (!config_at_end(parser));
}

/* Comes when all else was read. False: there are none, or not any more. */
static bool source_directories_push(struct config_reader *reader)
{
	struct config_parser *parser = &reader->parser;
	unsigned int error_count = parser->error_count;
	struct files files = {.count = 0};
	size_t count = reader->source_directory_count;

	if (count == 0)
		return false;
	reader->source_directory_count = 0;
	config_return_to(parser, "sourcedir");
	parser->tolerant = true;
	for (size_t i = 0; i < count; i++) {
		config_place_set(parser, reader->source_place[i]);
		directory_find(parser, &files, reader->source_directory[i], SOURCE_SUFFIX);
	}
	level_push(reader, &files, true);
	parser->directive = NULL;
	parser->tolerant = false;
	parser->error_count = error_count;
	return true;
}

/* Who writes such a file, often for what a DHCP server said, cannot be told what is wrong with it,
 * and may be in the middle of it: what is no good is left out, as are files that cannot be read. */
static void source_line_parse(struct config_parser *parser)
{
	const struct config_reader *reader = (const struct config_reader *)parser;
	const struct level *level = &reader->level[reader->depth - 1];
	size_t length = strcspn(parser->rest, CONFIG_BLANKS);

	if (feof(level->file))
		config_error(parser, "the line has no end");
	else if ((length == 6 && strncasecmp(parser->rest, "server", length) == 0) ||
		(length == 4 && strncasecmp(parser->rest, "pool", length) == 0))
		config_line_parse(parser);
	else
		config_error(parser, "there may be nothing but server and pool here");
}

static int line_next(struct config_reader *reader)
{
	struct level *level = &reader->level[reader->depth - 1];
	int r = config_line_next(&reader->parser, level->file,
		level->sources ? source_line_parse : config_line_parse);

	if (r < 0 && !level->sources)
		return r;
	if (r != 0) {
		fclose(level->file);
		level->file = NULL;
	}
	return 0;
}

/* A line, or the way to the next one. */
static int turn(struct config_reader *reader)
{
	struct config_parser *parser = &reader->parser;
	const struct level *level = &reader->level[reader->depth - 1];
	unsigned int error_count = parser->error_count;
	bool sources = level->sources;
	int r = 0;

	parser->tolerant = sources;
	if (level->file == NULL)
		file_next(reader);
	else
		r = line_next(reader);
	parser->tolerant = false;
	if (sources)
		parser->error_count = error_count;
	return r;
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
	r = reader ? file_open(reader, &reader->level[0], path) : -ENOMEM;
	if (r < 0) {
		fprintf(errors, "%s: %s\n", path, config_file_strerror(r));
		config_reader_close(reader);
		return r;
	}
	reader->depth = 1;
	reader->parser = (struct config_parser){.config = config,
		.path = config->path,
		.paths = (const char *const *)reader->path,
		.errors = errors};
	config_defaults_set(&reader->parser);
	*ret_reader = reader;
	return 0;
}

int config_reader_step(struct config_reader *reader, size_t lines)
{
	for (; lines > 0; lines--) {
		int r;

		if (reader->depth == 0 && !source_directories_push(reader)) {
			config_check_all(&reader->parser);
			return reader->parser.error_count > 0 ? -EINVAL : 1;
		}
		r = turn(reader);
		if (r < 0)
			return r;
	}
	return 0;
}

void config_reader_close(struct config_reader *reader)
{
	if (reader == NULL)
		return;
	while (reader->depth > 0)
		level_pop(reader);
	for (size_t i = 0; i < reader->path_count; i++)
		free(reader->path[i]);
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
