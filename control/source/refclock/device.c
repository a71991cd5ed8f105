/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int device_open(const char *path, int flags)
{
	struct stat status;
	int fd = open(path, flags);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || S_ISCHR(status.st_mode))
		return fd; /* a simulated one has no status */
	close(fd);
	return -ENODEV;
}
