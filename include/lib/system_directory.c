/* SPDX-License-Identifier: BSD-3-Clause */
#include "system_directory.h"
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Of the Filesystem Hierarchy Standard. */
static const char *const directories[] = {"/", "/bin", "/boot", "/dev", "/dev/shm", "/etc", "/home",
	"/lib", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root", "/run", "/run/lock", "/sbin",
	"/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/local",
	"/usr/sbin", "/usr/share", "/var", "/var/cache", "/var/lib", "/var/lock", "/var/log",
	"/var/run", "/var/spool", "/var/tmp"};

bool is_system_directory(const char *path)
{
	char resolved[PATH_MAX];

	if (realpath(path, resolved) == NULL)
		return false;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		if (strcmp(resolved, directories[i]) == 0)
			return true;
	}
	return false;
}
