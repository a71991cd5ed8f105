/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_NETWORK_H
#define CONTROL_STEER_NETWORK_H

/*
 * What the kernel says about interfaces and addresses. Each call asks anew and keeps nothing;
 * network_follow() says when it is worth asking again.
 */

#include "addresses.h"
#include <stdint.h>

#define NETWORK_KIND_SIZE 16

struct network_nic {
	uint32_t ifindex;
	uint32_t mtu;
	unsigned int flags; /* IFF_* */
	uint16_t rx_queues; /* in use, at least 1 */
	uint8_t mac[6];
	uint16_t type;                       /* ARPHRD_* */
	char kind[NETWORK_KIND_SIZE];        /* of a virtual interface: "bond", "vlan"; else "" */
	uint32_t master;                     /* interface that this one is a port of; 0: none */
	char master_kind[NETWORK_KIND_SIZE]; /* "bond", "bridge", "vrf"; else "" */
};

/* Looks an interface up by name. Returns 0, -ENODEV when there is none, or a negative errno. */
int network_nic(const char *name, struct network_nic *ret_nic);

/* Name of the interface that the kernel has of a PCI device ("0000:3b:00.0"), of several that of
 * the first; "": none. */
void network_pci_interface(const char *address, char ret_name[static 16]);

/* A bound socket of a netlink protocol, the caller's to close; NULL with errno set. */
struct mnl_socket;
struct mnl_socket *network_open(int protocol);

/* Sends a request of rtnetlink and gives each answer to `handler` (mnl_cb_t). Returns 0 or a
 * negative errno; -EINTR: a dump in which something changed meanwhile. */
struct nlmsghdr;
int network_request(struct nlmsghdr *request,
	int (*handler)(const struct nlmsghdr *message, void *arg), void *arg);

/* For mnl_attr_parse(): puts an attribute into a table of NETWORK_ATTRIBUTES pointers, by its type;
 * those of higher types are left out. */
#define NETWORK_ATTRIBUTES 64
struct nlattr;
int network_attribute(const struct nlattr *attribute, void *table);

/* MAC address of the interface `ifindex`. Returns 0, or -ENODEV or another negative errno, and
 * *ret_mac stays as it is. */
int network_mac(uint32_t ifindex, uint8_t ret_mac[static 6]);

/* Puts a question (struct ethtool_*) to an interface; ethtool's ioctl. 0 or a negative errno. */
int network_ethtool(const char *name, void *question);

/* Receive queues in use, which `ethtool -L` changes without a notification; 0 when the driver does
 * not tell. */
uint16_t network_rx_queues(const char *name);

/* Appends the usable (not tentative) addresses of `count` interfaces, and the addresses of
 * global scope on the loopback interface. Returns 0 or a negative errno. */
int network_nic_addresses(const uint32_t *ifindex, size_t count, struct addresses *addresses);

/* Appends the addresses of all interfaces, without netlink. Returns 0 or a negative errno. */
int network_host_addresses(struct addresses *addresses);

/* Calls `changed` from the event loop whenever an interface or address has changed; at most one
 * follower. Returns 0 or a negative errno. */
int network_follow(void (*changed)(void));
void network_unfollow(void);

#endif
