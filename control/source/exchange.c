/* SPDX-License-Identifier: BSD-3-Clause */
#include "exchange.h"
#include "core/refid.h"
#include "core/wire_stamp.h"
#include "event.h"
#include "nic_clock.h"
#include "wire_stamps.h"
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL_SIZE 512

/* Octets before the payload of a frame. */
#define HEADERS_IPV4 42
#define HEADERS_IPV6 62

#define CARD_SLACK 10000 /* of a second */

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

/* Stamps of kernel and card are welcome, not required. */
static void request_stamps(int fd, int family)
{
	int flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
		SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;
	int on = 1;

	if (nic_clock_any()) {
		flags |= SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE |
			SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_OPT_TX_SWHW |
			SOF_TIMESTAMPING_OPT_PKTINFO | SOF_TIMESTAMPING_OPT_CMSG;
		if (family == AF_INET)
			(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		else
			(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags));
}

/* What the control messages of a packet tell. */
struct told {
	struct scm_timestamping stamps; /* 0: by the kernel, 2: by the card */
	unsigned int ifindex;
};

static void told_read(struct msghdr *message, struct told *told)
{
	struct scm_ts_pktinfo card;
	struct in_pktinfo in;
	struct in6_pktinfo in6;

	memset(told, 0, sizeof(*told));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t size = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING &&
			size >= sizeof(told->stamps)) {
			memcpy(&told->stamps, CMSG_DATA(c), sizeof(told->stamps));
		} else if (c->cmsg_level == SOL_SOCKET &&
			c->cmsg_type == SCM_TIMESTAMPING_PKTINFO && size >= sizeof(card)) {
			memcpy(&card, CMSG_DATA(c), sizeof(card));
			told->ifindex = card.if_index;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
			size >= sizeof(in) && told->ifindex == 0) {
			memcpy(&in, CMSG_DATA(c), sizeof(in));
			told->ifindex = (unsigned int)in.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
			size >= sizeof(in6) && told->ifindex == 0) {
			memcpy(&in6, CMSG_DATA(c), sizeof(in6));
			told->ifindex = in6.ipi6_ifindex;
		}
	}
}

static void note_stamp(struct exchange *exchange, bool transmit, enum exchange_stamp by,
	uint64_t stamp, double error_s)
{
	(transmit ? exchange->t1 : exchange->t4)[by] = stamp;
	(transmit ? exchange->t1_error_s : exchange->t4_error_s)[by] = error_s;
	*(transmit ? &exchange->t1_taken : &exchange->t4_taken) |= 1u << by;
}

/* A card's stamp lies between the send and now, or its clock is not what we think. */
static bool is_plausible(const struct exchange *exchange, uint64_t stamp, uint64_t now)
{
	int64_t slack = (int64_t)(exchange->counter->hz / CARD_SLACK);

	return (int64_t)(stamp - exchange->sent) > -slack && (int64_t)(now - stamp) > -slack;
}

static void note_card_stamp(
	struct exchange *exchange, const struct told *told, bool transmit, size_t length)
{
	size_t headers =
		exchange->local.family == MERIDIAN_FAMILY_IPV4 ? HEADERS_IPV4 : HEADERS_IPV6;
	struct nic_clock_stamp card = {.ifindex = told->ifindex,
		.time = told->stamps.ts[2],
		.transmit = transmit,
		.length = headers + length};
	uint64_t stamp;
	double error_s;

	if (card.time.tv_sec == 0 && card.time.tv_nsec == 0)
		return;
	if (nic_clock_counter(&card, &stamp, &error_s) == 0 &&
		is_plausible(exchange, stamp, counter_read(exchange->counter)))
		note_stamp(exchange, transmit, EXCHANGE_HARDWARE, stamp, error_s);
}

/* Without a stamp of the kernel: a receive is now, a transmit was when we sent. */
static void note_stamps(struct exchange *exchange, struct msghdr *message, bool transmit,
	size_t length, uint64_t now)
{
	struct told told;
	uint64_t stamp;

	told_read(message, &told);
	if (!transmit) {
		exchange->t4_taken = 0;
		note_stamp(exchange, false, EXCHANGE_DAEMON, now, 0);
	}
	if (told.stamps.ts[0].tv_sec != 0 &&
		counter_from_realtime(
			exchange->counter, &told.stamps.ts[0], exchange->sent, &stamp) == 0)
		note_stamp(exchange, transmit, EXCHANGE_KERNEL, stamp, 0);
	note_card_stamp(exchange, &told, transmit, length);
}

/* What the dataplane says, if it does not contradict the kernel. */
static void note_wire_stamp(
	struct exchange *exchange, bool transmit, const struct meridian_wire_stamp *stamp)
{
	unsigned int taken = transmit ? exchange->t1_taken : exchange->t4_taken;
	const uint64_t *ours = transmit ? exchange->t1 : exchange->t4;
	uint64_t kernel = ours[taken & 1u << EXCHANGE_KERNEL ? EXCHANGE_KERNEL : EXCHANGE_DAEMON];

	if (!wire_stamp_fits(
		    stamp, exchange->counter->id, exchange->counter->hz, kernel, !transmit)) {
		exchange->refused++;
		return;
	}
	note_stamp(exchange, transmit, EXCHANGE_DATAPLANE, stamp->counter, stamp->error_ns * 1e-9);
	if (!transmit)
		exchange->t4_by_nic = stamp->source == MERIDIAN_STAMP_nic;
}

/* An answer says by its origin timestamp to which question. */
static void note_wire_stamps(struct exchange *exchange, const uint8_t *answer, size_t length)
{
	const struct meridian_wire_stamps *page = wire_stamps_page();
	struct meridian_wire_key key = exchange->question;
	struct meridian_ntp_header header;
	struct meridian_wire_stamp stamp;

	if (page == NULL || length < sizeof(header))
		return;
	memcpy(&header, answer, sizeof(header));
	if (!(exchange->t1_taken & 1u << EXCHANGE_DATAPLANE) &&
		meridian_wire_sent(page, &key, &stamp) == 0)
		note_wire_stamp(exchange, true, &stamp);
	memcpy(key.number, &header.origin, sizeof(key.number));
	memcpy(key.answer, &header.receive, 8);
	memcpy(key.answer + 8, &header.transmit, 8);
	if (meridian_wire_received(page, &key, &stamp) == 0)
		note_wire_stamp(exchange, false, &stamp);
}

static enum exchange_stamp best_of(unsigned int taken)
{
	enum exchange_stamp best = EXCHANGE_STAMPS - 1;

	while (best > EXCHANGE_DAEMON && !(taken & 1u << best))
		best--;
	return best;
}

struct exchange_stamps exchange_stamps(const struct exchange *exchange)
{
	unsigned int both = exchange->t1_taken & exchange->t4_taken;
	bool pair = best_of(both) != EXCHANGE_DAEMON;
	enum exchange_stamp t1_by = best_of(pair ? both : exchange->t1_taken);
	enum exchange_stamp t4_by = best_of(pair ? both : exchange->t4_taken);

	bool nic = t4_by == EXCHANGE_DATAPLANE && exchange->t4_by_nic;

	return (struct exchange_stamps){.t1 = exchange->t1[t1_by],
		.t4 = exchange->t4[t4_by],
		.t1_by = t1_by,
		.t4_by = nic ? EXCHANGE_HARDWARE : t4_by,
		.t1_wire = t1_by == EXCHANGE_DATAPLANE,
		.t4_wire = t4_by == EXCHANGE_DATAPLANE,
		.error_s = fmax(exchange->t1_error_s[t1_by], exchange->t4_error_s[t4_by])};
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
	if (exchange->answered && !(flags & MSG_ERRQUEUE))
		return length;
	note_stamps(exchange, &message, flags & MSG_ERRQUEUE, (size_t)length, now);
	if (!(flags & MSG_ERRQUEUE))
		note_wire_stamps(exchange, buffer, (size_t)length);
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
	request_stamps(fd, family);
	return fd;
}

static void question_note(struct exchange *exchange, const struct config_address *address,
	uint16_t port, const uint8_t *request)
{
	struct meridian_wire_key *question = &exchange->question;
	struct meridian_ntp_header header;

	memcpy(&header, request, sizeof(header));
	*question = (struct meridian_wire_key){.family = address->family, .port = port};
	memcpy(question->address, address->octets,
		address->family == MERIDIAN_FAMILY_IPV4 ? 4 : 16);
	memcpy(question->number, &header.transmit, sizeof(question->number));
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
		question_note(exchange, address, port, request);
		exchange->t1_taken = exchange->t4_taken = 0;
		exchange->answered = false;
		exchange->sent = counter_read(exchange->counter);
		note_stamp(exchange, true, EXCHANGE_DAEMON, exchange->sent, 0);
		if (send(exchange->fd, request, length, MSG_DONTWAIT) < 0)
			r = -errno;
	}
	if (r < 0)
		exchange_close(exchange);
	return r;
}
