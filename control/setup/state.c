/* SPDX-License-Identifier: BSD-3-Clause */
#include "state.h"
#include "small_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SCHEMA       1
#define SIZE_MAX_B   (16 << 20)
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE 37

__attribute__((format(printf, 3, 4))) static int fail(
	char error[static STATE_ERROR_SIZE], int result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, STATE_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return result;
}

static int boot_id(char ret_id[static BOOT_ID_SIZE])
{
	FILE *file = fopen(BOOT_ID_PATH, "re");
	bool read;

	if (file == NULL)
		return -errno;
	read = fgets(ret_id, BOOT_ID_SIZE, file) != NULL;
	fclose(file);
	return read ? 0 : -EIO;
}

/* The directory of the file, or "". */
static void directory_of(char ret_path[static PATH_MAX], const char *path)
{
	char *slash;

	snprintf(ret_path, PATH_MAX, "%s", path);
	slash = strrchr(ret_path, '/');
	if (slash)
		*slash = '\0';
	else
		snprintf(ret_path, PATH_MAX, ".");
}

static int lock(struct state *state, char error[static STATE_ERROR_SIZE])
{
	char path[PATH_MAX];
	int r;

	directory_of(path, state->path);
	if (path[0] != '\0' && mkdir(path, 0755) < 0 && errno != EEXIST)
		return fail(error, -errno, "%s: %s", path, strerror(errno));
	state->lock_fd = open(path[0] ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->lock_fd < 0)
		return fail(error, -errno, "%s: %s", path, strerror(errno));
	if (flock(state->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	r = -errno;
	close(state->lock_fd);
	state->lock_fd = -1;
	if (r == -EWOULDBLOCK)
		return fail(error, -EBUSY, "%s: another meridian-setup is at work", state->path);
	return fail(error, r, "%s: %s", path, strerror(-r));
}

static int damaged(const struct state *state, char error[static STATE_ERROR_SIZE], const char *what)
{
	return fail(error, -EBADMSG,
		"%s: %s; what an earlier run changed cannot be taken back by it: move the file "
		"away "
		"to go on",
		state->path, what);
}

static int steps_read(struct state *state, const json_t *steps)
{
	for (size_t i = 0; i < json_array_size(steps); i++) {
		struct step *step = steps_add(&state->steps, STEP_MODULE, "");

		if (step == NULL || step_from_json(step, json_array_get(steps, i)) < 0)
			return -EINVAL;
	}
	return 0;
}

static int parse(
	struct state *state, const char *text, size_t length, char error[static STATE_ERROR_SIZE])
{
	char now[BOOT_ID_SIZE];
	json_error_t where;
	json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where), *steps;
	const char *id;
	json_int_t schema;
	int r = 0;

	if (json == NULL)
		return fail(error, -EBADMSG,
			"%s:%d: damaged (%s); what an earlier run changed cannot be taken back by "
			"it: move the file away to go on",
			state->path, where.line, where.text);
	if (json_unpack(json, "{sI ss so}", "schema", &schema, "boot_id", &id, "steps", &steps) <
			0 ||
		schema != SCHEMA || !json_is_array(steps))
		r = damaged(state, error, "not a file of this meridian-setup");
	else if (boot_id(now) < 0 || strcmp(now, id) != 0)
		state->of_earlier_boot = true;
	else if (steps_read(state, steps) < 0)
		r = damaged(state, error, "damaged: there is a step that cannot be");
	json_decref(json);
	return r;
}

static int load(struct state *state, char error[static STATE_ERROR_SIZE])
{
	struct stat status;
	size_t length;
	char *text = small_file_read(state->path, SIZE_MAX_B, &status, &length);
	int r;

	if (text == NULL) {
		if (errno == ENOENT)
			return 0;
		return fail(error, -EBADMSG, "%s: %s", state->path, small_file_strerror(errno));
	}
	if ((status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & 022) != 0)
		r = damaged(state, error, "others than root can write to it");
	else
		r = parse(state, text, length, error);
	free(text);
	return r;
}

int state_open(struct state *ret_state, const char *path, bool write,
	char ret_error[static STATE_ERROR_SIZE])
{
	int r;

	*ret_state = (struct state){.path = path, .lock_fd = -1};
	r = write ? lock(ret_state, ret_error) : 0;
	if (r == 0)
		r = load(ret_state, ret_error);
	if (r < 0)
		state_close(ret_state);
	return r;
}

static int write_out(const struct state *state, FILE *out)
{
	json_t *steps = json_array(), *json;
	char id[BOOT_ID_SIZE];
	int r = boot_id(id);

	for (size_t i = 0; i < state->steps.count; i++)
		json_array_append_new(steps, step_to_json(&state->steps.step[i]));
	json = json_pack(
		"{si ss so}", "schema", SCHEMA, "boot_id", r == 0 ? id : "", "steps", steps);
	if (r == 0 && (json == NULL || json_array_size(steps) != state->steps.count))
		r = -ENOMEM;
	if (r == 0 &&
		(json_dumpf(json, out, JSON_INDENT(1)) < 0 || fputc('\n', out) < 0 ||
			fflush(out) < 0 || fsync(fileno(out)) < 0))
		r = errno != 0 ? -errno : -EIO;
	json_decref(json);
	return r;
}

static int replace(const struct state *state, const char *temporary)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), r;
	FILE *out;

	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	r = out != NULL ? write_out(state, out) : -ENOMEM;
	if (out == NULL)
		close(fd);
	else if (fclose(out) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temporary, state->path) < 0)
		r = -errno;
	return r;
}

int state_save(const struct state *state)
{
	char temporary[PATH_MAX];
	int r;

	if (state->steps.count == 0) {
		r = unlink(state->path) < 0 && errno != ENOENT ? -errno : 0;
	} else {
		if (snprintf(temporary, sizeof(temporary), "%s.new", state->path) >= PATH_MAX)
			return -ENAMETOOLONG;
		unlink(temporary); /* of a run that was killed */
		r = replace(state, temporary);
		if (r < 0)
			unlink(temporary);
	}
	return r == 0 && fsync(state->lock_fd) < 0 ? -errno : r;
}

void state_close(struct state *state)
{
	steps_free(&state->steps);
	if (state->lock_fd >= 0)
		close(state->lock_fd);
	state->lock_fd = -1;
}
