/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DAEMON_H
#define CONTROL_DAEMON_H

/*
 * What makes a process a daemon: the fork, the lock, the pid file, the user.
 */

#include <stdbool.h>

/* Forks. The parent waits until the child called daemon_ready() and exits with 0, or exits with 3
 * when the child ended before that; only the child returns. Returns 0 or a negative errno. */
int daemon_fork(void);

/* Tells the waiting parent, and lets go of the terminal. */
void daemon_ready(void);

/* Makes `rundir` where it is absent and takes its lock, or logs which process has it. The lock
 * is held until the process ends. Returns 0, -EBUSY or another negative errno. */
int daemon_lock(const char *rundir);

/* Writes the process ID to `path` ("": nothing), which must be a regular file where it exists, and
 * no link. Returns 0 or a negative errno, logged. */
int daemon_pidfile_write(const char *path);
void daemon_pidfile_remove(const char *path);

/* Becomes `user` ("": stays), with its groups, and keeps only the capabilities that interfaces
 * and their XDP programs need, if `keep_network`, and the one to set the clock, if `keep_clock`.
 * Returns 0 or a negative errno, logged. */
int daemon_drop(const char *user, bool keep_network, bool keep_clock);

#endif
