/* SPDX-License-Identifier: BSD-3-Clause */
#include "sysfs.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *sysfs_root = "/sys";

/* Cut, it is a path that does not exist. */
__attribute__((format(printf, 2, 0))) static void path_make(
	char path[SYSFS_PATH_SIZE], const char *format, va_list arguments)
{
	int used = snprintf(path, SYSFS_PATH_SIZE, "%s/", sysfs_root);

	if (used < SYSFS_PATH_SIZE)
		vsnprintf(path + used, (size_t)(SYSFS_PATH_SIZE - used), format, arguments);
}

#define PATH(path, format)                                                                         \
	char path[SYSFS_PATH_SIZE];                                                                \
	do {                                                                                       \
		va_list arguments;                                                                 \
		va_start(arguments, format);                                                       \
		path_make(path, format, arguments);                                                \
		va_end(arguments);                                                                 \
	} while (0)

static int text_read(char ret_text[static SYSFS_TEXT_SIZE], const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	ssize_t length;

	ret_text[0] = '\0';
	if (fd < 0)
		return -errno;
	length = read(fd, ret_text, SYSFS_TEXT_SIZE - 1);
	r = length < 0 ? -errno : 0;
	close(fd);
	ret_text[length > 0 ? length : 0] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return r;
}

int sysfs_text(char ret_text[static SYSFS_TEXT_SIZE], const char *format, ...)
{
	PATH(path, format);
	return text_read(ret_text, path);
}

int sysfs_number(int64_t *ret_number, const char *format, ...)
{
	char text[SYSFS_TEXT_SIZE], *end;
	int r;

	PATH(path, format);
	r = text_read(text, path);
	if (r < 0)
		return r;
	errno = 0;
	*ret_number = strtoll(text, &end, 0);
	return errno != 0 || end == text || *end != '\0' ? -EINVAL : 0;
}

int sysfs_link(char ret_text[static SYSFS_TEXT_SIZE], const char *format, ...)
{
	char target[SYSFS_PATH_SIZE];
	ssize_t length;
	const char *slash;

	PATH(path, format);
	ret_text[0] = '\0';
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	slash = strrchr(target, '/');
	snprintf(
		ret_text, SYSFS_TEXT_SIZE, "%.*s", SYSFS_TEXT_SIZE - 1, slash ? slash + 1 : target);
	return 0;
}

int sysfs_write(const char *text, const char *format, ...)
{
	size_t length = strlen(text);
	int fd, r = 0;

	PATH(path, format);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	errno = 0;
	if (write(fd, text, length) != (ssize_t)length)
		r = errno != 0 ? -errno : -EIO;
	close(fd);
	return r;
}

int sysfs_find(const char *format, ...)
{
	PATH(path, format);
	return access(path, F_OK) < 0 ? -errno : 0;
}

int sysfs_list(struct sysfs_list *ret_list, const char *format, ...)
{
	const struct dirent *entry;
	DIR *directory;
	int r = 0;

	PATH(path, format);
	ret_list->count = 0;
	directory = opendir(path);
	if (!directory)
		return -errno;
	while (r == 0 && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		if (ret_list->count == SYSFS_LIST_MAX)
			r = -E2BIG;
		else
			snprintf(ret_list->name[ret_list->count++], SYSFS_TEXT_SIZE, "%.*s",
				SYSFS_TEXT_SIZE - 1, entry->d_name);
	}
	closedir(directory);
	return r;
}
