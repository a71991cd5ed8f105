/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <flow_rules.h>
#include <meridian/ntp.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A NIC of ours under DPDK's flow API. */

#define PORT   5
#define QUEUES 3

#define FLOWS_MAX 512

static struct {
	struct flow {
		enum rte_flow_item_type item[5];
		uint8_t address[16], address_mask[16];
		uint32_t priority;
		enum rte_flow_action_type action;
		uint64_t types;
		uint32_t queue_count;
		bool there;
	} flow[FLOWS_MAX];
	size_t room;               /* flows that it takes in all */
	size_t created, destroyed; /* so often */
	bool no_ipv6, no_vlan;     /* patterns that it does not know */
	bool no_hash_of_addresses; /* nor this hash */
} nic;

static struct flow_rules rules;
static struct meridian_policy_address address[FLOW_ADDRESSES_MAX + 1];

static int refuse(struct rte_flow_error *error, int number, const char *message)
{
	error->message = message;
	rte_errno = number;
	return -number;
}

static void address_read(struct flow *flow, const struct rte_flow_item *item)
{
	bool ipv4 = item->type == RTE_FLOW_ITEM_TYPE_IPV4;
	const struct rte_flow_item_ipv4 *spec4 = item->spec, *mask4 = item->mask;
	const struct rte_flow_item_ipv6 *spec6 = item->spec, *mask6 = item->mask;

	if (item->spec == NULL) {
		assert_null(item->mask);
		return;
	}
	memcpy(flow->address, ipv4 ? (const void *)&spec4->hdr.dst_addr : &spec6->hdr.dst_addr,
		ipv4 ? 4 : 16);
	memcpy(flow->address_mask, ipv4 ? (const void *)&mask4->hdr.dst_addr : &mask6->hdr.dst_addr,
		ipv4 ? 4 : 16);
}

/* Only the destination's port counts. */
static void udp_check(const struct rte_flow_item *item)
{
	const struct rte_flow_item_udp *spec = item->spec, *mask = item->mask;
	struct rte_flow_item_udp rest = *mask;

	assert_int_equal(item->type, RTE_FLOW_ITEM_TYPE_UDP);
	assert_int_equal(spec->hdr.dst_port, RTE_BE16(MERIDIAN_NTP_PORT));
	assert_int_equal(mask->hdr.dst_port, 0xffff);
	rest.hdr.dst_port = 0;
	assert_memory_equal(
		&rest, &(struct rte_flow_item_udp){.hdr = {.src_port = 0}}, sizeof(rest));
}

static void action_read(struct flow *flow, const struct rte_flow_action *action)
{
	const struct rte_flow_action_queue *queue = action->conf;
	const struct rte_flow_action_rss *rss = action->conf;

	flow->action = action->type;
	assert_int_equal(action[1].type, RTE_FLOW_ACTION_TYPE_END);
	if (action->type == RTE_FLOW_ACTION_TYPE_QUEUE) {
		assert_int_equal(queue->index, 0);
		return;
	}
	assert_int_equal(action->type, RTE_FLOW_ACTION_TYPE_RSS);
	assert_int_equal(rss->func, RTE_ETH_HASH_FUNCTION_DEFAULT);
	assert_int_equal(rss->level, 0);
	flow->types = rss->types;
	flow->queue_count = rss->queue_num;
	for (uint32_t i = 0; i < rss->queue_num; i++)
		assert_int_equal(rss->queue[i], i);
}

static struct flow flow_read(const struct rte_flow_attr *attributes,
	const struct rte_flow_item *item, const struct rte_flow_action *action)
{
	struct flow flow = {.priority = attributes->priority, .there = true};
	size_t at = 0;

	assert_int_equal(attributes->ingress, 1);
	assert_int_equal(attributes->group + attributes->egress + attributes->transfer, 0);
	for (; item[at].type != RTE_FLOW_ITEM_TYPE_END; at++) {
		flow.item[at] = item[at].type;
		if (item[at].type == RTE_FLOW_ITEM_TYPE_IPV4 ||
			item[at].type == RTE_FLOW_ITEM_TYPE_IPV6)
			address_read(&flow, &item[at]);
		else if (item[at].type != RTE_FLOW_ITEM_TYPE_UDP)
			assert_null(item[at].spec);
	}
	udp_check(&item[at - 1]);
	assert_int_equal(flow.item[0], RTE_FLOW_ITEM_TYPE_ETH);
	action_read(&flow, action);
	return flow;
}

static bool has(const struct flow *flow, enum rte_flow_item_type type)
{
	for (size_t i = 0; i < 5; i++) {
		if (flow->item[i] == type)
			return true;
	}
	return false;
}

int rte_flow_validate(uint16_t port_id, const struct rte_flow_attr *attributes,
	const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
	struct rte_flow_error *error)
{
	struct flow flow = flow_read(attributes, pattern, actions);

	assert_int_equal(port_id, PORT);
	if (nic.no_ipv6 && has(&flow, RTE_FLOW_ITEM_TYPE_IPV6))
		return refuse(error, ENOTSUP, "no IPv6");
	if (nic.no_vlan && has(&flow, RTE_FLOW_ITEM_TYPE_VLAN))
		return refuse(error, EINVAL, NULL);
	if (nic.no_hash_of_addresses && flow.types == RTE_ETH_RSS_IPV4)
		return refuse(error, EINVAL, "no such hash");
	return 0;
}

struct rte_flow *rte_flow_create(uint16_t port_id, const struct rte_flow_attr *attributes,
	const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
	struct rte_flow_error *error)
{
	struct flow flow = flow_read(attributes, pattern, actions);

	assert_int_equal(port_id, PORT);
	if (nic.created - nic.destroyed == nic.room) {
		refuse(error, ENOSPC, "table full");
		return NULL;
	}
	assert_true(nic.created < FLOWS_MAX);
	nic.flow[nic.created] = flow;
	return (struct rte_flow *)&nic.flow[nic.created++];
}

/* The last one of a table that is gone. */
int rte_flow_destroy(uint16_t port_id, struct rte_flow *handle, struct rte_flow_error *error)
{
	struct flow *flow = (struct flow *)handle;

	assert_int_equal(port_id, PORT);
	assert_true(flow->there);
	flow->there = false;
	nic.destroyed++;
	return nic.destroyed % 2 == 0 ? refuse(error, ENOENT, NULL) : 0;
}

static size_t in_place(enum rte_flow_item_type type)
{
	size_t count = 0;

	for (size_t i = 0; i < nic.created; i++)
		count += nic.flow[i].there && has(&nic.flow[i], type);
	return count;
}

static int setup(void **state)
{
	(void)state;
	memset(&nic, 0, sizeof(nic));
	nic.room = FLOWS_MAX;
	memset(address, 0, sizeof(address));
	for (uint8_t i = 0; i <= FLOW_ADDRESSES_MAX; i++) {
		address[i].family = i % 2 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4;
		memset(address[i].octets, i + 1, i % 2 ? 16 : 4);
	}
	flow_rules_init(&rules, "nic", PORT, QUEUES,
		RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_L3_SRC_ONLY);
	return 0;
}

static void test_rules_match_each_address(void **state)
{
	static const uint8_t all[16] = {
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
	static const uint8_t none[12];
	const struct flow *flow = nic.flow;

	(void)state;
	assert_int_equal(flow_rules_follow(&rules, address, 2), 0);
	assert_int_equal(rules.count, 4);
	assert_int_equal(rules.missing, 0);
	for (size_t i = 0; i < 4; i++) {
		bool ipv6 = i % 2, tagged = i / 2;

		assert_int_equal(flow[i].item[1 + tagged],
			ipv6 ? RTE_FLOW_ITEM_TYPE_IPV6 : RTE_FLOW_ITEM_TYPE_IPV4);
		assert_int_equal(has(&flow[i], RTE_FLOW_ITEM_TYPE_VLAN), tagged);
		assert_int_equal(flow[i].priority, tagged);
		assert_memory_equal(flow[i].address, address[ipv6].octets, 16);
		assert_memory_equal(flow[i].address_mask, all, ipv6 ? 16 : 4);
		if (!ipv6)
			assert_memory_equal(&flow[i].address_mask[4], none, 12);
		assert_int_equal(flow[i].action, RTE_FLOW_ACTION_TYPE_RSS);
		assert_int_equal(flow[i].queue_count, QUEUES);
		assert_true(flow[i].types ==
			((ipv6 ? RTE_ETH_RSS_IPV6 : RTE_ETH_RSS_IPV4) | RTE_ETH_RSS_L3_SRC_ONLY));
	}
}

static void test_many_addresses_are_any(void **state)
{
	static const uint8_t none[16];

	(void)state;
	assert_int_equal(flow_rules_follow(&rules, address, FLOW_ADDRESSES_MAX), 0);
	assert_int_equal(rules.count, FLOW_MATCHES_MAX);
	assert_int_equal(flow_rules_follow(&rules, address, FLOW_ADDRESSES_MAX + 1), 0);
	assert_int_equal(rules.count, 4);
	assert_int_equal(nic.created - nic.destroyed, 4);
	assert_int_equal(in_place(RTE_FLOW_ITEM_TYPE_IPV6), 2);
	assert_int_equal(in_place(RTE_FLOW_ITEM_TYPE_IPV4), 2);
	assert_memory_equal(nic.flow[nic.created - 1].address_mask, none, 16);
	assert_int_equal(flow_rules_follow(&rules, address, FLOW_ADDRESSES_MAX), 0);
	assert_int_equal(rules.count, FLOW_MATCHES_MAX);
}

static void test_rules_follow_addresses(void **state)
{
	(void)state;
	assert_int_equal(flow_rules_follow(&rules, address, 3), 0);
	assert_int_equal(nic.created, 6);
	assert_int_equal(flow_rules_follow(&rules, address, 3), 0);
	assert_int_equal(nic.created, 6);
	assert_int_equal(nic.destroyed, 0);
	assert_int_equal(flow_rules_follow(&rules, &address[1], 3), 0);
	assert_int_equal(nic.created, 8);
	assert_int_equal(nic.destroyed, 2);
	assert_false(nic.flow[0].there);
	assert_true(nic.flow[1].there);
	assert_int_equal(flow_rules_follow(&rules, address, 0), 0);
	assert_int_equal(nic.destroyed, 8);
	assert_int_equal(rules.count, 0);
	assert_int_equal(flow_rules_follow(&rules, address, 2), 0);
	flow_rules_remove(&rules);
	assert_int_equal(rules.count, 0);
	assert_int_equal(nic.created, nic.destroyed);
}

static void test_what_the_driver_refuses(void **state)
{
	(void)state;
	nic.no_ipv6 = nic.no_vlan = true;
	assert_int_equal(flow_rules_follow(&rules, address, 4), 0);
	assert_int_equal(rules.count, 2);
	assert_int_equal(rules.left, 6);
	assert_int_equal(rules.missing, 0);
	assert_int_equal(in_place(RTE_FLOW_ITEM_TYPE_IPV4), 2);
	assert_int_equal(in_place(RTE_FLOW_ITEM_TYPE_VLAN), 0);
	assert_int_equal(flow_rules_follow(&rules, &address[1], 1), -ENODEV);
	assert_string_equal(rules.reason, "no IPv6 (Operation not supported)");
	assert_string_equal(rules.kind[2].reason, "Invalid argument");
	setup(state);
	nic.no_ipv6 = true;
	assert_int_equal(flow_rules_follow(&rules, &address[1], 1), -ENODEV);
	assert_string_equal(rules.reason, "no IPv6 (Operation not supported)");
}

static void test_full_table(void **state)
{
	(void)state;
	nic.room = 3;
	assert_int_equal(flow_rules_follow(&rules, address, 2), 0);
	assert_int_equal(rules.count, 3);
	assert_int_equal(rules.missing, 1);
	assert_int_equal(rules.left, 0);
	assert_string_equal(rules.reason, "table full (No space left on device)");
	nic.room = 4;
	assert_int_equal(flow_rules_follow(&rules, address, 2), 0);
	assert_int_equal(rules.count, 4);
	assert_int_equal(rules.missing + rules.left, 0);
	flow_rules_remove(&rules);
	nic.room = 0;
	assert_int_equal(flow_rules_follow(&rules, address, 2), -ENODEV);
}

static void test_hash_is_the_best_one(void **state)
{
	(void)state;
	rules.possible = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;
	assert_int_equal(flow_rules_follow(&rules, address, 1), 0);
	assert_true(nic.flow[0].types == RTE_ETH_RSS_IPV4);
	setup(state);
	rules.possible = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;
	nic.no_hash_of_addresses = true;
	assert_int_equal(flow_rules_follow(&rules, address, 1), 0);
	assert_true(nic.flow[0].types == RTE_ETH_RSS_NONFRAG_IPV4_UDP);
	setup(state);
	rules.possible = 0;
	assert_int_equal(flow_rules_follow(&rules, address, 1), 0);
	assert_true(nic.flow[0].types == 0);
}

static void test_one_queue_needs_no_hash(void **state)
{
	(void)state;
	rules.queue_count = 1;
	assert_int_equal(flow_rules_follow(&rules, address, 2), 0);
	assert_int_equal(nic.flow[0].action, RTE_FLOW_ACTION_TYPE_QUEUE);
	assert_int_equal(rules.count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rules_match_each_address, setup),
		cmocka_unit_test_setup(test_many_addresses_are_any, setup),
		cmocka_unit_test_setup(test_rules_follow_addresses, setup),
		cmocka_unit_test_setup(test_what_the_driver_refuses, setup),
		cmocka_unit_test_setup(test_full_table, setup),
		cmocka_unit_test_setup(test_hash_is_the_best_one, setup),
		cmocka_unit_test_setup(test_one_queue_needs_no_hash, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
