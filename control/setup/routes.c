/* SPDX-License-Identifier: BSD-3-Clause */
#include "routes.h"
#include "network.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DUMP_TRIES 5

struct links {
	struct carrier_link *link;
	size_t count;
};

static uint32_t number(const struct nlattr *attribute)
{
	return attribute ? mnl_attr_get_u32(attribute) : 0;
}

static bool is_kind(const struct nlattr *info, const char *kind)
{
	const struct nlattr *table[NETWORK_ATTRIBUTES] = {NULL};

	return info && mnl_attr_parse_nested(info, network_attribute, table) >= 0 &&
		table[IFLA_INFO_KIND] && strcmp(mnl_attr_get_str(table[IFLA_INFO_KIND]), kind) == 0;
}

static int link_handler(const struct nlmsghdr *message, void *arg)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *table[NETWORK_ATTRIBUTES] = {NULL};
	struct links *links = arg;
	struct carrier_link *link;

	if (links->count == ROUTES_LINKS_MAX) {
		errno = E2BIG;
		return MNL_CB_ERROR;
	}
	mnl_attr_parse(message, sizeof(*header), network_attribute, table);
	link = &links->link[links->count++];
	*link = (struct carrier_link){.index = (uint32_t)header->ifi_index,
		.master = number(table[IFLA_MASTER]),
		.is_switch = is_kind(table[IFLA_LINKINFO], "openvswitch")};
	/* A veth's other end is no lower device, nor is one of another namespace ours to find. */
	if (!table[IFLA_LINK_NETNSID] && !is_kind(table[IFLA_LINKINFO], "veth"))
		link->lower = number(table[IFLA_LINK]);
	if (table[IFLA_IFNAME])
		snprintf(
			link->name, sizeof(link->name), "%s", mnl_attr_get_str(table[IFLA_IFNAME]));
	return MNL_CB_OK;
}

static void default_mark(struct links *links, uint32_t index)
{
	for (size_t i = 0; i < links->count; i++) {
		if (links->link[i].index == index)
			links->link[i].is_default = true;
	}
}

static void multipath_mark(struct links *links, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);

	while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
		size_t step = (size_t)RTNH_ALIGN(hop->rtnh_len);

		default_mark(links, (uint32_t)hop->rtnh_ifindex);
		if (step >= left)
			return;
		left -= step;
		hop = (const struct rtnexthop *)((const char *)hop + step);
	}
}

static int route_handler(const struct nlmsghdr *message, void *arg)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const struct nlattr *table[NETWORK_ATTRIBUTES] = {NULL};
	struct links *links = arg;

	if (route->rtm_dst_len != 0 || route->rtm_type != RTN_UNICAST ||
		(route->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*route), network_attribute, table);
	if (table[RTA_OIF])
		default_mark(links, number(table[RTA_OIF]));
	if (table[RTA_MULTIPATH])
		multipath_mark(links, table[RTA_MULTIPATH]);
	return MNL_CB_OK;
}

/* Both kinds of question begin with the family, and have nothing else that matters to us. */
static int dump(uint16_t type, uint8_t family, size_t header_size, mnl_cb_t handler, void *arg)
{
	char buffer[NLMSG_ALIGN(sizeof(struct nlmsghdr)) + 64];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	*(uint8_t *)mnl_nlmsg_put_extra_header(request, header_size) = family;
	return network_request(request, handler, arg);
}

static int links_ask(struct links *links)
{
	int r;

	links->count = 0;
	r = dump(RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), link_handler, links);
	if (r == 0)
		r = dump(RTM_GETROUTE, AF_INET, sizeof(struct rtmsg), route_handler, links);
	if (r == 0)
		r = dump(RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg), route_handler, links);
	return r;
}

int routes_links(struct carrier_link **ret_links, size_t *ret_count)
{
	struct links links = {.link = calloc(ROUTES_LINKS_MAX, sizeof(*links.link))};
	int r = -ENOMEM;

	/* EINTR: something changed in between. */
	for (unsigned int tries = 0; links.link && tries < DUMP_TRIES; tries++) {
		r = links_ask(&links);
		if (r != -EINTR)
			break;
	}
	if (r < 0) {
		free(links.link);
		return r;
	}
	carrier_spread(links.link, links.count);
	*ret_links = links.link;
	*ret_count = links.count;
	return 0;
}
