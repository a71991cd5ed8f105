/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_FLOW_MATCH_H
#define DATAPLANE_FLOW_MATCH_H

/*
 * Which frames of a NIC that the kernel keeps are ours: UDP to port 123 at each served address, in
 * frames without a VLAN tag and in those with one. Pure: what a rule matches, and how DPDK's flow
 * API wants it said.
 */

#include <meridian/policy.h>
#include <rte_flow.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With more served addresses than this a rule is for all of its family, known or not. */
#define FLOW_ADDRESSES_MAX 64
#define FLOW_MATCHES_MAX   (2 * FLOW_ADDRESSES_MAX)

struct flow_match {
	uint8_t octets[16]; /* as in struct meridian_policy_address; 0 if `any` */
	uint8_t family;     /* MERIDIAN_FAMILY_* */
	bool tagged;        /* frames with one VLAN tag; else those without */
	bool any;           /* whatever the destination address is */
};

/* Writes what the rules for these addresses match, untagged frames first, and returns how many. */
size_t flow_matches(const struct meridian_policy_address *address, uint64_t count,
	struct flow_match ret_match[static FLOW_MATCHES_MAX]);

bool flow_match_same(const struct flow_match *a, const struct flow_match *b);

/* Not to be copied: the items point into it. */
struct flow_pattern {
	struct rte_flow_item item[5]; /* Ethernet, perhaps VLAN, IP, UDP, END */
	union {
		struct rte_flow_item_ipv4 ipv4;
		struct rte_flow_item_ipv6 ipv6;
	} address, address_mask;
	struct rte_flow_item_udp udp, udp_mask;
};

void flow_pattern_build(struct flow_pattern *pattern, const struct flow_match *match);

/* Not to be copied either. */
struct flow_fate {
	struct rte_flow_action action[2]; /* QUEUE or RSS, END */
	struct rte_flow_action_queue queue;
	struct rte_flow_action_rss rss;
	uint16_t queues[MERIDIAN_POLICY_QUEUES_MAX];
};

/* To the first `queue_count` queues, by a hash of RTE_ETH_RSS_* `types`. */
void flow_fate_build(struct flow_fate *fate, uint16_t queue_count, uint64_t types);

/*
 * The hash to try as number `choice`, of what the driver says is `possible`: of the source address,
 * so that all packets of a client come by one queue; of both addresses; of ports along with them;
 * the driver's own. Returns false past the last one.
 */
bool flow_hash_choose(unsigned int choice, uint8_t family, uint64_t possible, uint64_t *ret_types);

#endif
