/* SPDX-License-Identifier: BSD-3-Clause */
#include "bifurcation.h"
#include "flow_rules.h"
#include "log.h"
#include <errno.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_TURNS 100

/* After these the driver's rules, and the port, are worth nothing. */
static const enum rte_eth_event_type ends[] = {RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_INTR_RESET};

struct bifurcation {
	struct flow_rules rules;
	uint64_t generation; /* of the policy that they follow */
	unsigned int turns;  /* since rules were tried that are missing */
	bool link_down;
	bool ended; /* written by DPDK's interrupt thread */
};

int bifurcation_isolate(uint16_t port_id, char *ret_error, size_t size)
{
	struct rte_flow_error error = {.message = NULL};
	char reason[FLOW_REASON_SIZE];
	int r = rte_flow_isolate(port_id, 1, &error);

	if (r == 0)
		return 0;
	flow_reason(reason, sizeof(reason), r, &error);
	snprintf(ret_error, size,
		"its driver does not isolate flows, so that it cannot be shared with the kernel: "
		"%s",
		reason);
	return -ENODEV;
}

static int end_handler(uint16_t port_id, enum rte_eth_event_type event, void *arg, void *ret)
{
	struct bifurcation *bifurcation = arg;

	(void)port_id;
	(void)event;
	(void)ret;
	__atomic_store_n(&bifurcation->ended, true, __ATOMIC_RELAXED);
	return 0;
}

static int follow(struct bifurcation *bifurcation, const struct meridian_policy_blob *blob)
{
	bifurcation->generation = blob->generation;
	bifurcation->turns = 0;
	return flow_rules_follow(&bifurcation->rules,
		MERIDIAN_POLICY_TABLE(blob, addresses, struct meridian_policy_address),
		blob->addresses.count);
}

int bifurcation_open(struct bifurcation **ret_bifurcation, const char *name, uint16_t port_id,
	uint16_t queue_count, const struct meridian_policy_blob *blob, char *ret_error, size_t size)
{
	struct bifurcation *bifurcation = calloc(1, sizeof(*bifurcation));
	struct rte_eth_dev_info info;
	int r;

	if (bifurcation == NULL)
		return -ENOMEM;
	r = rte_eth_dev_info_get(port_id, &info);
	flow_rules_init(&bifurcation->rules, name, port_id, queue_count,
		r == 0 ? info.flow_type_rss_offloads : 0);
	for (size_t i = 0; i < RTE_DIM(ends); i++)
		rte_eth_dev_callback_register(port_id, ends[i], end_handler, bifurcation);
	r = follow(bifurcation, blob);
	if (r < 0) {
		snprintf(ret_error, size,
			"its driver takes no flow rule for NTP, so that it cannot be shared with "
			"the kernel: %s",
			bifurcation->rules.reason);
		bifurcation_close(bifurcation);
		return r;
	}
	log_info("%s: flow rules bring NTP to the dataplane (%zu), the kernel has the rest", name,
		bifurcation->rules.count);
	*ret_bifurcation = bifurcation;
	return 0;
}

/* Whether the link has returned. */
static bool link_follow(struct bifurcation *bifurcation)
{
	const struct flow_rules *rules = &bifurcation->rules;
	struct rte_eth_link link;
	bool down;

	if (rte_eth_link_get_nowait(rules->port_id, &link) < 0)
		return false;
	down = link.link_status != RTE_ETH_LINK_UP;
	if (down == bifurcation->link_down)
		return false;
	bifurcation->link_down = down;
	log_notice("%s: link %s", rules->name, down ? "down" : "up");
	return !down;
}

const char *bifurcation_turn(
	struct bifurcation *bifurcation, const struct meridian_policy_blob *blob)
{
	struct flow_rules *rules = &bifurcation->rules;
	bool again = ++bifurcation->turns >= RETRY_TURNS && rules->missing > 0;

	if (__atomic_load_n(&bifurcation->ended, __ATOMIC_RELAXED))
		return "the driver of a NIC has lost it, or wants it to be reset";
	if (link_follow(bifurcation)) {
		flow_rules_remove(rules); /* who knows which are still there */
		again = true;
	}
	if ((again || blob->generation != bifurcation->generation) && follow(bifurcation, blob) < 0)
		log_error("%s: no flow rule is left, and the kernel has all of its packets: its "
			  "driver says: %s",
			rules->name, rules->reason);
	return NULL;
}

void bifurcation_withdraw(struct bifurcation *bifurcation)
{
	flow_rules_remove(&bifurcation->rules);
}

void bifurcation_close(struct bifurcation *bifurcation)
{
	if (bifurcation == NULL)
		return;
	for (size_t i = 0; i < RTE_DIM(ends); i++) {
		/* -EAGAIN: DPDK's interrupt thread is in it. */
		while (rte_eth_dev_callback_unregister(bifurcation->rules.port_id, ends[i],
			       end_handler, bifurcation) == -EAGAIN)
			rte_pause();
	}
	flow_rules_remove(&bifurcation->rules);
	free(bifurcation);
}

void bifurcation_report(
	const struct bifurcation *bifurcation, struct meridian_stats_port *ret_report)
{
	__atomic_store_n(
		&ret_report->flow_rules, (uint32_t)bifurcation->rules.count, __ATOMIC_RELAXED);
	__atomic_store_n(
		&ret_report->flow_missing, (uint32_t)bifurcation->rules.missing, __ATOMIC_RELAXED);
	__atomic_store_n(
		&ret_report->flow_left, (uint32_t)bifurcation->rules.left, __ATOMIC_RELAXED);
}
