/* SPDX-License-Identifier: BSD-3-Clause */
#include "datagram.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Without SOCK_NONBLOCK and SOCK_CLOEXEC: a simulated libc does not know them. */
int datagram_open(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* 0 when nothing stands at the path any more; a socket that nobody holds is removed. */
static int path_clear(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, r;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = datagram_open(AF_UNIX);
	if (fd < 0)
		return fd;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	close(fd);
	if (r == 0)
		return -EADDRINUSE;
	if (r != -ECONNREFUSED)
		return r;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

int datagram_bind_unix(const char *path, mode_t mask)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask_before;
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	r = path_clear(&address);
	if (r < 0)
		return r;
	fd = datagram_open(AF_UNIX);
	if (fd < 0)
		return fd;
	mask_before = umask(mask);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask_before);
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}
