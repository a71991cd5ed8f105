/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_AF_XDP_SOCKET_H
#define DATAPLANE_AF_XDP_SOCKET_H

/* DPDK's driver keeps its AF_XDP sockets to itself; these ask the kernel about them. */

#include <stdbool.h>
#include <stdint.h>

bool af_xdp_socket_is(int fd);

/* The AF_XDP socket of this process that `known` does not know, or -1. NULL: none is known. */
int af_xdp_socket_find(bool (*known)(int fd));

bool af_xdp_socket_zero_copy(int fd);

/* Packets that the kernel had for the socket and dropped. 0 where it does not tell. */
uint64_t af_xdp_socket_missed(int fd);

#endif
