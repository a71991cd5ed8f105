/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_stamps.h"
#include "hwstamp.h"

void nic_stamps_describe(struct meridian_policy_nic *nic)
{
	struct hwstamp can;

	nic->speed_mbps = hwstamp_speed_mbps(nic->name);
	nic->phc = 0;
	if (hwstamp_ask(nic->name, &can) == 0 && can.phc >= 0 && can.phc < UINT16_MAX)
		nic->phc = (uint16_t)(can.phc + 1);
}
