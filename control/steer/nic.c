/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic.h"
#include "device.h"
#include "hwstamp_loan.h"
#include "log.h"
#include "network.h"
#include "nic_stamps.h"
#include "offload.h"
#include "offload_record.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <steer_map.h>

/* One write a second is enough to keep the deadline ahead. */
#define REFRESH_NS UINT64_C(1000000000)

static void nic_deadlines_forget(struct nic *nic)
{
	for (size_t i = 0; i < MERIDIAN_POLICY_QUEUES_MAX; i++)
		nic->deadline_ns[i] = NIC_DEADLINE_UNKNOWN;
}

int nic_init(struct nic *nic, const struct config_nic *config, const char *rundir)
{
	int r;

	memset(nic, 0, sizeof(*nic));
	nic_deadlines_forget(nic);
	nic->config = config;
	nic->policy.queue_count = config->queue_count ? config->queue_count : 1;
	nic->policy.rxcomp_ns = config->rxcomp_ns;
	nic->policy.delivery_us = config->delivery_us;
	nic->policy.txcomp_ns = config->txcomp_ns;
	nic->policy.txtime_ns = config->txtime_ns;
	snprintf(nic->policy.name, sizeof(nic->policy.name), "%s", config->name);
	nic->xdp.link_fd = -1;
	if (config->bifurcated) {
		nic->policy.kind = MERIDIAN_NIC_BIFURCATED;
		nic->policy.device = MERIDIAN_POLICY_DEVICE_NONE;
		return 0;
	}
	if (config_nic_is_virtual(config)) {
		nic->policy.kind = MERIDIAN_NIC_VDEV;
		return 0;
	}
	if (config_nic_is_taken_over(config)) {
		nic->policy.kind = MERIDIAN_NIC_TAKEOVER;
		nic->policy.punt_pps = config->punt_pps;
		memcpy(nic->policy.tap, config->tap, sizeof(nic->policy.tap));
		return 0;
	}
	nic->policy.kind = MERIDIAN_NIC_AF_XDP;
	r = xdp_init(&nic->xdp, rundir, config->name);
	if (r < 0)
		return log_errno(
			r, "nic %s: cannot name its directory in " BPFFS_ROOT, config->name);
	return 0;
}

static int nic_complain(struct nic *nic, int error, const char *text)
{
	if (strcmp(nic->complaint, text) != 0)
		log_error("nic %s: %s%s", nic->config->name, text,
			error == -EPERM ? " (PRIVILEGES in meridian-control(8) tells what it needs)"
					: "");
	snprintf(nic->complaint, sizeof(nic->complaint), "%s", text);
	return error;
}

/* What the note in a directory says, when no program of ours runs there any more. The note goes
 * last: after a crash in between, or when a driver refuses for now, the next control finds it. */
static void give_stripping_back(const char *directory)
{
	uint32_t ifindex, set = offload_record_find(directory, &ifindex);
	char name[IFNAMSIZ];
	int r = 0;

	if (set == 0)
		return;
	if (if_indextoname(ifindex, name))
		r = offload_strip_vlan(name, set, true);
	if (r < 0 && r != -ENODEV)
		log_errno(r, "nic %s: cannot have it take VLAN tags off again", name);
	else
		offload_record_remove(directory);
}

/* No program of ours runs on the interface any more. */
static void give_back(struct nic *nic)
{
	give_stripping_back(nic->xdp.directory);
	hwstamp_give_back(nic->policy.ifindex, HWSTAMP_FOR_NIC);
}

static void nic_forget(struct nic *nic)
{
	xdp_detach(&nic->xdp);
	give_back(nic);
	nic_deadlines_forget(nic);
	nic->policy.xdp_program_id = 0;
	nic->policy.xsks_map_id = 0;
	nic->policy.xdp_mode = MERIDIAN_XDP_NONE;
	nic->policy.stamps = MERIDIAN_NIC_STAMPS_unknown;
}

/* Called when the interface's number of queues is another than before. */
static uint16_t nic_queue_count(const struct nic *nic, uint16_t rx_queues)
{
	uint16_t count = nic->config->queue_count ? nic->config->queue_count : rx_queues;

	if (count > rx_queues) {
		log_warning("nic %s: receive queues: it has %u, not the %u that are configured",
			nic->config->name, rx_queues, count);
		count = rx_queues;
	}
	if (count > MERIDIAN_POLICY_QUEUES_MAX) {
		log_warning("nic %s: of its %u receive queues only the first %d are used; what "
			    "comes in by the others is answered by way of the kernel",
			nic->config->name, count, MERIDIAN_POLICY_QUEUES_MAX);
		count = MERIDIAN_POLICY_QUEUES_MAX;
	}
	return count;
}

static uint8_t link_of(const struct network_nic *found)
{
	if (!(found->flags & IFF_UP))
		return MERIDIAN_LINK_DOWN;
	return found->flags & IFF_RUNNING ? MERIDIAN_LINK_UP : MERIDIAN_LINK_NO_CARRIER;
}

static void nic_take_link(struct nic *nic, uint8_t link)
{
	uint8_t before = nic->policy.link;

	nic->policy.link = link;
	if (link == before)
		return;
	if (link == MERIDIAN_LINK_DOWN)
		log_warning("nic %s: the interface is down", nic->config->name);
	else if (link == MERIDIAN_LINK_NO_CARRIER)
		log_warning("nic %s: the interface has no carrier", nic->config->name);
	else if (before != MERIDIAN_LINK_UNKNOWN)
		log_info("nic %s: the link is up", nic->config->name);
}

static void nic_describe(struct nic *nic, const struct network_nic *found)
{
	nic->policy.mtu = found->mtu;
	memcpy(nic->policy.mac, found->mac, sizeof(nic->policy.mac));
	nic->master_ifindex = device_is_port(found) ? found->master : 0;
	/* One that has just vanished leaves the port its own; a sync follows. */
	if (nic->master_ifindex != 0)
		(void)network_mac(nic->master_ifindex, nic->policy.mac);
	if (nic->rx_queues != found->rx_queues)
		nic->policy.queue_count = nic_queue_count(nic, found->rx_queues);
	nic->rx_queues = found->rx_queues;
	nic->policy.ifindex = found->ifindex;
	nic_take_link(nic, link_of(found));
	nic_stamps_describe(nic->config, &nic->policy);
}

bool nic_is_outdated(const struct nic *nic)
{
	uint16_t rx_queues;

	if (!nic->xdp.bpf)
		return false; /* a sync is due anyway, or waits for the interface */
	if (!xdp_attached(&nic->xdp, nic->policy.ifindex))
		return true;
	if (offload_vlan_stripping(nic->config->name) != 0)
		return true;
	rx_queues = network_rx_queues(nic->config->name);
	return rx_queues != 0 && rx_queues != nic->rx_queues;
}

static const char *mode_name(uint8_t mode)
{
	return mode == MERIDIAN_XDP_GENERIC   ? "generic"
		: mode == MERIDIAN_XDP_NATIVE ? "native"
					      : "offload";
}

/* What the kernel has made of it counts. */
static void nic_take_stamps(struct nic *nic, enum meridian_nic_stamps stamps)
{
	if (stamps == MERIDIAN_NIC_STAMPS_used && !nic->xdp.nic_stamps)
		stamps = nic->xdp.mode == MERIDIAN_XDP_NATIVE ? MERIDIAN_NIC_STAMPS_refused
							      : MERIDIAN_NIC_STAMPS_generic;
	nic->policy.stamps = (uint8_t)stamps;
	if (stamps != MERIDIAN_NIC_STAMPS_used)
		hwstamp_give_back(nic->policy.ifindex, HWSTAMP_FOR_NIC);
	if (stamps == MERIDIAN_NIC_STAMPS_used)
		log_info("nic %s: %s", nic->config->name, meridian_nic_stamps_text(stamps));
	else if (nic->config->stamps == CONFIG_NIC_STAMPS_NIC)
		log_warning("nic %s: stamps by the XDP program, not by the NIC: %s",
			nic->config->name, meridian_nic_stamps_text(stamps));
	else
		log_info("nic %s: stamps by the XDP program: %s", nic->config->name,
			meridian_nic_stamps_text(stamps));
}

static int nic_attach(struct nic *nic)
{
	enum meridian_nic_stamps stamps = nic_stamps_prepare(nic->config, &nic->policy);
	int r = xdp_attach(&nic->xdp, nic->policy.ifindex,
		nic->config->generic                         ? XDP_GENERIC
			: stamps == MERIDIAN_NIC_STAMPS_used ? XDP_NIC_STAMPS
							     : XDP_ANY);

	if (r < 0)
		return nic_complain(nic, r, nic->xdp.error);
	nic_take_stamps(nic, stamps);
	nic->complaint[0] = '\0';
	nic->served = NIC_SERVED_STALE;
	log_info("nic %s: XDP program %u attached in %s mode, queues: %u", nic->config->name,
		nic->xdp.program_id, mode_name(nic->xdp.mode), nic->policy.queue_count);
	if (nic->xdp.native_error < 0)
		log_warning("nic %s: generic mode because the driver refuses the native one: %s",
			nic->config->name, strerror(-nic->xdp.native_error));
	return 0;
}

/* The program is off. On the same interface the maps stay pinned to be taken over again, for the
 * dataplane's sockets in them are good. */
static void nic_lose(struct nic *nic, bool same_interface)
{
	if (!same_interface) {
		nic_forget(nic);
		return;
	}
	log_warning("nic %s: somebody has detached our XDP program; attaching it again",
		nic->config->name);
	xdp_leave(&nic->xdp);
}

/* The note comes first: a crash in between must not lose it. */
static int nic_switch_stripping_off(struct nic *nic, uint32_t stripping)
{
	uint32_t noted = offload_record_read(nic->xdp.directory, nic->policy.ifindex);
	int r = offload_record_write(nic->xdp.directory, nic->policy.ifindex, noted | stripping);
	char text[XDP_ERROR_SIZE];

	if (r < 0) {
		snprintf(text, sizeof(text),
			"cannot note in " BPFFS_ROOT " that it took VLAN tags off: %s",
			strerror(-r));
		return nic_complain(nic, r, text);
	}
	r = offload_strip_vlan(nic->config->name, stripping, false);
	if (r < 0)
		return nic_complain(nic, r,
			"its driver takes VLAN tags off and cannot leave them on, so that replies "
			"would go into another VLAN; its clients are answered by way of the "
			"kernel");
	return 0;
}

/* Refuses an interface that takes VLAN tags off where XDP cannot see them. */
static int nic_keep_vlan_tags(struct nic *nic)
{
	uint32_t stripping = offload_vlan_stripping(nic->config->name);
	int r;

	if (stripping == 0)
		return 0;
	r = nic_switch_stripping_off(nic, stripping);
	if (r == 0)
		log_info("nic %s: leaves VLAN tags on from now on (as `ethtool -K %s%s%s`)",
			nic->config->name, nic->config->name,
			stripping & OFFLOAD_VLAN_CTAG ? " rxvlan off" : "",
			stripping & OFFLOAD_VLAN_STAG ? " rx-vlan-stag-hw-parse off" : "");
	return r;
}

static int nic_prepare(struct nic *nic, const struct network_nic *found)
{
	char reason[DEVICE_REASON_SIZE];
	int r;

	if (!device_serves(nic->config->name, found, reason)) {
		nic->policy.queue_count = 1; /* no memory is set aside for what is not used */
		nic->rx_queues = 0;
		return nic_complain(nic, -EOPNOTSUPP, reason);
	}
	r = xdp_check_free(&nic->xdp, found->ifindex); /* or the card is changed for nothing */
	if (r < 0)
		return nic_complain(nic, r, nic->xdp.error);
	return nic_keep_vlan_tags(nic);
}

/* An earlier control may have left its program there, and a note. */
static int nic_begin(struct nic *nic, const struct network_nic *found)
{
	int r = nic_prepare(nic, found);

	if (r == 0)
		r = nic_attach(nic);
	if (r < 0 && !xdp_runs(&nic->xdp, found->ifindex))
		give_back(nic);
	return r;
}

/* Somebody may have switched the offloads on again. */
static int nic_go_on(struct nic *nic)
{
	int r = nic_keep_vlan_tags(nic);

	if (r < 0)
		nic_forget(nic);
	return r;
}

static int nic_sync_found(struct nic *nic, const struct network_nic *found)
{
	bool same_interface = nic->policy.ifindex == found->ifindex;
	bool attached = xdp_attached(&nic->xdp, found->ifindex);

	if (!attached && nic->xdp.bpf)
		nic_lose(nic, same_interface); /* by the index that it had */
	nic_describe(nic, found);
	return attached ? nic_go_on(nic) : nic_begin(nic, found);
}

/* Of the interface that the kernel has of it. While there is none, there are no addresses. */
static int nic_sync_pci(struct nic *nic, const char *interface)
{
	struct network_nic found = {.ifindex = 0};
	int r = interface[0] != '\0' ? network_nic(interface, &found) : -ENODEV;

	if (r < 0 && r != -ENODEV)
		return nic_complain(nic, r, "cannot ask the kernel about its interface");
	nic->policy.ifindex = found.ifindex;
	nic->policy.mtu = found.mtu;
	memcpy(nic->policy.mac, found.mac, sizeof(nic->policy.mac));
	return 0;
}

int nic_sync(struct nic *nic)
{
	struct network_nic found;
	char name[IFNAMSIZ];
	int r;

	if (config_nic_is_virtual(nic->config))
		return 0;
	if (nic->policy.kind == MERIDIAN_NIC_TAKEOVER)
		return nic_sync_pci(nic, nic->config->tap);
	if (nic->policy.kind == MERIDIAN_NIC_BIFURCATED) {
		network_pci_interface(nic->config->name, name);
		return nic_sync_pci(nic, name);
	}
	r = network_nic(nic->config->name, &found);
	if (r == -ENODEV) {
		nic_forget(nic);
		nic->policy.ifindex = nic->master_ifindex = 0;
		nic->policy.link = MERIDIAN_LINK_UNKNOWN;
		nic_complain(nic, r, "no such interface; waiting for it");
		return 0;
	}
	if (r < 0)
		return nic_complain(nic, r, "cannot ask the kernel about the interface");
	r = nic_sync_found(nic, &found);
	nic->policy.xdp_program_id = nic->xdp.program_id;
	nic->policy.xsks_map_id = nic->xdp.socket_map_id;
	nic->policy.xdp_mode = nic->xdp.mode;
	return r;
}

void nic_withdraw(struct nic *nic, const struct meridian_policy_address *addresses, size_t count)
{
	if (!nic->xdp.bpf || nic->served != NIC_SERVED_STALE)
		return;
	xdp_withdraw(&nic->xdp, addresses, count);
	nic->served = NIC_SERVED_SUBSET;
}

void nic_serve(struct nic *nic, const struct meridian_policy_address *addresses, size_t count)
{
	int r;

	if (!nic->xdp.bpf || nic->served != NIC_SERVED_SUBSET)
		return;
	r = xdp_serve(&nic->xdp, addresses, count);
	if (r < 0)
		log_errno(r, "nic %s: cannot write the served addresses", nic->config->name);
	nic->served = NIC_SERVED_ALL;
}

static bool nic_is_steered(const struct nic *nic, uint16_t queue)
{
	return nic->deadline_ns[queue] != 0 && nic->deadline_ns[queue] != NIC_DEADLINE_UNKNOWN;
}

void nic_steer(struct nic *nic, uint16_t queue, bool steer, uint64_t now_ns)
{
	uint64_t deadline_ns = steer ? now_ns + STEER_AHEAD_NS : 0;
	uint64_t last_ns = nic->deadline_ns[queue];

	if (!nic->xdp.bpf || (!steer && last_ns == 0))
		return;
	if (steer && nic_is_steered(nic, queue) && deadline_ns - last_ns < REFRESH_NS)
		return;
	if (xdp_steer(&nic->xdp, queue, deadline_ns) == 0)
		nic->deadline_ns[queue] = deadline_ns;
}

void nic_log_steered(struct nic *nic)
{
	unsigned int count = 0;

	for (uint16_t i = 0; i < nic->policy.queue_count; i++)
		count += nic_is_steered(nic, i);
	if (count == nic->steered_logged)
		return;
	nic->steered_logged = count;
	log_info("nic %s: %u of %u queues go to the dataplane, the others to the kernel",
		nic->config->name, count, nic->policy.queue_count);
}

bool nic_forget_other(const char *directory)
{
	bool removed = xdp_remove(directory);

	give_stripping_back(directory);
	return removed;
}

void nic_fini(struct nic *nic, bool detach)
{
	if (!detach) {
		xdp_leave(&nic->xdp);
		return;
	}
	xdp_detach(&nic->xdp);
	give_back(nic);
}
