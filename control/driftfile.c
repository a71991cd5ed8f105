/* SPDX-License-Identifier: BSD-3-Clause */
#include "driftfile.h"
#include "core/drift.h"
#include "core/estimator.h"
#include <errno.h>
#include <fcntl.h>
#include <log.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file is an old memory of this counter: temperature and age have moved it since. A bound does
 * not rest on it (core/bound.h). */
/* What is printed on crystals: most are within 20 ppm, and all within ESTIMATOR_FREQUENCY_ERROR. */
#define UNKNOWN_FREQUENCY_SD    25e-6
#define REMEMBERED_FREQUENCY_SD 1e-6

static int file_read(const char *path, struct drift *ret_drift)
{
	char text[256];
	struct stat status;
	FILE *file;
	size_t length;

	if (stat(path, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return drift_parse(text, ret_drift);
}

/* Said at the start, since the file is first written an hour later. */
static void directory_check(const char *path)
{
	char directory[CONFIG_PATH_SIZE];

	snprintf(directory, sizeof(directory), "%s", path);
	*strrchr(directory, '/') = '\0';
	if (access(directory[0] ? directory : "/", W_OK) < 0)
		log_warning(
			"driftfile %s cannot be written: %s: %s", path, directory, strerror(errno));
}

void driftfile_read(const char *path, const struct counter *counter, struct drift_start *ret_start)
{
	struct drift drift = {.hz = 0};
	double hz_true;
	int r;

	*ret_start = (struct drift_start){0, UNKNOWN_FREQUENCY_SD};
	if (*path == '\0')
		return;
	r = file_read(path, &drift);
	if (r == -ENOENT) {
		directory_check(path);
		return;
	}
	if (r < 0) {
		log_warning("driftfile %s ignored: %s", path,
			r == -EINVAL ? "not a file of \"PPM SKEW [COUNTER HZ]\"" : strerror(-r));
		return;
	}
	if (drift.counter[0] && strcmp(drift.counter, counter->name) != 0) {
		log_warning("driftfile %s ignored: it is about counter %s", path, drift.counter);
		return;
	}
	hz_true = (double)(drift.hz ? drift.hz : counter->hz) * (1 + drift.ppm * 1e-6);
	ret_start->frequency = (double)counter->hz / hz_true - 1;
	ret_start->frequency_sd = REMEMBERED_FREQUENCY_SD + drift.skew_ppm * 1e-6;
}

static int text_write(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	ssize_t written;
	int r = 0;

	if (fd < 0)
		return -errno;
	written = write(fd, text, length);
	if (written != (ssize_t)length)
		r = written < 0 ? -errno : -ENOSPC;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlink(path);
	return r;
}

/* rename(2) would replace a device, too. */
static bool replaceable(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 || S_ISREG(status.st_mode);
}

int driftfile_write(
	const char *path, const struct counter *counter, double frequency, double frequency_sd)
{
	struct drift drift = {.ppm = (1 / (1 + frequency) - 1) * 1e6,
		.skew_ppm = frequency_sd * 1e6,
		.hz = counter->hz};
	char temporary[CONFIG_PATH_SIZE + 8], text[256];
	int r;

	snprintf(drift.counter, sizeof(drift.counter), "%s", counter->name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	drift_format(&drift, text, sizeof(text));
	if (!replaceable(path)) {
		log_error("driftfile %s is not written: not a regular file", path);
		return -EINVAL;
	}
	r = text_write(temporary, text, strlen(text));
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		log_errno(r, "driftfile %s is not written", path);
	return r;
}
