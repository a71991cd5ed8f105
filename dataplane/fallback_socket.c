/* SPDX-License-Identifier: BSD-3-Clause */
#include "fallback_socket.h"
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <meridian/ntp.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <units.h>

#define LATE_MAX 64 /* stamps of other packets, before that of one */

/* Above the payload are the headers of the packet, as it was sent. */
#define ECHO_SIZE (FALLBACK_PAYLOAD_SIZE + 128)

static int option_set(int fd, int level, int option)
{
	static const int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int socket_setup_ipv4(int fd)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(MERIDIAN_NTP_PORT)};
	int r = option_set(fd, IPPROTO_IP, IP_PKTINFO);

	if (r < 0)
		return r;
	return bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ? -errno : 0;
}

static int socket_setup_ipv6(int fd)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(MERIDIAN_NTP_PORT)};
	int r = option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY);

	if (r == 0)
		r = option_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	if (r < 0)
		return r;
	return bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ? -errno : 0;
}

/* Only what came to our own MAC address: the kernel also delivers what was sent to a group's, where
 * more servers than us may hear it. */
static int socket_filter(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

/* Stamps of what is sent, for packets that ask for them, are welcome but not required. */
static void transmit_stamps_enable(int fd)
{
	static const uint32_t flags = SOF_TIMESTAMPING_SOFTWARE;

	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags));
}

int fallback_socket_open(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = socket_filter(fd);
	if (r == 0)
		r = option_set(fd, SOL_SOCKET, SO_TIMESTAMPNS);
	if (r == 0)
		r = family == AF_INET6 ? socket_setup_ipv6(fd) : socket_setup_ipv4(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	transmit_stamps_enable(fd);
	return fd;
}

static void stamp_read(struct fallback_packet *packet, const struct cmsghdr *cmsg)
{
	struct timespec stamp;

	memcpy(&stamp, CMSG_DATA(cmsg), sizeof(stamp));
	packet->stamp_ns = timespec_ns(&stamp);
	packet->has_stamp = true;
}

static void destination_read_ipv4(struct fallback_packet *packet, const struct cmsghdr *cmsg)
{
	struct in_pktinfo info;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	memcpy(packet->endpoints.destination, &info.ipi_addr, sizeof(info.ipi_addr));
	packet->ifindex = (unsigned int)info.ipi_ifindex;
}

static void destination_read_ipv6(struct fallback_packet *packet, const struct cmsghdr *cmsg)
{
	struct in6_pktinfo info;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	memcpy(packet->endpoints.destination, &info.ipi6_addr, sizeof(info.ipi6_addr));
	packet->ifindex = info.ipi6_ifindex;
}

static void control_read(struct fallback_packet *packet, struct msghdr *message)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(message); cmsg; cmsg = CMSG_NXTHDR(message, cmsg)) {
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_TIMESTAMPNS)
			stamp_read(packet, cmsg);
		else if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO)
			destination_read_ipv4(packet, cmsg);
		else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO)
			destination_read_ipv6(packet, cmsg);
	}
}

static void source_read(struct fallback_packet *packet)
{
	struct fallback_endpoints *endpoints = &packet->endpoints;

	endpoints->ipv6 = packet->client.generic.sa_family == AF_INET6;
	if (endpoints->ipv6) {
		memcpy(endpoints->source, &packet->client.ipv6.sin6_addr, 16);
		endpoints->source_port = ntohs(packet->client.ipv6.sin6_port);
	} else {
		memcpy(endpoints->source, &packet->client.ipv4.sin_addr, 4);
		endpoints->source_port = ntohs(packet->client.ipv4.sin_port);
	}
}

unsigned int fallback_socket_receive(int fd, struct fallback_packet packet[FALLBACK_BURST])
{
	struct mmsghdr message[FALLBACK_BURST];
	struct iovec iov[FALLBACK_BURST];
	int count;

	for (unsigned int i = 0; i < FALLBACK_BURST; i++) {
		iov[i] = (struct iovec){packet[i].payload, sizeof(packet[i].payload)};
		message[i].msg_hdr = (struct msghdr){.msg_name = &packet[i].client,
			.msg_namelen = sizeof(packet[i].client),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_control = packet[i].control,
			.msg_controllen = sizeof(packet[i].control)};
	}
	count = recvmmsg(fd, message, FALLBACK_BURST, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		memset(&packet[i].endpoints, 0, sizeof(packet[i].endpoints));
		packet[i].client_length = message[i].msg_hdr.msg_namelen;
		packet[i].length = (uint16_t)message[i].msg_len;
		packet[i].has_stamp = false;
		packet[i].ifindex = 0;
		source_read(&packet[i]);
		control_read(&packet[i], &message[i].msg_hdr);
	}
	return count > 0 ? (unsigned int)count : 0;
}

/* Answer from the address asked; by the route to the client, unless the address belongs to the
 * link it came in by. */
static size_t source_write_ipv4(struct cmsghdr *cmsg, const struct fallback_packet *packet)
{
	struct in_pktinfo info = {0};

	memcpy(&info.ipi_spec_dst, packet->endpoints.destination, sizeof(info.ipi_spec_dst));
	cmsg->cmsg_level = IPPROTO_IP;
	cmsg->cmsg_type = IP_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}

static size_t source_write_ipv6(struct cmsghdr *cmsg, const struct fallback_packet *packet)
{
	struct in6_pktinfo info = {0};

	memcpy(&info.ipi6_addr, packet->endpoints.destination, sizeof(info.ipi6_addr));
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
		info.ipi6_ifindex = packet->ifindex;
	cmsg->cmsg_level = IPPROTO_IPV6;
	cmsg->cmsg_type = IPV6_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}

static size_t stamp_request(struct cmsghdr *cmsg)
{
	static const uint32_t flags = SOF_TIMESTAMPING_TX_SOFTWARE;

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SO_TIMESTAMPING;
	cmsg->cmsg_len = CMSG_LEN(sizeof(flags));
	memcpy(CMSG_DATA(cmsg), &flags, sizeof(flags));
	return CMSG_SPACE(sizeof(flags));
}

bool fallback_socket_send(int fd, const struct fallback_packet *packet, const uint8_t *payload,
	uint16_t length, bool stamped)
{
	_Alignas(struct cmsghdr) uint8_t control[96] = {0};
	struct cmsghdr *cmsg = (struct cmsghdr *)control;
	union {
		const void *in;
		void *out;
	} name = {&packet->client}, data = {payload}; /* sendmsg only reads them */
	struct iovec iov = {data.out, length};
	struct msghdr message = {.msg_name = name.out,
		.msg_namelen = packet->client_length,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control};
	size_t size = packet->endpoints.ipv6 ? source_write_ipv6(cmsg, packet)
					     : source_write_ipv4(cmsg, packet);

	if (stamped)
		size += stamp_request((struct cmsghdr *)(control + size));
	message.msg_controllen = size;
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == length;
}

/* A packet that was sent and its stamp; or what else the error queue has. */
struct echo {
	uint8_t octets[ECHO_SIZE];
	size_t length;
	uint64_t stamp_ns; /* 0: none */
};

static bool echo_read(int fd, struct echo *ret_echo)
{
	_Alignas(struct cmsghdr) uint8_t control[512];
	struct iovec iov = {ret_echo->octets, sizeof(ret_echo->octets)};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct scm_timestamping stamps;
	ssize_t length = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);

	ret_echo->stamp_ns = 0;
	if (length < 0)
		return false;
	ret_echo->length = (size_t)length;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING)
			continue;
		memcpy(&stamps, CMSG_DATA(c), sizeof(stamps));
		ret_echo->stamp_ns = timespec_ns(&stamps.ts[0]);
	}
	return true;
}

bool fallback_socket_left(int fd, const uint8_t *payload, uint16_t length, uint64_t *ret_stamp_ns)
{
	static struct echo echo;

	for (unsigned int i = 0; i < LATE_MAX && echo_read(fd, &echo); i++) {
		if (echo.stamp_ns == 0 || echo.length < length ||
			memcmp(echo.octets + echo.length - length, payload, length) != 0)
			continue;
		*ret_stamp_ns = echo.stamp_ns;
		return true;
	}
	return false;
}

void fallback_socket_clear(int fd)
{
	static struct echo echo;

	for (unsigned int i = 0; i < LATE_MAX && echo_read(fd, &echo); i++)
		;
}
