/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Configuration files. One that is accepted is the same after it was written out and read again.
 *
 * Input: the file, and behind a NUL character another one, which it has as soon as it includes any:
 * no pattern leads to a file of this machine.
 */

#include "fuzz.h"
#include <config.h>
#include <errno.h>
#include <glob.h>
#include <sys/mman.h>
#include <unistd.h>

struct file {
	int fd; /* 0: not there yet */
	char path[32];
};

static struct file config_file, included;

static void file_write(struct file *file, const void *data, size_t size)
{
	if (file->fd == 0) {
		file->fd = memfd_create("fuzz", 0);
		snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
	}
	FUZZ_CHECK(ftruncate(file->fd, 0) == 0);
	FUZZ_CHECK(pwrite(file->fd, data, size, 0) == (ssize_t)size);
}

int __wrap_glob64(
	const char *pattern, int flags, int (*on_error)(const char *, int), glob_t *found);
void __wrap_globfree64(glob_t *found);

/* How glob(3) is called here. Every pattern matches the two files, unless it looks as if it did
 * not. */
int __wrap_glob64(const char *pattern, int flags, int (*on_error)(const char *, int), glob_t *found)
{
	static char *paths[] = {included.path, config_file.path};

	FUZZ_CHECK(pattern[0] == '/' && flags == GLOB_NOMAGIC);
	if (pattern[1] == '0')
		return GLOB_NOMATCH;
	if (pattern[1] == '1')
		return on_error(pattern, EACCES) ? GLOB_ABORTED : GLOB_NOMATCH;
	*found = (glob_t){.gl_pathc = pattern[1] == '2' ? 2 : 1, .gl_pathv = paths};
	return 0;
}

void __wrap_globfree64(glob_t *found)
{
	found->gl_pathc = 0;
}

/* Loads what is in the file; *ret_text is how it stands in effect, or NULL. */
static void load(char **ret_text)
{
	char *messages = NULL;
	size_t size;
	FILE *errors = open_memstream(&messages, &size), *out;
	struct config config;
	int r;

	*ret_text = NULL;
	r = config_load(&config, config_file.path, errors);
	fclose(errors);
	FUZZ_CHECK(r == 0 || size > 0);
	free(messages);
	if (r < 0)
		return;
	out = open_memstream(ret_text, &size);
	config_dump(&config, out);
	fclose(out);
	config_free(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
	size_t length = end ? (size_t)(end - data) : size;
	char *first, *second;

	file_write(&config_file, data, length);
	file_write(&included, end ? end + 1 : data + size, end ? size - length - 1 : 0);
	load(&first);
	if (first == NULL)
		return 0;
	file_write(&config_file, first, strlen(first));
	load(&second);
	FUZZ_CHECK(second != NULL);
	if (strcmp(first, second) != 0) {
		fprintf(stderr, "reads as\n%sthen as\n%s", first, second);
		abort();
	}
	free(first);
	free(second);
	return 0;
}
