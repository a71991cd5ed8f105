/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DATAGRAM_H
#define CONTROL_DATAGRAM_H

/* Datagram sockets, as a simulated libc knows them too. */

#include <sys/types.h>

/* A socket that does not block and is closed by exec. Returns it or a negative errno. */
int datagram_open(int family);

/* A unix socket bound to `path`, its permissions limited by `mask` as of umask(2). A socket that
 * nobody holds any more is replaced. Returns the socket or a negative errno: -EADDRINUSE when
 * somebody holds it, -EEXIST when `path` is no socket. */
int datagram_bind_unix(const char *path, mode_t mask);

#endif
