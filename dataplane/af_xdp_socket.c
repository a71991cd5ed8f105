/* SPDX-License-Identifier: BSD-3-Clause */
#include "af_xdp_socket.h"
#include <dirent.h>
#include <linux/if_xdp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

bool af_xdp_socket_is(int fd)
{
	int domain;
	socklen_t length = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_XDP;
}

/* Looks among the open files. */
int af_xdp_socket_find(bool (*known)(int fd))
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	int found = -1;

	if (directory == NULL)
		return -1;
	while (found < 0 && (entry = readdir(directory)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && af_xdp_socket_is(fd) && !(known && known(fd)))
			found = fd;
	}
	closedir(directory);
	return found;
}

bool af_xdp_socket_zero_copy(int fd)
{
	struct xdp_options options;
	socklen_t length = sizeof(options);

	return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &length) == 0 &&
		(options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

/* In copy mode rx_dropped has the packets for which there was no buffer, each of which the kernel
 * counts in rx_fill_ring_empty_descs as well; in zero-copy mode the latter are no packets. */
uint64_t af_xdp_socket_missed(int fd)
{
	struct xdp_statistics statistics;
	socklen_t length = sizeof(statistics);

	if (getsockopt(fd, SOL_XDP, XDP_STATISTICS, &statistics, &length) < 0)
		return 0;
	return statistics.rx_dropped + statistics.rx_ring_full;
}
