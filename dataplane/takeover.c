/* SPDX-License-Identifier: BSD-3-Clause */
#include "takeover.h"
#include "log.h"
#include <errno.h>
#include <inttypes.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <string.h>

static const char *tap_reason(int error)
{
	switch (error) {
	case -EBUSY:
		return "another process has it";
	case -EINVAL:
		return "an interface of this name is there, but it is no TAP device";
	case -ENOENT:
		return "the kernel has no TAP devices (module tun)";
	default:
		return strerror(-error);
	}
}

/* Why another MTU than `mtu`. */
static void range_say(const struct takeover *takeover, int mtu, uint16_t instead)
{
	const struct mtu_range *range = &takeover->range;

	log_error("%s: MTU %d of %s: its driver takes %u to %u%s: it is %u", takeover->name, mtu,
		takeover->tap.name, range->least, range->most,
		range->scatters ? "" : ", as it keeps a frame in one buffer", instead);
}

/* The NIC gets the TAP device's MTU, unless it cannot have that. */
static int mtu_begin(struct takeover *takeover)
{
	struct tap_state state;
	int r = tap_look(&takeover->tap, &state);

	if (r < 0)
		return r;
	takeover->mtu = mtu_nearest(&takeover->range, state.mtu);
	takeover->scatters = takeover->mtu > takeover->range.one_buffer;
	if (state.mtu == takeover->mtu)
		return 0;
	range_say(takeover, state.mtu, takeover->mtu);
	return tap_set_mtu(&takeover->tap, takeover->mtu);
}

static int device_begin(struct takeover *takeover, const char *tap)
{
	struct rte_ether_addr mac = {.addr_bytes = {0}};
	struct rte_eth_dev_info info;
	int r = rte_eth_dev_info_get(takeover->port_id, &info);

	if (r == 0)
		r = rte_eth_macaddr_get(takeover->port_id, &mac);
	if (r < 0)
		return r;
	takeover->range = mtu_range(&info);
	memcpy(takeover->mac, mac.addr_bytes, sizeof(takeover->mac));
	return tap_open(&takeover->tap, tap, takeover->mac);
}

int takeover_open(struct takeover *takeover, const struct meridian_policy_nic *nic,
	uint16_t port_id, char *ret_error, size_t size)
{
	int r;

	*takeover = (struct takeover){.name = nic->name, .port_id = port_id};
	r = device_begin(takeover, nic->tap);
	if (r == 0) {
		r = mtu_begin(takeover);
		if (r < 0)
			tap_close(&takeover->tap);
	}
	if (r == 0)
		return 0;
	snprintf(ret_error, size, "TAP device %s: %s", nic->tap, tap_reason(r));
	return r == -EBUSY ? r : -ENODEV;
}

int takeover_start(struct takeover *takeover, const struct meridian_policy_nic *nic,
	struct rte_mempool *pool, char *ret_error, size_t size)
{
	/* Neighbour discovery goes to groups' addresses, of which the kernel keeps its own list. */
	int r = rte_eth_allmulticast_enable(takeover->port_id);

	if (r < 0) {
		snprintf(ret_error, size, "it cannot be made to receive multicast: %s",
			rte_strerror(-r));
		return -ENODEV;
	}
	r = punt_open(&takeover->punt, nic->name, takeover->tap.fd, pool, nic->punt_pps,
		takeover->scatters ? mtu_buffers(takeover->range.most) : 1);
	if (r < 0) {
		snprintf(ret_error, size, "cannot move frames to and from the kernel: %s",
			strerror(-r));
		return -ENODEV;
	}
	return 0;
}

void takeover_close(struct takeover *takeover)
{
	tap_set_carrier(&takeover->tap, false);
	if (takeover->punt)
		punt_close(takeover->punt);
	takeover->punt = NULL;
	tap_close(&takeover->tap);
}

/* DPDK's word for an unknown speed is the greatest number, too; some drivers say none. */
static uint32_t link_mbps(const struct rte_eth_link *link)
{
	if (link->link_status != RTE_ETH_LINK_UP)
		return 0;
	return link->link_speed != RTE_ETH_SPEED_NUM_NONE ? link->link_speed : UINT32_MAX;
}

static void link_say(const struct takeover *takeover)
{
	if (!takeover->link)
		log_notice("%s: link down", takeover->name);
	else if (takeover->link_mbps == UINT32_MAX)
		log_notice("%s: link up", takeover->name);
	else
		log_notice("%s: link up, %" PRIu32 " Mb/s", takeover->name, takeover->link_mbps);
}

static void link_follow(struct takeover *takeover)
{
	struct rte_eth_link link;
	int r;

	if (rte_eth_link_get_nowait(takeover->port_id, &link) < 0)
		return;
	takeover->link_mbps = link_mbps(&link);
	if ((takeover->link_mbps != 0) == takeover->link)
		return;
	takeover->link = !takeover->link;
	link_say(takeover);
	r = tap_set_carrier(&takeover->tap, takeover->link);
	if (r < 0)
		log_errno(r, "%s: cannot tell the kernel so", takeover->name);
}

/* Once, though it is tried all the time. */
static void stuck_say(struct takeover *takeover, int error)
{
	if (error < 0 && !takeover->stuck)
		log_errno(error, "%s: cannot set %s back", takeover->name, takeover->tap.name);
	takeover->stuck = error < 0;
}

/* What the NIC cannot have, the TAP device shall not have either. */
static void mtu_refuse(struct takeover *takeover, int mtu, const char *reason)
{
	if (!takeover->stuck && reason == NULL)
		range_say(takeover, mtu, takeover->mtu);
	else if (!takeover->stuck)
		log_error("%s: MTU %d of %s: %s: it is %u", takeover->name, mtu, takeover->tap.name,
			reason, takeover->mtu);
	stuck_say(takeover, tap_set_mtu(&takeover->tap, takeover->mtu));
}

/* Returns as takeover_turn(): some drivers take another MTU only before the port is started, as all
 * take the order to scatter. */
static const char *mtu_follow(struct takeover *takeover, int mtu)
{
	int r;

	if (mtu != mtu_nearest(&takeover->range, mtu)) {
		mtu_refuse(takeover, mtu, NULL);
		return NULL;
	}
	if (mtu > takeover->range.one_buffer && !takeover->scatters)
		return "frames of a new MTU take several packet buffers";
	r = rte_eth_dev_set_mtu(takeover->port_id, (uint16_t)mtu);
	if (r == -EBUSY)
		return "a NIC takes another MTU only when it starts";
	if (r < 0) {
		mtu_refuse(takeover, mtu, rte_strerror(-r));
		return NULL;
	}
	takeover->mtu = (uint16_t)mtu;
	log_info("%s: MTU %d, as %s has it", takeover->name, mtu, takeover->tap.name);
	return NULL;
}

static void promiscuity_follow(struct takeover *takeover, bool promiscuous)
{
	int r = promiscuous ? rte_eth_promiscuous_enable(takeover->port_id)
			    : rte_eth_promiscuous_disable(takeover->port_id);

	takeover->promiscuous = promiscuous; /* though it may not be able to */
	if (r < 0)
		log_errno(r, "%s: cannot follow the promiscuity of %s", takeover->name,
			takeover->tap.name);
	else
		log_info("%s: %s, as %s is", takeover->name,
			promiscuous ? "promiscuous" : "not promiscuous", takeover->tap.name);
}

/* Replies are sent from the NIC's address, and it receives what is for that. */
static void mac_keep(struct takeover *takeover)
{
	if (!takeover->stuck)
		log_warning("%s: %s was given another MAC address; it keeps the NIC's",
			takeover->name, takeover->tap.name);
	stuck_say(takeover, tap_set_mac(&takeover->tap, takeover->mac));
}

const char *takeover_turn(struct takeover *takeover)
{
	const char *restart = NULL;
	struct tap_state state;

	if (tap_look(&takeover->tap, &state) < 0)
		return "the TAP device of a NIC was deleted";
	if (state.mtu != takeover->mtu)
		restart = mtu_follow(takeover, state.mtu);
	if (state.promiscuous != takeover->promiscuous)
		promiscuity_follow(takeover, state.promiscuous);
	if (memcmp(state.mac, takeover->mac, sizeof(state.mac)) != 0)
		mac_keep(takeover);
	link_follow(takeover);
	return restart;
}

void takeover_report(const struct takeover *takeover, struct meridian_stats_takeover *ret_report)
{
	ret_report->refused = punt_refused(takeover->punt);
	ret_report->link_mbps = takeover->link_mbps;
	ret_report->mtu = takeover->mtu;
	snprintf(ret_report->tap, sizeof(ret_report->tap), "%s", takeover->tap.name);
}
