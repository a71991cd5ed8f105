/* SPDX-License-Identifier: BSD-3-Clause */
#include "small_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns 0 where the file may be read, else -1 with errno set. */
static int check(int fd, size_t size_max, struct stat *ret_status)
{
	if (fstat(fd, ret_status) < 0)
		return -1;
	if (S_ISREG(ret_status->st_mode) && (size_t)ret_status->st_size <= size_max)
		return 0;
	errno = S_ISREG(ret_status->st_mode) ? EFBIG : EINVAL;
	return -1;
}

char *small_file_read(
	const char *path, size_t size_max, struct stat *ret_status, size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	ssize_t length = -1;

	memset(ret_status, 0, sizeof(*ret_status));
	if (fd < 0)
		return NULL;
	if (check(fd, size_max, ret_status) == 0)
		text = malloc(size_max);
	if (text)
		length = read(fd, text, size_max);
	close(fd);
	if (length >= 0) {
		*ret_length = (size_t)length;
		return text;
	}
	free(text);
	return NULL;
}

const char *small_file_strerror(int error)
{
	return error == EINVAL ? "it is not a regular file" : strerror(error);
}
