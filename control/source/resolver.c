/* SPDX-License-Identifier: BSD-3-Clause */
#include "resolver.h"
#include "config_table.h"
#include "event.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A look-up that takes longer has its child killed. */
#define LOOKUP_SECONDS_MAX 60

struct resolver {
	pid_t pid;
	int fd; /* pipe from the child: its struct config_address, or nothing */
	resolver_handler handler;
	void *arg;
};

static void address_copy(struct config_address *address, const struct sockaddr *sockaddr)
{
	memset(address, 0, sizeof(*address));
	if (sockaddr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sockaddr;

		address->family = MERIDIAN_FAMILY_IPV4;
		memcpy(address->octets, &in->sin_addr, 4);
	} else if (sockaddr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sockaddr;

		address->family = MERIDIAN_FAMILY_IPV6;
		memcpy(address->octets, &in6->sin6_addr, 16);
	}
}

/* Everything inherited but the standard three and `fd`: the locks must be the parent's alone. */
static void close_others(int fd)
{
	if (fd > 3)
		close_range(3, (unsigned int)fd - 1, 0);
	close_range((unsigned int)fd + 1, ~0U, 0);
}

/* The child. It leaves the parent's memory alone, exits without cleaning up, and ends with its
 * parent, also when that ended before the child could ask for it. */
static _Noreturn void lookup(const char *name, int fd, pid_t parent)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *found = NULL;
	struct config_address address[RESOLVER_ADDRESSES_MAX];
	size_t count = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close_others(fd);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	alarm(LOOKUP_SECONDS_MAX);
	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		_exit(1);
	for (; found && count < RESOLVER_ADDRESSES_MAX; found = found->ai_next) {
		address_copy(&address[count], found->ai_addr);
		if (address[count].family != 0 &&
			config_server_address_check(&address[count]) == NULL)
			count++;
	}
	/* A pipe takes this much in one piece. */
	_exit(write(fd, address, count * sizeof(*address)) < 0);
}

static void resolver_free(struct resolver *resolver)
{
	event_remove_fd(resolver->fd);
	close(resolver->fd);
	free(resolver);
}

static void child_reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void on_pipe(int fd, unsigned int events, void *arg)
{
	struct resolver *resolver = arg;
	resolver_handler handler = resolver->handler;
	void *handler_arg = resolver->arg;
	struct config_address address[RESOLVER_ADDRESSES_MAX];
	ssize_t n = read(fd, address, sizeof(address));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	child_reap(resolver->pid);
	resolver_free(resolver);
	handler(address, n > 0 ? (size_t)n / sizeof(*address) : 0, handler_arg);
}

int resolver_start(
	struct resolver **ret_resolver, const char *name, resolver_handler handler, void *arg)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	pid_t parent = getpid();
	int fds[2], r;

	if (resolver == NULL)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		r = -errno;
		free(resolver);
		return r;
	}
	*resolver = (struct resolver){.fd = fds[0], .handler = handler, .arg = arg};
	resolver->pid = fork();
	if (resolver->pid == 0)
		lookup(name, fds[1], parent);
	r = resolver->pid < 0 ? -errno : 0;
	close(fds[1]);
	if (r == 0)
		r = event_add_fd(resolver->fd, EVENT_READ, on_pipe, resolver);
	if (r < 0) {
		if (resolver->pid > 0)
			resolver_cancel(resolver);
		else {
			close(fds[0]);
			free(resolver);
		}
		return r;
	}
	*ret_resolver = resolver;
	return 0;
}

void resolver_cancel(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	/* One from before the user was dropped cannot be killed: its alarm ends it. */
	if (kill(resolver->pid, SIGKILL) == 0)
		child_reap(resolver->pid);
	resolver_free(resolver);
}
