/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
#ifndef BPF_PARSE_BPF_H
#define BPF_PARSE_BPF_H

/*
 * Packet parser: a cursor that one function per header moves forward. Each returns the header
 * after checking that it lies within the packet, and leaves the cursor behind it; or NULL, and then
 * the cursor is nowhere in particular.
 */

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>

#define PARSE_VLANS_MAX 2

/* linux/if_vlan.h is not part of the kernel's user API. */
struct parse_vlan {
	__be16 tci;
	__be16 protocol; /* of what follows */
};

struct parse_cursor {
	void *position;
	void *end;
};

static __always_inline struct parse_cursor parse_start(const struct xdp_md *context)
{
	return (struct parse_cursor){
		.position = (void *)(long)context->data, .end = (void *)(long)context->data_end};
}

/* Takes `size` octets, a constant. */
static __always_inline void *parse_take(struct parse_cursor *cursor, __u32 size)
{
	void *header = cursor->position;

	if (header + size > cursor->end)
		return NULL;
	cursor->position = header + size;
	return header;
}

/* Ethernet and up to two VLAN tags. *ret_protocol is what follows, in network order. */
static __always_inline struct ethhdr *parse_ethernet(
	struct parse_cursor *cursor, __be16 *ret_protocol)
{
	struct ethhdr *ethernet = parse_take(cursor, sizeof(*ethernet));

	if (!ethernet)
		return NULL;
	*ret_protocol = ethernet->h_proto;
	for (int i = 0; i < PARSE_VLANS_MAX; i++) {
		struct parse_vlan *vlan;

		if (*ret_protocol != bpf_htons(ETH_P_8021Q) &&
			*ret_protocol != bpf_htons(ETH_P_8021AD))
			break;
		vlan = parse_take(cursor, sizeof(*vlan));
		if (!vlan)
			return NULL;
		*ret_protocol = vlan->protocol;
	}
	return ethernet;
}

/* IPv4 without options; NULL also for a fragment. */
static __always_inline struct iphdr *parse_ipv4(struct parse_cursor *cursor)
{
	struct iphdr *ip = parse_take(cursor, sizeof(*ip));
	const __u16 more_or_offset = 0x3fff;

	if (!ip || ip->version != 4 || ip->ihl != sizeof(*ip) / 4 ||
		(ip->frag_off & bpf_htons(more_or_offset)))
		return NULL;
	return ip;
}

/* IPv6; extension headers show in nexthdr. */
static __always_inline struct ipv6hdr *parse_ipv6(struct parse_cursor *cursor)
{
	struct ipv6hdr *ip = parse_take(cursor, sizeof(*ip));

	return ip && ip->version == 6 ? ip : NULL;
}

static __always_inline struct udphdr *parse_udp(struct parse_cursor *cursor)
{
	return parse_take(cursor, sizeof(struct udphdr));
}

#endif
