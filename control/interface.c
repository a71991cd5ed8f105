/* SPDX-License-Identifier: BSD-3-Clause */
#include "interface.h"
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int interface_ioctl(const char *name, unsigned long request, struct ifreq *ifreq)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int r;

	if (fd < 0)
		return -errno;
	strncpy(ifreq->ifr_name, name, sizeof(ifreq->ifr_name) - 1);
	r = ioctl(fd, request, ifreq) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int interface_index(const char *name)
{
	struct ifreq ifreq = {.ifr_ifindex = 0};
	int r = interface_ioctl(name, SIOCGIFINDEX, &ifreq);

	return r < 0 ? r : ifreq.ifr_ifindex;
}
