/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/meridian-test-config-XXXXXX";
struct config config;
char *messages;

int load_setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd < 0 ? -1 : 0;
}

int load_teardown(void **state)
{
	(void)state;
	free(messages);
	return unlink(path);
}

int load_octets(const char *text, size_t length)
{
	FILE *file = fopen(path, "w"), *errors;
	char *prefix;
	size_t size;
	int r;

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	fclose(file);
	free(messages);
	errors = open_memstream(&messages, &size);
	r = config_load(&config, path, errors);
	fclose(errors);
	while ((prefix = strstr(messages, path)))
		memmove(prefix, prefix + strlen(path) + 1, strlen(prefix + strlen(path) + 1) + 1);
	return r;
}

int load(const char *text)
{
	return load_octets(text, strlen(text));
}

void expect_error(const char *line, const char *message)
{
	int r = load(line);

	if (r != -EINVAL)
		fail_msg("'%s' was accepted", line);
	assert_string_equal(messages, message);
}
