/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_memory.h"
#include "pages.h"
#include "step_kinds.h"
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

/* --- modules ------------------------------------------------------------------------------------
 */

/* Returns its exit code, or a negative errno. */
static int modprobe(const char *option, const char *module)
{
	char program[] = "modprobe", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char option_text[8], module_text[SYSFS_TEXT_SIZE];
	char *const arguments[] = {program, option_text, module_text, NULL};
	char *const environment[] = {path, NULL};
	int status, r;
	pid_t pid;

	snprintf(option_text, sizeof(option_text), "%s", option);
	snprintf(module_text, sizeof(module_text), "%s", module);
	r = posix_spawnp(&pid, "modprobe", NULL, NULL, arguments, environment);
	if (r != 0)
		return -r;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static void module_print(const struct step *step, bool undo, const char *indent, FILE *out)
{
	fprintf(out, "%smodprobe %s%s\n", indent, undo ? "-r " : "", step->on);
}

static int module_run(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	int r = modprobe("-q", step->on);

	if (r == 0)
		return 0;
	if (r < 0)
		return step_error(error, r, "modprobe %s: %s", step->on, strerror(-r));
	return step_error(error, -ENOENT, "modprobe %s: the kernel has no such module", step->on);
}

/* Somebody may use it by now. */
static int module_undo(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	(void)error;
	(void)modprobe("-rq", step->on);
	return 0;
}

const struct step_operations step_module = {
	.name = "module", .print = module_print, .run = module_run, .undo = module_undo};

/* --- hugepages ----------------------------------------------------------------------------------
 */

static int64_t pages_after_undo(const struct step *step, int64_t now)
{
	int64_t left = now - (step->to[0] - step->from[0]);

	if (now <= step->from[0])
		return now;
	return left > step->from[0] ? left : step->from[0];
}

static void pages_print(const struct step *step, bool undo, const char *indent, FILE *out)
{
	char path[SYSFS_PATH_SIZE];
	int64_t now = step->to[0];

	pages_path(path, (int)step->from[1], "nr_hugepages");
	if (undo)
		sysfs_number(&now, "%s", path);
	fprintf(out, "%secho %" PRId64 " >/sys/%s\n", indent,
		undo ? pages_after_undo(step, now) : step->to[0], path);
}

static int pages_write(const char *path, int64_t pages)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, pages);
	return sysfs_write(text, "%s", path);
}

/* The kernel gives as many as it finds, and says nothing. */
static int pages_run(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	char path[SYSFS_PATH_SIZE];
	int64_t given = 0;
	int r;

	pages_path(path, (int)step->from[1], "nr_hugepages");
	r = pages_write(path, step->to[0]);
	if (r == 0)
		r = sysfs_number(&given, "%s", path);
	if (r < 0)
		return step_error(error, r, "/sys/%s: %s", path, strerror(-r));
	if (given < step->to[0])
		return step_error(error, -ENOMEM,
			"/sys/%s: %" PRId64 " hugepages of %d MB wanted, %" PRId64
			" to be had: memory is short or in pieces; reserve them at boot "
			"(hugepages=%" PRId64 ")",
			path, step->to[0], PACKET_MEMORY_PAGE_MB, given, step->to[0]);
	return 0;
}

static int pages_undo(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	char path[SYSFS_PATH_SIZE];
	int64_t now;
	int r;

	pages_path(path, (int)step->from[1], "nr_hugepages");
	r = sysfs_number(&now, "%s", path);
	if (r == 0 && pages_after_undo(step, now) != now)
		r = pages_write(path, pages_after_undo(step, now));
	if (r < 0)
		return step_error(error, r, "/sys/%s: %s", path, strerror(-r));
	return 0;
}

const struct step_operations step_pages = {
	.name = "hugepages", .print = pages_print, .run = pages_run, .undo = pages_undo};
