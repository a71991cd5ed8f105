/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

static bool is_one_of(const char *kind, const char *const *kinds)
{
	for (; *kinds; kinds++) {
		if (strcmp(kind, *kinds) == 0)
			return true;
	}
	return false;
}

static const char *const aggregates[] = {"bond", "team", NULL};
static const char *const masters[] = {"bond", "bridge", "team", NULL};

bool device_serves(const char *name, const struct network_nic *found,
	char ret_reason[static DEVICE_REASON_SIZE])
{
	if (found->type == ARPHRD_LOOPBACK)
		snprintf(ret_reason, DEVICE_REASON_SIZE,
			"the loopback interface has no clients; leave it out: its global addresses "
			"are served by the other interfaces, and local programs have libmeridian");
	else if (found->type != ARPHRD_ETHER)
		snprintf(ret_reason, DEVICE_REASON_SIZE,
			"not an Ethernet interface (a tunnel?), whose frames XDP does not "
			"understand; its clients are answered by way of the kernel");
	else if (is_one_of(found->kind, aggregates))
		snprintf(ret_reason, DEVICE_REASON_SIZE,
			"a %s, whose ports the packets come in by; name each of those by a `nic` "
			"instead (`ip -br link show master %s` lists them)",
			found->kind, name);
	else if (strcmp(found->kind, "ipvlan") == 0)
		snprintf(ret_reason, DEVICE_REASON_SIZE,
			"an ipvlan, which shares its parent's MAC address and gets its packets "
			"past XDP; its clients are answered by way of the kernel (a macvlan "
			"works)");
	else
		return true;
	return false;
}

bool device_is_port(const struct network_nic *found)
{
	return found->master != 0 && is_one_of(found->master_kind, masters);
}
