/* SPDX-License-Identifier: BSD-3-Clause */
#include "exchange.h"
#include "core/refid.h"
#include "event.h"
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL_SIZE 512

void exchange_init(struct exchange *exchange, const struct counter *counter,
	exchange_handler handler, void *arg)
{
	*exchange = (struct exchange){.fd = -1, .counter = counter, .handler = handler, .arg = arg};
}

void exchange_close(struct exchange *exchange)
{
	if (exchange->fd < 0)
		return;
	event_remove_fd(exchange->fd);
	close(exchange->fd);
	exchange->fd = -1;
}

static socklen_t sockaddr_fill(
	struct sockaddr_storage *storage, const struct config_address *address, uint16_t port)
{
	struct sockaddr_in *in = (void *)storage;
	struct sockaddr_in6 *in6 = (void *)storage;

	memset(storage, 0, sizeof(*storage));
	if (address->family == MERIDIAN_FAMILY_IPV4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address->octets, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	in6->sin6_scope_id = address->scope;
	memcpy(&in6->sin6_addr, address->octets, 16);
	return sizeof(*in6);
}

static void local_address(int fd, struct config_address *ret_address)
{
	struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};
	socklen_t size = sizeof(storage);
	const struct sockaddr_in *in = (const void *)&storage;
	const struct sockaddr_in6 *in6 = (const void *)&storage;

	*ret_address = (struct config_address){.family = 0};
	if (getsockname(fd, (struct sockaddr *)&storage, &size) < 0)
		return;
	if (storage.ss_family == AF_INET) {
		ret_address->family = MERIDIAN_FAMILY_IPV4;
		memcpy(ret_address->octets, &in->sin_addr, 4);
	} else if (storage.ss_family == AF_INET6) {
		ret_address->family = MERIDIAN_FAMILY_IPV6;
		memcpy(ret_address->octets, &in6->sin6_addr, 16);
	}
}

/* Kernel stamps are welcome, not required. */
static void request_stamps(int fd)
{
	int flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
		SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;

	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags));
}

/* The kernel's software stamp among the control messages, as a counter reading. */
static bool kernel_stamp(
	const struct exchange *exchange, struct msghdr *message, uint64_t *ret_counter)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct scm_timestamping stamps;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING ||
			c->cmsg_len < CMSG_LEN(sizeof(stamps)))
			continue;
		memcpy(&stamps, CMSG_DATA(c), sizeof(stamps));
		if (stamps.ts[0].tv_sec == 0)
			return false;
		return counter_from_realtime(
			       exchange->counter, &stamps.ts[0], exchange->sent, ret_counter) == 0;
	}
	return false;
}

/* Without a stamp of the kernel: a receive is now, a transmit was when we sent. */
static void take_stamp(
	struct exchange *exchange, struct msghdr *message, bool transmit, uint64_t now)
{
	uint64_t stamp = now;
	bool kernel = kernel_stamp(exchange, message, &stamp);

	if (transmit && kernel) {
		exchange->t1 = stamp;
		exchange->t1_by = EXCHANGE_KERNEL;
	} else if (!transmit) {
		exchange->t4 = stamp;
		exchange->t4_by = kernel ? EXCHANGE_KERNEL : EXCHANGE_DAEMON;
	}
}

/* One message of the socket or of its error queue. */
static ssize_t receive(struct exchange *exchange, uint8_t *buffer, size_t size, int flags)
{
	union {
		struct cmsghdr align;
		uint8_t octets[CONTROL_SIZE];
	} control;
	struct iovec iov = {.iov_base = buffer, .iov_len = size};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets)};
	uint64_t now = counter_read(exchange->counter);
	ssize_t length = recvmsg(exchange->fd, &message, flags | MSG_DONTWAIT);

	if (length < 0)
		return -errno;
	take_stamp(exchange, &message, flags & MSG_ERRQUEUE, now);
	return length;
}

/* The error queue holds our transmit stamp; if it is empty, the socket itself has an error. */
static int handle_error_queue(struct exchange *exchange)
{
	uint8_t buffer[MERIDIAN_NTP_PAYLOAD_MAX];
	int error = 0;
	socklen_t size = sizeof(error);

	if (receive(exchange, buffer, sizeof(buffer), MSG_ERRQUEUE) >= 0)
		return 0;
	if (getsockopt(exchange->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

static void on_socket(int fd, unsigned int events, void *arg)
{
	struct exchange *exchange = arg;
	uint8_t buffer[MERIDIAN_NTP_PAYLOAD_MAX];
	ssize_t length;

	(void)fd;
	if (events & EVENT_ERROR) {
		int error = handle_error_queue(exchange);

		if (error < 0) {
			exchange->handler(exchange, NULL, 0, error, exchange->arg);
			return;
		}
	}
	if (!(events & EVENT_READ))
		return;
	length = receive(exchange, buffer, sizeof(buffer), 0);
	if (length == -EAGAIN || length == -EINTR)
		return;
	if (length < 0)
		exchange->handler(exchange, NULL, 0, (int)length, exchange->arg);
	else
		exchange->handler(exchange, buffer, (size_t)length, 0, exchange->arg);
}

/* Without flags of socket(2), which a simulated one does not know: each call that could block
 * says MSG_DONTWAIT instead, and nothing here calls exec. */
static int socket_open(const struct config_address *address, uint16_t port)
{
	int family = address->family == MERIDIAN_FAMILY_IPV4 ? AF_INET : AF_INET6;
	struct sockaddr_storage storage;
	socklen_t size = sockaddr_fill(&storage, address, port);
	int fd = socket(family, SOCK_DGRAM, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&storage, size) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	request_stamps(fd);
	return fd;
}

int exchange_start(struct exchange *exchange, const struct config_address *address, uint16_t port,
	const uint8_t *request, size_t length)
{
	int r;

	exchange_close(exchange);
	r = socket_open(address, port);
	if (r < 0)
		return r;
	exchange->fd = r;
	local_address(exchange->fd, &exchange->local);
	exchange->our_refid = exchange->local.family == 0
		? 0
		: refid_of_address(exchange->local.octets, exchange->local.family);
	r = event_add_fd(exchange->fd, EVENT_READ, on_socket, exchange);
	if (r == 0) {
		exchange->sent = exchange->t1 = counter_read(exchange->counter);
		exchange->t1_by = EXCHANGE_DAEMON;
		if (send(exchange->fd, request, length, MSG_DONTWAIT) < 0)
			r = -errno;
	}
	if (r < 0)
		exchange_close(exchange);
	return r;
}
