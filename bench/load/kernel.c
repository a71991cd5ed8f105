/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES  30
#define TRY_NS 100000000

/* The link's own entry among the addresses, which has its MAC address and its counters: unlike
 * sysfs it is that of our network namespace. Returns whether there is one. */
static bool link_look(const char *interface, struct sockaddr_ll *ret_link, uint32_t *ret_dropped)
{
	struct ifaddrs *list;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
		if (strcmp(entry->ifa_name, interface) != 0 || entry->ifa_addr == NULL ||
			entry->ifa_addr->sa_family != AF_PACKET)
			continue;
		memcpy(ret_link, entry->ifa_addr, sizeof(*ret_link));
		if (entry->ifa_data)
			memcpy(ret_dropped,
				(const char *)entry->ifa_data +
					offsetof(struct rtnl_link_stats, rx_dropped),
				sizeof(*ret_dropped));
		found = true;
	}
	freeifaddrs(list);
	return found;
}

int kernel_mac(const char *interface, uint8_t ret_mac[6])
{
	struct sockaddr_ll link;
	uint32_t dropped;

	if (!link_look(interface, &link, &dropped))
		return -ENODEV;
	memcpy(ret_mac, link.sll_addr, 6);
	return 0;
}

static bool take_address(const struct ifaddrs *entry, struct address *ret_address)
{
	const struct sockaddr *socket = entry->ifa_addr;

	if (socket == NULL || (socket->sa_family != AF_INET && socket->sa_family != AF_INET6))
		return false;
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->ipv6 = socket->sa_family == AF_INET6;
	if (ret_address->ipv6)
		memcpy(ret_address->octet,
			(const char *)socket + offsetof(struct sockaddr_in6, sin6_addr), 16);
	else
		memcpy(ret_address->octet,
			(const char *)socket + offsetof(struct sockaddr_in, sin_addr), 4);
	return true;
}

static bool is_link_local(const struct address *address)
{
	return address->ipv6 && address->octet[0] == 0xfe && (address->octet[1] & 0xc0) == 0x80;
}

unsigned int kernel_addresses(
	const char *interface, struct address *ret_addresses, unsigned int max)
{
	struct ifaddrs *list;
	unsigned int count = 0;

	if (getifaddrs(&list) < 0)
		return 0;
	for (int pass = 0; pass < 2; pass++) {
		for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
			struct address address;

			if (count < max && strcmp(entry->ifa_name, interface) == 0 &&
				take_address(entry, &address) && is_link_local(&address) == pass)
				ret_addresses[count++] = address;
		}
	}
	freeifaddrs(list);
	return count;
}

/* What a netlink answer is searched for, and what was found. */
struct search {
	int ifindex;
	struct address address; /* of the neighbour; the gateway's, once there is one */
	bool routed, found;
	uint8_t mac[6];
};

static int route_attribute(const struct nlattr *attribute, void *data)
{
	struct search *search = data;

	if (mnl_attr_get_type(attribute) == RTA_OIF)
		search->routed = (int)mnl_attr_get_u32(attribute) == search->ifindex;
	if (mnl_attr_get_type(attribute) == RTA_GATEWAY)
		memcpy(search->address.octet, mnl_attr_get_payload(attribute),
			search->address.ipv6 ? 16 : 4);
	return MNL_CB_OK;
}

static int route_take(const struct nlmsghdr *message, void *data)
{
	mnl_attr_parse(message, sizeof(struct rtmsg), route_attribute, data);
	return MNL_CB_OK;
}

struct neighbour {
	const void *address, *mac;
};

static int neighbour_attribute(const struct nlattr *attribute, void *data)
{
	struct neighbour *neighbour = data;

	if (mnl_attr_get_type(attribute) == NDA_DST)
		neighbour->address = mnl_attr_get_payload(attribute);
	if (mnl_attr_get_type(attribute) == NDA_LLADDR && mnl_attr_get_payload_len(attribute) == 6)
		neighbour->mac = mnl_attr_get_payload(attribute);
	return MNL_CB_OK;
}

static int neighbour_take(const struct nlmsghdr *message, void *data)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(message);
	struct neighbour neighbour = {NULL, NULL};
	struct search *search = data;

	mnl_attr_parse(message, sizeof(*head), neighbour_attribute, &neighbour);
	if (head->ndm_ifindex == search->ifindex && neighbour.address && neighbour.mac &&
		!(head->ndm_state & (NUD_INCOMPLETE | NUD_FAILED)) &&
		memcmp(neighbour.address, search->address.octet, search->address.ipv6 ? 16 : 4) ==
			0) {
		memcpy(search->mac, neighbour.mac, 6);
		search->found = true;
	}
	return MNL_CB_OK;
}

/* Sends one request and gives the answers to `take`. */
static int ask(struct nlmsghdr *request, mnl_cb_t take, struct search *search)
{
	char buffer[16384];
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	ssize_t size;
	int r = 1;

	if (socket == NULL)
		return -errno;
	request->nlmsg_seq = 1;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		r = -errno;
	while (r > 0) {
		size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (size >= 0)
			r = mnl_cb_run(buffer, (size_t)size, 1, mnl_socket_get_portid(socket), take,
				search);
		if (size < 0 || r < 0)
			r = -errno;
		if (!(request->nlmsg_flags & NLM_F_DUMP))
			break;
	}
	mnl_socket_close(socket);
	return r < 0 ? r : 0;
}

static int route_find(struct search *search)
{
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	uint16_t size = search->address.ipv6 ? 16 : 4;
	int r;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST;
	head->rtm_family = search->address.ipv6 ? AF_INET6 : AF_INET;
	head->rtm_dst_len = (uint8_t)(size * 8);
	mnl_attr_put(request, RTA_DST, size, search->address.octet);
	mnl_attr_put_u32(request, RTA_OIF, (uint32_t)search->ifindex);
	r = ask(request, route_take, search);
	if (r < 0)
		return r;
	return search->routed ? 0 : -ENETUNREACH;
}

static int neighbour_find(struct search *search)
{
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ndmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	request->nlmsg_type = RTM_GETNEIGH;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head->ndm_family = search->address.ipv6 ? AF_INET6 : AF_INET;
	return ask(request, neighbour_take, search);
}

/* An empty datagram to the discard port makes the kernel look for its neighbour. */
static void provoke(const struct address *target, int ifindex)
{
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(target->ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	memcpy(&ipv6.sin6_addr, target->octet, 16);
	memcpy(&ipv4.sin_addr, target->octet, 4);
	ipv6.sin6_scope_id = (uint32_t)ifindex;
	if (target->ipv6)
		sendto(fd, "", 0, 0, (const struct sockaddr *)&ipv6, sizeof(ipv6));
	else
		sendto(fd, "", 0, 0, (const struct sockaddr *)&ipv4, sizeof(ipv4));
	close(fd);
}

int kernel_neighbour(const char *interface, const struct address *target, uint8_t ret_mac[6])
{
	static const struct timespec pause = {.tv_nsec = TRY_NS};
	struct search search = {.ifindex = (int)if_nametoindex(interface), .address = *target};
	int r = search.ifindex ? route_find(&search) : -ENODEV;

	for (int try = 0; r == 0 && try < TRIES; try++) {
		r = neighbour_find(&search);
		if (r < 0 || search.found)
			break;
		provoke(target, search.ifindex);
		nanosleep(&pause, NULL);
	}
	if (r < 0)
		return r;
	memcpy(ret_mac, search.mac, 6);
	return search.found ? 0 : -EHOSTUNREACH;
}

uint32_t kernel_dropped(const char *interface)
{
	struct sockaddr_ll link;
	uint32_t dropped = 0;

	link_look(interface, &link, &dropped);
	return dropped;
}
