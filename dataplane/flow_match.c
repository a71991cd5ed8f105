/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_match.h"
#include <meridian/ntp.h>
#include <rte_ethdev.h>
#include <string.h>

static size_t matches_any(
	const struct meridian_policy_address *address, uint64_t count, struct flow_match *ret_match)
{
	size_t found = 0;

	for (uint64_t i = 0; i < count && found < 2; i++) {
		if (found == 0 || address[i].family != ret_match[0].family)
			ret_match[found++] =
				(struct flow_match){.family = address[i].family, .any = true};
	}
	return found;
}

static size_t matches_each(
	const struct meridian_policy_address *address, uint64_t count, struct flow_match *ret_match)
{
	for (uint64_t i = 0; i < count; i++) {
		ret_match[i] = (struct flow_match){.family = address[i].family};
		memcpy(ret_match[i].octets, address[i].octets, sizeof(ret_match[i].octets));
	}
	return count;
}

size_t flow_matches(const struct meridian_policy_address *address, uint64_t count,
	struct flow_match ret_match[static FLOW_MATCHES_MAX])
{
	size_t untagged = count <= FLOW_ADDRESSES_MAX ? matches_each(address, count, ret_match)
						      : matches_any(address, count, ret_match);

	for (size_t i = 0; i < untagged; i++) {
		ret_match[untagged + i] = ret_match[i];
		ret_match[untagged + i].tagged = true;
	}
	return 2 * untagged;
}

bool flow_match_same(const struct flow_match *a, const struct flow_match *b)
{
	return a->family == b->family && a->tagged == b->tagged && a->any == b->any &&
		memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

static void address_build(struct flow_pattern *pattern, const struct flow_match *match)
{
	struct rte_ipv4_hdr *ipv4 = &pattern->address.ipv4.hdr;
	struct rte_ipv6_hdr *ipv6 = &pattern->address.ipv6.hdr;

	if (match->family == MERIDIAN_FAMILY_IPV4) {
		memcpy(&ipv4->dst_addr, match->octets, sizeof(ipv4->dst_addr));
		memset(&pattern->address_mask.ipv4.hdr.dst_addr, 0xff, sizeof(ipv4->dst_addr));
	} else {
		memcpy(&ipv6->dst_addr, match->octets, sizeof(ipv6->dst_addr));
		memset(&pattern->address_mask.ipv6.hdr.dst_addr, 0xff, sizeof(ipv6->dst_addr));
	}
}

/* What has no `spec` is there, whatever it holds. */
void flow_pattern_build(struct flow_pattern *pattern, const struct flow_match *match)
{
	struct rte_flow_item *item = pattern->item;

	memset(pattern, 0, sizeof(*pattern));
	(item++)->type = RTE_FLOW_ITEM_TYPE_ETH;
	if (match->tagged)
		(item++)->type = RTE_FLOW_ITEM_TYPE_VLAN;
	item->type = match->family == MERIDIAN_FAMILY_IPV4 ? RTE_FLOW_ITEM_TYPE_IPV4
							   : RTE_FLOW_ITEM_TYPE_IPV6;
	if (!match->any) {
		address_build(pattern, match);
		item->spec = &pattern->address;
		item->mask = &pattern->address_mask;
	}
	pattern->udp.hdr.dst_port = RTE_BE16(MERIDIAN_NTP_PORT);
	pattern->udp_mask.hdr.dst_port = RTE_BE16(UINT16_MAX);
	*++item = (struct rte_flow_item){
		.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &pattern->udp, .mask = &pattern->udp_mask};
	item[1].type = RTE_FLOW_ITEM_TYPE_END;
}

void flow_fate_build(struct flow_fate *fate, uint16_t queue_count, uint64_t types)
{
	memset(fate, 0, sizeof(*fate));
	for (uint16_t i = 0; i < queue_count; i++)
		fate->queues[i] = i;
	fate->rss = (struct rte_flow_action_rss){
		.types = types, .queue_num = queue_count, .queue = fate->queues};
	if (queue_count > 1) {
		fate->action[0].type = RTE_FLOW_ACTION_TYPE_RSS;
		fate->action[0].conf = &fate->rss;
	} else {
		fate->action[0].type = RTE_FLOW_ACTION_TYPE_QUEUE;
		fate->action[0].conf = &fate->queue;
	}
	fate->action[1].type = RTE_FLOW_ACTION_TYPE_END;
}

bool flow_hash_choose(unsigned int choice, uint8_t family, uint64_t possible, uint64_t *ret_types)
{
	bool ipv4 = family == MERIDIAN_FAMILY_IPV4;
	uint64_t addresses = ipv4 ? RTE_ETH_RSS_IPV4 : RTE_ETH_RSS_IPV6;
	uint64_t ports = ipv4 ? RTE_ETH_RSS_NONFRAG_IPV4_UDP : RTE_ETH_RSS_NONFRAG_IPV6_UDP;
	const uint64_t types[] = {addresses | RTE_ETH_RSS_L3_SRC_ONLY, addresses, ports, 0};
	unsigned int at = 0;

	while (at < sizeof(types) / sizeof(types[0])) {
		if ((types[at] & possible) == types[at] && choice-- == 0) {
			*ret_types = types[at];
			return true;
		}
		at++;
	}
	return false;
}
