/* SPDX-License-Identifier: BSD-3-Clause */
#include "network.h"
#include "event.h"
#include "interface.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define LOOPBACK_IFINDEX 1     /* in every network namespace */
#define ANSWER_SIZE      32768 /* what the kernel fills at a time in a dump */
#define DUMP_TRIES       5
#define MESSAGE_SIZE     512 /* of a request */

/* Sends a request and gives each answer to `handler`. */
static int netlink_exchange(
	struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t handler, void *arg)
{
	char answer[ANSWER_SIZE];
	unsigned int port = mnl_socket_get_portid(socket);
	int r;

	request->nlmsg_seq = 1;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = mnl_socket_recvfrom(socket, answer, sizeof(answer));

		if (n < 0)
			return -errno;
		r = mnl_cb_run(answer, (size_t)n, request->nlmsg_seq, port, handler, arg);
		if (r < 0)
			return -errno;
	} while (r != MNL_CB_STOP);
	return 0;
}

struct mnl_socket *network_open(int protocol)
{
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	int error;

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		error = errno;
		mnl_socket_close(socket);
		errno = error;
		return NULL;
	}
	return socket;
}

int network_request(
	struct nlmsghdr *request, int (*handler)(const struct nlmsghdr *, void *), void *arg)
{
	struct mnl_socket *socket = network_open(NETLINK_ROUTE);
	int r;

	if (!socket)
		return -errno;
	r = netlink_exchange(socket, request, handler, arg);
	mnl_socket_close(socket);
	return r;
}

int network_attribute(const struct nlattr *attribute, void *arg)
{
	const struct nlattr **table = arg;

	if (mnl_attr_get_type(attribute) < NETWORK_ATTRIBUTES)
		table[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static void kind_copy(char kind[NETWORK_KIND_SIZE], const struct nlattr *attribute)
{
	if (attribute)
		snprintf(kind, NETWORK_KIND_SIZE, "%.*s", (int)mnl_attr_get_payload_len(attribute),
			mnl_attr_get_str(attribute));
}

static void link_info_read(struct network_nic *nic, const struct nlattr *info)
{
	const struct nlattr *table[NETWORK_ATTRIBUTES] = {NULL};

	if (!info || mnl_attr_parse_nested(info, network_attribute, table) < 0)
		return;
	kind_copy(nic->kind, table[IFLA_INFO_KIND]);
	kind_copy(nic->master_kind, table[IFLA_INFO_SLAVE_KIND]);
}

static int link_handler(const struct nlmsghdr *message, void *arg)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	const struct nlattr *table[NETWORK_ATTRIBUTES] = {NULL};
	const struct nlattr *mac;
	struct network_nic *nic = arg;

	mnl_attr_parse(message, sizeof(*link), network_attribute, table);
	nic->ifindex = (uint32_t)link->ifi_index;
	nic->type = link->ifi_type;
	nic->flags = link->ifi_flags;
	if (table[IFLA_MASTER])
		nic->master = mnl_attr_get_u32(table[IFLA_MASTER]);
	link_info_read(nic, table[IFLA_LINKINFO]);
	if (table[IFLA_MTU])
		nic->mtu = mnl_attr_get_u32(table[IFLA_MTU]);
	if (table[IFLA_NUM_RX_QUEUES])
		nic->rx_queues = (uint16_t)mnl_attr_get_u32(table[IFLA_NUM_RX_QUEUES]);
	mac = table[IFLA_ADDRESS];
	if (mac && mnl_attr_get_payload_len(mac) == sizeof(nic->mac))
		memcpy(nic->mac, mnl_attr_get_payload(mac), sizeof(nic->mac));
	return MNL_CB_OK;
}

/* Asked by ethtool rather than read from sysfs, which may show another network namespace than
 * ours. */
int network_ethtool(const char *name, void *question)
{
	return interface_ioctl(name, SIOCETHTOOL, &(struct ifreq){.ifr_data = question});
}

uint16_t network_rx_queues(const char *name)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	if (network_ethtool(name, &channels) < 0)
		return 0;
	return (uint16_t)(channels.rx_count + channels.combined_count);
}

static struct nlmsghdr *link_request(char buffer[MESSAGE_SIZE], uint32_t ifindex)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	link = mnl_nlmsg_put_extra_header(request, sizeof(*link));
	link->ifi_index = (int)ifindex;
	return request;
}

int network_mac(uint32_t ifindex, uint8_t ret_mac[static 6])
{
	char buffer[MESSAGE_SIZE];
	struct network_nic nic = {0};
	int r = network_request(link_request(buffer, ifindex), link_handler, &nic);

	if (r == 0)
		memcpy(ret_mac, nic.mac, sizeof(nic.mac));
	return r;
}

int network_nic(const char *name, struct network_nic *ret_nic)
{
	char buffer[MESSAGE_SIZE];
	struct nlmsghdr *request = link_request(buffer, 0);
	uint16_t rx_queues;
	int r;

	memset(ret_nic, 0, sizeof(*ret_nic));
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	r = network_request(request, link_handler, ret_nic);
	if (r < 0)
		return r;
	rx_queues = network_rx_queues(name);
	if (rx_queues > 0)
		ret_nic->rx_queues = rx_queues;
	if (ret_nic->rx_queues == 0)
		ret_nic->rx_queues = 1;
	return 0;
}

void network_pci_interface(const char *address, char ret_name[static 16])
{
	char path[64];
	unsigned int first = UINT_MAX;
	const struct dirent *entry;
	DIR *interfaces;

	ret_name[0] = '\0';
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net", address);
	interfaces = opendir(path);
	while (interfaces && (entry = readdir(interfaces))) {
		unsigned int ifindex = if_nametoindex(entry->d_name);

		if (ifindex == 0 || ifindex > first)
			continue;
		first = ifindex;
		snprintf(ret_name, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, entry->d_name);
	}
	if (interfaces)
		closedir(interfaces);
}

struct address_query {
	const uint32_t *ifindex;
	size_t count;
	struct addresses *addresses;
};

static bool address_wanted(const struct address_query *query, const struct ifaddrmsg *message)
{
	if (message->ifa_index == LOOPBACK_IFINDEX && message->ifa_scope == RT_SCOPE_UNIVERSE)
		return true;
	for (size_t i = 0; i < query->count; i++) {
		if (query->ifindex[i] == message->ifa_index)
			return true;
	}
	return false;
}

static uint8_t family_of(int family)
{
	return family == AF_INET     ? MERIDIAN_FAMILY_IPV4
		: family == AF_INET6 ? MERIDIAN_FAMILY_IPV6
				     : 0;
}

static int address_handler(const struct nlmsghdr *message, void *arg)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	const struct address_query *query = arg;
	const struct nlattr *table[NETWORK_ATTRIBUTES] = {NULL};
	const struct nlattr *local;
	uint8_t family = family_of(header->ifa_family);
	uint32_t flags = header->ifa_flags;

	if (family == 0 || !address_wanted(query, header))
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*header), network_attribute, table);
	/* On point-to-point links both are there, and IFA_ADDRESS is the peer's. */
	local = table[IFA_LOCAL] ? table[IFA_LOCAL] : table[IFA_ADDRESS];
	if (table[IFA_FLAGS])
		flags = mnl_attr_get_u32(table[IFA_FLAGS]);
	if (!local || (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
		return MNL_CB_OK;
	if (mnl_attr_get_payload_len(local) != (family == MERIDIAN_FAMILY_IPV4 ? 4 : 16))
		return MNL_CB_OK;
	if (addresses_add(query->addresses, family, mnl_attr_get_payload(local)) < 0) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

int network_nic_addresses(const uint32_t *ifindex, size_t count, struct addresses *addresses)
{
	struct address_query query = {ifindex, count, addresses};
	size_t before = addresses->count;
	int r = -EINTR;

	/* The kernel marks a dump during which something changed: EINTR. */
	for (int try = 0; try < DUMP_TRIES && r == -EINTR; try++) {
		char buffer[MESSAGE_SIZE];
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

		addresses->count = before;
		request->nlmsg_type = RTM_GETADDR;
		request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		mnl_nlmsg_put_extra_header(request, sizeof(struct ifaddrmsg));
		r = network_request(request, address_handler, &query);
	}
	return r;
}

int network_host_addresses(struct addresses *addresses)
{
	struct ifaddrs *list, *entry;
	int r = 0;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (entry = list; entry && r == 0; entry = entry->ifa_next) {
		const struct sockaddr *address = entry->ifa_addr;

		if (address && address->sa_family == AF_INET)
			r = addresses_add(addresses, MERIDIAN_FAMILY_IPV4,
				&((const struct sockaddr_in *)(const void *)address)->sin_addr);
		else if (address && address->sa_family == AF_INET6)
			r = addresses_add(addresses, MERIDIAN_FAMILY_IPV6,
				&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	}
	freeifaddrs(list);
	return r;
}

static struct mnl_socket *follow_socket;
static void (*follow_changed)(void);

/* What a notification says does not matter, nor whether some were lost (ENOBUFS). */
static void follow_handler(int fd, unsigned int events, void *arg)
{
	char buffer[ANSWER_SIZE];

	(void)fd;
	(void)events;
	(void)arg;
	(void)mnl_socket_recvfrom(follow_socket, buffer, sizeof(buffer));
	follow_changed();
}

int network_follow(void (*changed)(void))
{
	const unsigned int groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
	int r = 0;

	follow_changed = changed;
	follow_socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!follow_socket)
		return -errno;
	if (mnl_socket_bind(follow_socket, groups, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	if (r == 0)
		r = event_add_fd(
			mnl_socket_get_fd(follow_socket), EVENT_READ, follow_handler, NULL);
	if (r < 0)
		network_unfollow();
	return r;
}

void network_unfollow(void)
{
	if (!follow_socket)
		return;
	event_remove_fd(mnl_socket_get_fd(follow_socket));
	mnl_socket_close(follow_socket);
	follow_socket = NULL;
}
