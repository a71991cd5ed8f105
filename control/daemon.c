/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon.h"
#include <errno.h>
#include <exit_code.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <log.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* To attach XDP programs again when an interface returns, and to change their maps. */
#define NETWORK_CAPABILITIES "cap_net_admin,cap_bpf,cap_perfmon=ep "
#define CLOCK_CAPABILITIES   "cap_sys_time=ep"

static int ready_fd = -1; /* the parent waits at the other end; -1: nobody does */

static _Noreturn void wait_for_child(int fd, pid_t pid)
{
	char octet;
	int child_status = 0;

	if (read(fd, &octet, 1) == 1)
		_exit(0);
	if (waitpid(pid, &child_status, 0) == pid && WIFEXITED(child_status) &&
		WEXITSTATUS(child_status) != 0)
		_exit(WEXITSTATUS(child_status));
	_exit(EXIT_START);
}

int daemon_fork(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(fds[1]);
		wait_for_child(fds[0], pid);
	}
	close(fds[0]);
	ready_fd = fds[1];
	setsid();
	return chdir("/") < 0 ? -errno : 0;
}

void daemon_ready(void)
{
	int null;

	if (ready_fd < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	/* If the parent is gone, nobody needs to know. */
	if (write(ready_fd, "", 1) < 0)
		log_debug("nobody waited for the start");
	close(ready_fd);
	ready_fd = -1;
}

static void lock_owner_log(int fd, const char *path)
{
	char text[32] = "";
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	if (length > 0)
		log_error("%s: another instance runs here, process %ld", path, atol(text));
	else
		log_error("%s: another instance runs here", path);
}

/* The file then holds the number of this process and nothing else. */
static int pid_write(int fd)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	ssize_t written;

	if (ftruncate(fd, 0) < 0)
		return -errno;
	written = pwrite(fd, text, (size_t)length, 0);
	if (written < 0)
		return -errno;
	return written == length ? 0 : -ENOSPC;
}

int daemon_lock(const char *rundir)
{
	char path[PATH_MAX];
	int fd, r;

	if (mkdir(rundir, 0755) < 0 && errno != EEXIST)
		return log_errno(-errno, "rundir %s", rundir);
	snprintf(path, sizeof(path), "%s/control.lock", rundir);
	/* Whoever can open the file can lock it. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return log_errno(-errno, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		if (r == -EWOULDBLOCK) {
			lock_owner_log(fd, path);
			r = -EBUSY;
		} else {
			log_errno(r, "%s", path);
		}
		close(fd);
		return r;
	}
	r = pid_write(fd);
	return r < 0 ? log_errno(r, "%s", path) : 0;
}

/* Writes to a regular file only: what is removed at the end must not be a device. */
static int pidfile_write(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	return pid_write(fd);
}

int daemon_pidfile_write(const char *path)
{
	int fd, r;

	if (*path == '\0')
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644);
	if (fd < 0)
		return log_errno(-errno, "pidfile %s", path);
	r = pidfile_write(fd);
	close(fd);
	if (r == -EINVAL)
		log_error("pidfile %s: not a regular file", path);
	else if (r < 0)
		log_errno(r, "pidfile %s", path);
	return r;
}

/* Fails after the user was dropped and cannot write there; then the file stays. */
void daemon_pidfile_remove(const char *path)
{
	if (*path && unlink(path) < 0)
		log_debug("pidfile %s: %s", path, strerror(errno));
}

static int capabilities_set(bool network, bool clock)
{
	char text[sizeof("= " NETWORK_CAPABILITIES CLOCK_CAPABILITIES)];
	cap_t capabilities;
	int r = 0;

	snprintf(text, sizeof(text), "= %s%s", network ? NETWORK_CAPABILITIES : "",
		clock ? CLOCK_CAPABILITIES : "");
	capabilities = cap_from_text(text);

	if (capabilities == NULL || cap_set_proc(capabilities) < 0)
		r = log_errno(-errno, "capabilities");
	cap_free(capabilities);
	return r;
}

int daemon_drop(const char *user, bool keep_network, bool keep_clock)
{
	const struct passwd *entry;

	if (*user == '\0')
		return 0;
	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL)
		return log_errno(errno ? -errno : -ENOENT, "user %s", user);
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || initgroups(user, entry->pw_gid) < 0 ||
		setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
		setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0)
		return log_errno(-errno, "user %s", user);
	return capabilities_set(keep_network, keep_clock);
}
