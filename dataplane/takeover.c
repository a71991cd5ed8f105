/* SPDX-License-Identifier: BSD-3-Clause */
#include "takeover.h"
#include "log.h"
#include <errno.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <string.h>

/* A frame lies in one buffer, with its Ethernet header and two VLAN tags. */
#define MTU_MAX (RTE_MBUF_DEFAULT_DATAROOM - RTE_ETHER_HDR_LEN - 2 * RTE_VLAN_HLEN)

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

/* The NIC gets the TAP device's MTU, unless that is too large for it. */
static int mtu_begin(struct takeover *takeover)
{
	int mtu = tap_mtu(&takeover->tap);

	if (mtu > MTU_MAX) {
		log_warning("%s: the MTU of %s is at most %d, not %d", takeover->name,
			takeover->tap.name, MTU_MAX, mtu);
		mtu = tap_set_mtu(&takeover->tap, MTU_MAX) < 0 ? -EINVAL : MTU_MAX;
	}
	if (mtu < 0)
		return mtu;
	takeover->mtu = (uint16_t)mtu;
	return 0;
}

int takeover_open(struct takeover *takeover, const struct meridian_policy_nic *nic,
	uint16_t port_id, char *ret_error, size_t size)
{
	struct rte_ether_addr mac;
	int r = rte_eth_macaddr_get(port_id, &mac);

	*takeover = (struct takeover){.name = nic->name, .port_id = port_id};
	if (r == 0)
		r = tap_open(&takeover->tap, nic->tap, mac.addr_bytes);
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
	r = punt_open(&takeover->punt, nic->name, takeover->tap.fd, pool, nic->punt_pps);
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

static void link_follow(struct takeover *takeover)
{
	struct rte_eth_link link;
	int r;

	if (rte_eth_link_get_nowait(takeover->port_id, &link) < 0)
		return;
	/* DPDK's word for an unknown speed is the greatest number, too. */
	takeover->link_mbps = link.link_status == RTE_ETH_LINK_UP ? link.link_speed : 0;
	if ((link.link_status == RTE_ETH_LINK_UP) == takeover->link)
		return;
	takeover->link = !takeover->link;
	if (takeover->link)
		log_notice("%s: link up, %u Mb/s", takeover->name, link.link_speed);
	else
		log_notice("%s: link down", takeover->name);
	r = tap_set_carrier(&takeover->tap, takeover->link);
	if (r < 0)
		log_errno(r, "%s: cannot tell the kernel so", takeover->name);
}

/* What the NIC cannot have, the TAP device shall not have either. */
static void mtu_refuse(const struct takeover *takeover, int mtu, const char *reason)
{
	int r = tap_set_mtu(&takeover->tap, takeover->mtu);

	log_error("%s: MTU %d of %s: %s; it stays %u", takeover->name, mtu, takeover->tap.name,
		reason, takeover->mtu);
	if (r < 0)
		log_errno(r, "%s: cannot set it back", takeover->tap.name);
}

static void mtu_follow(struct takeover *takeover, int mtu)
{
	int r;

	if (mtu > MTU_MAX) {
		mtu_refuse(takeover, mtu, "its frames do not fit into a packet buffer");
		return;
	}
	r = rte_eth_dev_set_mtu(takeover->port_id, (uint16_t)mtu);
	if (r < 0) {
		mtu_refuse(takeover, mtu, rte_strerror(-r));
		return;
	}
	takeover->mtu = (uint16_t)mtu;
	log_info("%s: MTU %d, as %s has it", takeover->name, mtu, takeover->tap.name);
}

int takeover_turn(struct takeover *takeover)
{
	int mtu = tap_mtu(&takeover->tap);

	if (mtu < 0)
		return mtu;
	if (mtu != takeover->mtu)
		mtu_follow(takeover, mtu);
	link_follow(takeover);
	return 0;
}

void takeover_report(const struct takeover *takeover, struct meridian_stats_takeover *ret_report)
{
	ret_report->refused = punt_refused(takeover->punt);
	ret_report->link_mbps = takeover->link_mbps;
	ret_report->mtu = takeover->mtu;
	snprintf(ret_report->tap, sizeof(ret_report->tap), "%s", takeover->tap.name);
}
