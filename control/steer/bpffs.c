/* SPDX-License-Identifier: BSD-3-Clause */
#include "bpffs.h"
#include "log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Of bpffs_give(). */
static struct {
	char directory[32]; /* "": not called */
	uid_t user;
	gid_t group;
} given;

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

int bpffs_escape(char *ret_name, size_t size, const char *text)
{
	size_t length = strlen(text), used = 0;

	while (length > 0 && text[length - 1] == '/')
		length--;
	while (length > 0 && *text == '/') {
		text++;
		length--;
	}
	for (size_t i = 0; i < length; i++) {
		if (size - used < sizeof("_00"))
			return -ENAMETOOLONG;
		if (is_plain(text[i]))
			ret_name[used++] = text[i];
		else if (text[i] == '/')
			ret_name[used++] = '-';
		else
			used += (size_t)snprintf(
				ret_name + used, size - used, "_%02x", (uint8_t)text[i]);
	}
	ret_name[used] = '\0';
	return used > 0 ? 0 : -EINVAL;
}

static int instance_path(char path[BPFFS_PATH_SIZE], const char *rundir)
{
	char name[NAME_MAX + 1 - (sizeof("meridian-") - 1)];
	char *real = realpath(rundir, NULL);
	int r;

	if (!real)
		return -errno;
	r = bpffs_escape(name, sizeof(name), real);
	free(real);
	if (r == 0)
		snprintf(path, BPFFS_PATH_SIZE, BPFFS_ROOT "/meridian-%s", name);
	return r;
}

/* The directory of all interfaces of an instance. */
static int instance_directory(char path[BPFFS_PATH_SIZE], const char *rundir)
{
	if (given.directory[0]) {
		snprintf(path, BPFFS_PATH_SIZE, "%s", given.directory);
		return 0;
	}
	return instance_path(path, rundir);
}

int bpffs_directory(char ret_path[BPFFS_PATH_SIZE], const char *rundir, const char *interface)
{
	char name[NAME_MAX + 1];
	size_t used;
	int r = instance_directory(ret_path, rundir);

	if (r == 0)
		r = bpffs_escape(name, sizeof(name), interface);
	if (r < 0)
		return r;
	used = strlen(ret_path);
	snprintf(ret_path + used, BPFFS_PATH_SIZE - used, "/%s", name);
	return 0;
}

static int bpffs_mount(void)
{
	struct statfs fs;

	if (statfs(BPFFS_ROOT, &fs) < 0)
		return -errno;
	if ((unsigned long)fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", BPFFS_ROOT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return -errno;
	return 0;
}

/* The directory above `path`, which is absolute. */
static void parent_of(char parent[BPFFS_PATH_SIZE], const char *path)
{
	char *slash;

	snprintf(parent, BPFFS_PATH_SIZE, "%s", path);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
}

int bpffs_make(const char *directory)
{
	char parent[BPFFS_PATH_SIZE];
	int r = bpffs_mount();

	if (r < 0)
		return r;
	parent_of(parent, directory);
	if ((mkdir(parent, 0700) < 0 && errno != EEXIST) ||
		(mkdir(directory, 0700) < 0 && errno != EEXIST))
		return -errno;
	return given.directory[0] && chown(directory, given.user, given.group) < 0 ? -errno : 0;
}

int bpffs_give(const char *rundir, uid_t user, gid_t group)
{
	char path[BPFFS_PATH_SIZE];
	int fd, r = instance_path(path, rundir);

	if (r == 0)
		r = bpffs_mount();
	if (r < 0)
		return r;
	if ((mkdir(path, 0700) < 0 && errno != EEXIST) || chown(path, user, group) < 0)
		return -errno;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(given.directory, sizeof(given.directory), "/proc/self/fd/%d", fd);
	given.user = user;
	given.group = group;
	return 0;
}

/* Calls `change` for every name in a directory but `except`, "." and ".." too. */
static void pins_change(const char *directory, const char *except, void (*change)(const char *path))
{
	char path[BPFFS_PATH_SIZE + NAME_MAX + 2];
	DIR *listing = opendir(directory);

	if (!listing)
		return;
	for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
		if (strcmp(entry->d_name, except) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		change(path);
	}
	closedir(listing);
}

static void pin_give(const char *path)
{
	if (strcmp(strrchr(path, '/'), "/..") != 0 && chown(path, given.user, given.group) < 0)
		log_debug("%s: %s", path, strerror(errno));
}

void bpffs_give_pins(const char *directory)
{
	if (given.directory[0])
		pins_change(directory, "", pin_give);
}

/* Directories refuse to be unlinked. */
static void pin_remove(const char *path)
{
	unlink(path);
}

void bpffs_remove(const char *directory, const char *keep)
{
	pins_change(directory, keep, pin_remove);
	bpffs_remove_empty(directory);
}

void bpffs_remove_empty(const char *directory)
{
	char parent[BPFFS_PATH_SIZE];

	rmdir(directory);
	parent_of(parent, directory);
	rmdir(parent);
}

static bool is_kept(const char *directory, const char *const *keep, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(keep[i], directory) == 0)
			return true;
	}
	return false;
}

size_t bpffs_remove_others(const char *rundir, const char *const *keep, size_t count,
	bool (*remove)(const char *directory))
{
	char instance[BPFFS_PATH_SIZE], path[BPFFS_PATH_SIZE + NAME_MAX + 2];
	size_t removed = 0;
	DIR *listing;

	if (instance_directory(instance, rundir) < 0)
		return 0;
	listing = opendir(instance);
	if (!listing)
		return 0;
	for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
		snprintf(path, sizeof(path), "%s/%s", instance, entry->d_name);
		/* Our names have no dot, nor has anything else in a bpffs. */
		if (entry->d_name[0] == '.' || is_kept(path, keep, count))
			continue;
		removed += remove(path);
	}
	closedir(listing);
	return removed;
}
