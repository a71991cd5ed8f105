/* SPDX-License-Identifier: BSD-3-Clause */
#include "answer.h"
#include "command.h"
#include "datagram.h"
#include "event.h"
#include <errno.h>
#include <log.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME     "control.sock"
#define UNIX_PATH_SIZE  sizeof(((struct sockaddr_un *)0)->sun_path)
#define UNIX_MODE_UMASK 0117 /* owner and group may ask */

static int unix_fd = -1;
static char unix_path[UNIX_PATH_SIZE];
static int udp_fd[2] = {-1, -1};
static struct answer_context asked; /* over UDP: without orders, for which all may ask little */
static const struct answer_orders *unix_orders;

union peer {
	struct sockaddr sa;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Over UDP only this host may ask; over the unix socket, who has bound a name to be answered. */
static bool peer_may_ask(const union peer *peer, socklen_t length)
{
	if (length < sizeof(peer->sa.sa_family))
		return false;
	switch (peer->sa.sa_family) {
	case AF_UNIX:
		return length > offsetof(struct sockaddr_un, sun_path);
	case AF_INET:
		return length >= sizeof(peer->in) &&
			ntohl(peer->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return length >= sizeof(peer->in6) && IN6_IS_ADDR_LOOPBACK(&peer->in6.sin6_addr);
	default:
		return false;
	}
}

static bool datagram_answer(int fd)
{
	uint8_t request[CANDM_REQUEST_MAX], reply[CANDM_REPLY_MAX];
	union peer peer;
	struct iovec iov = {.iov_base = request, .iov_len = sizeof(request)};
	struct msghdr message = {
		.msg_name = &peer, .msg_namelen = sizeof(peer), .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t received = recvmsg(fd, &message, 0);
	struct answer_context context;
	size_t length;

	if (received < 0)
		return errno == EAGAIN || errno == EINTR;
	asked.hits++;
	if (message.msg_flags & MSG_TRUNC || !peer_may_ask(&peer, message.msg_namelen))
		return false;
	context = asked;
	/* Who may write to the unix socket may do all that can be ordered there. */
	if (fd == unix_fd)
		context.orders = unix_orders;
	length = answer(request, (size_t)received, &context, reply);
	if (length == 0)
		return false;
	return sendto(fd, reply, length, 0, &peer.sa, message.msg_namelen) == (ssize_t)length;
}

static void socket_ready(int fd, unsigned int events, void *arg)
{
	(void)events;
	(void)arg;
	if (!datagram_answer(fd))
		asked.drops++;
}

static int unix_open(const char *path)
{
	int fd = datagram_bind_unix(path, UNIX_MODE_UMASK);

	if (fd == -EEXIST)
		return log_errno(fd, "command socket %s: will not replace what is no socket", path);
	if (fd < 0)
		return log_errno(fd, "command socket %s", path);
	unix_fd = fd;
	strcpy(unix_path, path);
	return event_add_fd(fd, EVENT_READ, socket_ready, NULL);
}

static int unix_init(const struct config *config)
{
	char path[CONFIG_PATH_SIZE + sizeof("/" SOCKET_NAME)];

	if (strcmp(config->bindcmdaddress, "/") == 0)
		return 0;
	if (config->bindcmdaddress[0] != '\0')
		return unix_open(config->bindcmdaddress);
	snprintf(path, sizeof(path), "%s/" SOCKET_NAME, config->rundir);
	return unix_open(path);
}

static socklen_t udp_address(
	union peer *address, const struct config_address *bind_to, int family, uint16_t port)
{
	memset(address, 0, sizeof(*address));
	address->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		address->in.sin_port = htons(port);
		address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (bind_to->family != 0)
			memcpy(&address->in.sin_addr, bind_to->octets, 4);
		return sizeof(address->in);
	}
	address->in6.sin6_port = htons(port);
	address->in6.sin6_addr = in6addr_loopback;
	if (bind_to->family != 0)
		memcpy(&address->in6.sin6_addr, bind_to->octets, 16);
	return sizeof(address->in6);
}

/* Returns the bound socket, or a negative errno. */
static int udp_open(const struct config_address *bind_to, int family, uint16_t port)
{
	union peer address;
	socklen_t length = udp_address(&address, bind_to, family, port);
	int fd = datagram_open(family), on = 1, r = 0;

	if (fd < 0)
		return fd;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		r = -errno;
	else if (bind(fd, &address.sa, length) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

static int udp_init(const struct config *config)
{
	static const int families[] = {AF_INET, AF_INET6};
	int r = 0;

	for (int i = 0; config->cmdport != 0 && i < 2 && r == 0; i++) {
		const struct config_address *bind_to = &config->bindcmd[i];
		int fd = udp_open(bind_to, families[i], config->cmdport);

		/* A host without one of the two families is fine as long as nobody asked for it. */
		if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && bind_to->family == 0)
			continue;
		if (fd < 0)
			return log_errno(fd, "command socket, UDP port %u (IPv%d)", config->cmdport,
				i == 0 ? 4 : 6);
		udp_fd[i] = fd;
		r = event_add_fd(fd, EVENT_READ, socket_ready, NULL);
	}
	return r;
}

int command_init(const struct config *config, const struct answer_orders *orders)
{
	int r;

	unix_orders = orders;
	r = unix_init(config);
	if (r == 0)
		r = udp_init(config);
	if (r < 0)
		command_fini();
	return r;
}

static void socket_close(int *fd)
{
	if (*fd < 0)
		return;
	event_remove_fd(*fd);
	close(*fd);
	*fd = -1;
}

void command_fini(void)
{
	if (unix_fd >= 0)
		unlink(unix_path);
	socket_close(&unix_fd);
	socket_close(&udp_fd[0]);
	socket_close(&udp_fd[1]);
}
