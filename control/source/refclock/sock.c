/* SPDX-License-Identifier: BSD-3-Clause */

/* refclock SOCK: a unix socket that other programs send samples to. */

#include "datagram.h"
#include "event.h"
#include "refclock.h"
#include "sock_message.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE_UMASK   0177 /* who sends is believed: our user only */
#define RESOLUTION_S 1e-6 /* of the stamps */

struct sock {
	int fd;
	dev_t device; /* what the path is, while it is ours */
	ino_t inode;
};

static void on_datagram(int fd, unsigned int events, void *arg)
{
	struct refclock *refclock = arg;
	struct refclock_reading reading;
	uint8_t buffer[2 * sizeof(struct sock_message)];
	struct iovec iov = {.iov_base = buffer, .iov_len = sizeof(buffer)};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	struct sock_sample sample;
	ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);

	(void)events;
	if (length < 0 || !sock_message_decode(buffer, (size_t)length, &sample))
		return;
	if (!refclock_stamp(refclock, &sample.time, &reading))
		return;
	reading.error_s += RESOLUTION_S;
	reading.utc = sample.clock;
	reading.pulse = sample.pulse;
	reading.leap = sample.leap;
	refclock_take(refclock, &reading);
}

static int start(struct refclock *refclock)
{
	const char *path = refclock->config->parameter;
	struct sock *sock = calloc(1, sizeof(*sock));
	struct stat status;
	int r;

	if (sock == NULL)
		return -ENOMEM;
	r = sock->fd = datagram_bind_unix(path, MODE_UMASK);
	if (r >= 0)
		r = event_add_fd(sock->fd, EVENT_READ, on_datagram, refclock);
	if (r < 0) {
		if (sock->fd >= 0)
			close(sock->fd);
		free(sock);
		return r;
	}
	if (lstat(path, &status) == 0) {
		sock->device = status.st_dev;
		sock->inode = status.st_ino;
	}
	refclock->state = sock;
	return 0;
}

static bool path_is_ours(const struct refclock *refclock)
{
	const struct sock *sock = refclock->state;
	struct stat status;

	return lstat(refclock->config->parameter, &status) == 0 && status.st_dev == sock->device &&
		status.st_ino == sock->inode;
}

/* Samples come by themselves; senders find us by the path alone. */
static int poll(struct refclock *refclock)
{
	return path_is_ours(refclock) ? 0 : -ENOENT;
}

static void stop(struct refclock *refclock)
{
	struct sock *sock = refclock->state;

	if (path_is_ours(refclock))
		unlink(refclock->config->parameter);
	event_remove_fd(sock->fd);
	close(sock->fd);
	free(sock);
}

const struct refclock_driver refclock_sock = {.start = start, .poll = poll, .stop = stop};
