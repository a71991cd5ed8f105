/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_NIC_H
#define CONTROL_STEER_NIC_H

/*
 * One configured interface: there or missing, with our program or not yet. Logs what changes, and
 * a failure once until it changes. A virtual device only stands in the policy: no program is ever
 * attached, and nothing else happens to it here. Of a NIC that was taken over, the interface is its
 * TAP device, which the dataplane makes.
 */

#include "config.h"
#include "xdp.h"

#define NIC_DEADLINE_UNKNOWN UINT64_MAX /* an earlier control's value, if any */

/* How the program's served set compares with what is served. */
enum nic_served {
	NIC_SERVED_STALE,  /* may hold others */
	NIC_SERVED_SUBSET, /* holds no others, but maybe not all */
	NIC_SERVED_ALL
};

struct nic {
	const struct config_nic *config;
	struct meridian_policy_nic policy; /* what the policy says about it */
	struct xdp xdp;
	uint32_t master_ifindex;        /* bridge, bond or team that it is a port of; 0: none */
	uint16_t rx_queues;             /* of the interface, used or not; 0: not known yet */
	char complaint[XDP_ERROR_SIZE]; /* the failure that was logged last; "": none */
	uint64_t deadline_ns[MERIDIAN_POLICY_QUEUES_MAX]; /* as last written; 0: not steered */
	enum nic_served served;
	unsigned int steered_logged; /* queues, when it was logged last */
};

/* `config` must stay valid. Touches nothing yet. Returns 0 or a negative errno, after logging. */
int nic_init(struct nic *nic, const struct config_nic *config, const char *rundir);

/* Brings the interface in line with what the kernel has now: attaches, notices that it went, came
 * or was replaced. Returns 0, or a negative errno when it should be tried again. */
int nic_sync(struct nic *nic);

/* Whether the interface has lost our program, changed its number of queues or begun to take VLAN
 * tags off since the last sync, which not everybody announces. */
bool nic_is_outdated(const struct nic *nic);

/*
 * All of these do nothing while the program is not attached. What is served changes in two steps,
 * so that no packet is steered to a dataplane that does not serve its address: withdraw, before a
 * policy is published, takes away what is not served any more; serve, when the dataplane has taken
 * the policy over, adds what is new.
 */
void nic_withdraw(struct nic *nic, const struct meridian_policy_address *addresses, size_t count);
void nic_serve(struct nic *nic, const struct meridian_policy_address *addresses, size_t count);
void nic_steer(struct nic *nic, uint16_t queue, bool steer, uint64_t now_ns);

/* Logs how many queues go to the dataplane, when that has changed. */
void nic_log_steered(struct nic *nic);

/* Takes our program off an interface that no `nic` names any more, and gives back what an earlier
 * control took from it, by what is pinned in its directory. That is gone then, but for what could
 * not be given back: it is left to the next control. Returns whether there was a program. */
bool nic_forget_other(const char *directory);

/* Lets go; with `detach` takes the program off the interface, too. */
void nic_fini(struct nic *nic, bool detach);

#endif
