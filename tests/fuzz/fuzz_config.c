/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Configuration files. One that is accepted is the same after it was written out and read again.
 *
 * Input: the file.
 */

#include "fuzz.h"
#include <config.h>
#include <sys/mman.h>
#include <unistd.h>

static int file = -1;
static char path[32];

static void file_write(const void *data, size_t size)
{
	if (file < 0) {
		file = memfd_create("fuzz", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	FUZZ_CHECK(ftruncate(file, 0) == 0);
	FUZZ_CHECK(pwrite(file, data, size, 0) == (ssize_t)size);
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
	r = config_load(&config, path, errors);
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
	char *first, *second;

	file_write(data, size);
	load(&first);
	if (first == NULL)
		return 0;
	file_write(first, strlen(first));
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
