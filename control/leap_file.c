/* SPDX-License-Identifier: BSD-3-Clause */
#include "leap_file.h"
#include "config.h"
#include "small_file.h"
#include <errno.h>
#include <log.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
static bool warned_expired;
static int told_error; /* why the file could not be opened */

static void date_format(int64_t utc_s, char text[static 16])
{
	time_t time = (time_t)utc_s;
	struct tm date;

	if (gmtime_r(&time, &date) == NULL || strftime(text, 16, "%Y-%m-%d", &date) == 0)
		strcpy(text, "?");
}

/* What is wrong with a list, or with its file. */
struct complaint {
	unsigned int line; /* 0: no line */
	const char *text;
};

/* Returns 0, -EINVAL for what is no list, or why the file cannot be read. */
static int load(const char *from, struct leap_list *ret_list, struct stat *ret_status,
	struct complaint *ret_complaint)
{
	size_t length;
	char *text = small_file_read(from, FILE_SIZE_MAX, ret_status, &length);
	int r;

	*ret_complaint = (struct complaint){.line = 0};
	if (text == NULL) {
		r = -errno;
		ret_complaint->text = small_file_strerror(-r);
		return r;
	}
	ret_complaint->text = leap_list_parse(text, length, ret_list, &ret_complaint->line);
	free(text);
	return ret_complaint->text ? -EINVAL : 0;
}

static bool may_be_missing(const char *which)
{
	return strcmp(which, CONFIG_LEAP_LIST_DEFAULT) == 0;
}

int leap_file_check(const char *which, FILE *errors)
{
	struct leap_list checked;
	struct complaint complaint;
	struct stat status;
	int r = which[0] ? load(which, &checked, &status, &complaint) : 0;

	if (r == 0 || (r == -ENOENT && may_be_missing(which)))
		return 0;
	if (complaint.line > 0)
		fprintf(errors, "%s:%u: %s\n", which, complaint.line, complaint.text);
	else
		fprintf(errors, "leapseclist %s: %s\n", which, complaint.text);
	return r;
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

/* A file that cannot be read is tried again each time, and complained of once. */
static bool is_news(int error)
{
	bool news = error != told_error;

	told_error = error;
	return news;
}

/* A list that was good once stays in use when its file is not any more. */
static void list_read(void)
{
	struct leap_list fresh;
	struct complaint complaint;
	int r = load(path, &fresh, &seen, &complaint);
	bool opened = seen.st_ino != 0, news = is_news(opened ? 0 : r);

	if (r == 0) {
		list = fresh;
		has_list = true;
		warned_day = 0;
		list_log();
	} else if (r == -ENOENT && may_be_missing(path)) {
		log_info("leapseclist %s: there is no such file", path);
	} else if (complaint.line > 0) {
		log_warning("leapseclist %s:%u: %s", path, complaint.line, complaint.text);
	} else if (opened || news) {
		log_warning("leapseclist %s: %s", path, complaint.text);
	}
}

void leap_file_open(const char *new_path)
{
	has_list = has_list && strcmp(path, new_path) == 0;
	snprintf(path, sizeof(path), "%s", new_path);
	warned_day = 0;
	told_error = 0;
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
	bool expired = utc_s >= list.expires_s;
	char expires[16];

	if (utc_s < list.expires_s - EXPIRES_SOON_S ||
		(day == warned_day && expired == warned_expired))
		return;
	warned_day = day;
	warned_expired = expired;
	date_format(list.expires_s, expires);
	if (expired)
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
