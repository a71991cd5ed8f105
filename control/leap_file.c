/* SPDX-License-Identifier: BSD-3-Clause */
#include "leap_file.h"
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <log.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_SIZE_MAX  65536
#define LOOK_INTERVAL  60 /* calls, one a second */
#define DAY_S          86400
#define EXPIRES_SOON_S (30 * DAY_S)

static char path[CONFIG_PATH_SIZE];
static struct leap_list list;
static bool has_list;
static struct stat seen; /* of the file when it was read; all zero: it was missing */
static unsigned int calls;
static int64_t warned_day;

static void date_format(int64_t utc_s, char text[static 16])
{
	time_t time = (time_t)utc_s;
	struct tm date;

	if (gmtime_r(&time, &date) == NULL || strftime(text, 16, "%Y-%m-%d", &date) == 0)
		strcpy(text, "?");
}

/* Returns the octets of a regular file, for free(3), or NULL with errno set. */
static char *file_read(struct stat *ret_status, size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	ssize_t length = -1;

	memset(ret_status, 0, sizeof(*ret_status));
	if (fd < 0)
		return NULL;
	if (fstat(fd, ret_status) == 0) {
		errno = S_ISREG(ret_status->st_mode) ? EFBIG : EINVAL;
		if (S_ISREG(ret_status->st_mode) && ret_status->st_size <= FILE_SIZE_MAX)
			text = malloc(FILE_SIZE_MAX);
	}
	if (text)
		length = read(fd, text, FILE_SIZE_MAX);
	close(fd);
	if (length >= 0) {
		*ret_length = (size_t)length;
		return text;
	}
	free(text);
	return NULL;
}

static void list_log(void)
{
	const struct leap_entry *last = &list.entry[list.count - 1];
	char expires[16], from[16];

	date_format(list.expires_s, expires);
	date_format(last->from_s, from);
	log_info("leapseclist %s: TAI - UTC is %d s from %s on, complete until %s", path,
		last->tai_offset_s, from, expires);
}

/* A list that was good once stays in use when its file is not any more. */
static void list_read(void)
{
	struct leap_list fresh;
	unsigned int line;
	size_t length;
	char *text = file_read(&seen, &length);
	const char *wrong;

	if (text == NULL) {
		if (errno == ENOENT && strcmp(path, CONFIG_LEAP_LIST_DEFAULT) == 0)
			log_info("leapseclist %s: there is no such file", path);
		else
			log_warning("leapseclist %s: %s", path, strerror(errno));
		return;
	}
	wrong = leap_list_parse(text, length, &fresh, &line);
	free(text);
	if (wrong && line > 0)
		log_warning("leapseclist %s:%u: %s", path, line, wrong);
	else if (wrong)
		log_warning("leapseclist %s: %s", path, wrong);
	if (wrong)
		return;
	list = fresh;
	has_list = true;
	warned_day = 0;
	list_log();
}

void leap_file_open(const char *new_path)
{
	has_list = has_list && strcmp(path, new_path) == 0;
	snprintf(path, sizeof(path), "%s", new_path);
	warned_day = 0;
	if (path[0])
		list_read();
}

static bool file_changed(void)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return false;
	return status.st_ino != seen.st_ino || status.st_dev != seen.st_dev ||
		status.st_size != seen.st_size || status.st_mtim.tv_sec != seen.st_mtim.tv_sec ||
		status.st_mtim.tv_nsec != seen.st_mtim.tv_nsec;
}

static void expiry_watch(int64_t utc_s)
{
	int64_t day = utc_s / DAY_S;
	char expires[16];

	if (utc_s < list.expires_s - EXPIRES_SOON_S || day == warned_day)
		return;
	warned_day = day;
	date_format(list.expires_s, expires);
	if (utc_s >= list.expires_s)
		log_warning("leapseclist %s: it expired on %s, only announcements of sources tell "
			    "of a leap second now",
			path, expires);
	else
		log_warning("leapseclist %s: it expires on %s", path, expires);
}

const struct leap_list *leap_file_list(int64_t utc_s)
{
	if (path[0] && ++calls % LOOK_INTERVAL == 0 && file_changed())
		list_read();
	if (!has_list)
		return NULL;
	expiry_watch(utc_s);
	return &list;
}
