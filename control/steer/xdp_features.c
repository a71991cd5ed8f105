/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_features.h"
#include "network.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#define MESSAGE_SIZE 8192

/* Of <linux/netdev.h>, which older headers do not have. */
enum {
	NETDEV_DEV_GET = 1,
	NETDEV_DEV_IFINDEX = 1,
	NETDEV_DEV_XDP_FEATURES = 3,
	NETDEV_DEV_XDP_RX_METADATA = 5,
};

static int reply_handler(const struct nlmsghdr *message, void *arg)
{
	mnl_attr_parse(message, sizeof(struct genlmsghdr), network_attribute, arg);
	return MNL_CB_STOP;
}

/* Sends a request; `ret_table` then leads into `buffer`. */
static int ask(struct mnl_socket *socket, char buffer[static MESSAGE_SIZE],
	const struct nlattr *ret_table[static NETWORK_ATTRIBUTES])
{
	struct nlmsghdr *request = (struct nlmsghdr *)buffer;
	ssize_t length;

	request->nlmsg_flags = NLM_F_REQUEST;
	request->nlmsg_seq = 1;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	length = mnl_socket_recvfrom(socket, buffer, MESSAGE_SIZE);
	if (length < 0)
		return -errno;
	if (mnl_cb_run(buffer, (size_t)length, 1, mnl_socket_get_portid(socket), reply_handler,
		    ret_table) < 0)
		return -errno;
	return 0;
}

static struct nlmsghdr *request_begin(
	char buffer[static MESSAGE_SIZE], uint16_t type, uint8_t command)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = type;
	header->cmd = command;
	header->version = 1;
	return request;
}

static int family_find(struct mnl_socket *socket, uint16_t *ret_family)
{
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_SIZE];
	const struct nlattr *table[NETWORK_ATTRIBUTES] = {NULL};
	struct nlmsghdr *request = request_begin(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	int r;

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, "netdev");
	r = ask(socket, buffer, table);
	if (r < 0)
		return r;
	if (!table[CTRL_ATTR_FAMILY_ID])
		return -EBADMSG;
	*ret_family = mnl_attr_get_u16(table[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

static uint64_t number(const struct nlattr *attribute)
{
	return attribute && mnl_attr_get_payload_len(attribute) == sizeof(uint64_t)
		? mnl_attr_get_u64(attribute)
		: 0;
}

static int features_ask(
	struct mnl_socket *socket, uint32_t ifindex, uint64_t *ret_features, uint64_t *ret_metadata)
{
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_SIZE];
	const struct nlattr *table[NETWORK_ATTRIBUTES] = {NULL};
	struct nlmsghdr *request;
	uint16_t family;
	int r = family_find(socket, &family);

	if (r < 0)
		return r;
	request = request_begin(buffer, family, NETDEV_DEV_GET);
	mnl_attr_put_u32(request, NETDEV_DEV_IFINDEX, ifindex);
	r = ask(socket, buffer, table);
	*ret_features = number(table[NETDEV_DEV_XDP_FEATURES]);
	*ret_metadata = number(table[NETDEV_DEV_XDP_RX_METADATA]);
	return r;
}

int xdp_features_read(uint32_t ifindex, uint64_t *ret_features, uint64_t *ret_metadata)
{
	struct mnl_socket *socket = network_open(NETLINK_GENERIC);
	int r;

	if (!socket)
		return -errno;
	r = features_ask(socket, ifindex, ret_features, ret_metadata);
	mnl_socket_close(socket);
	return r;
}
