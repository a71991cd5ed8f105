/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_stamps.h"
#include "hwstamp_loan.h"
#include "xdp_features.h"

void nic_stamps_describe(const struct config_nic *config, struct meridian_policy_nic *nic)
{
	struct hwstamp can;

	nic->speed_mbps = hwstamp_speed_mbps(nic->name);
	nic->phc = config->phc;
	if (config->phc == 0 && hwstamp_ask(nic->name, &can) == 0 && can.phc >= 0 &&
		can.phc < UINT16_MAX)
		nic->phc = (uint16_t)(can.phc + 1);
}

/* From Linux 6.3 to 6.6 it told what a driver can do for XDP, but not of metadata: 0, as by drivers
 * without any. */
static enum meridian_nic_stamps driver_ask(const struct meridian_policy_nic *nic)
{
	uint64_t features, metadata;

	if (xdp_features_read(nic->ifindex, &features, &metadata) < 0)
		return MERIDIAN_NIC_STAMPS_untold;
	return metadata & XDP_FEATURES_STAMPS ? MERIDIAN_NIC_STAMPS_used
					      : MERIDIAN_NIC_STAMPS_driver;
}

enum meridian_nic_stamps nic_stamps_prepare(
	const struct config_nic *config, const struct meridian_policy_nic *nic)
{
	bool insists = config->stamps == CONFIG_NIC_STAMPS_NIC;
	enum meridian_nic_stamps stamps;
	struct hwstamp can;

	if (config->stamps == CONFIG_NIC_STAMPS_XDP)
		return MERIDIAN_NIC_STAMPS_unwanted;
	if (config->generic)
		return MERIDIAN_NIC_STAMPS_generic;
	if (nic->phc == 0 && !insists)
		return MERIDIAN_NIC_STAMPS_no_clock;
	stamps = driver_ask(nic);
	if (stamps != MERIDIAN_NIC_STAMPS_used)
		return stamps;
	if ((hwstamp_ask(nic->name, &can) < 0 ||
		    hwstamp_borrow_receive(nic->name, HWSTAMP_FOR_NIC, &can) < 0) &&
		!insists)
		return MERIDIAN_NIC_STAMPS_filter;
	return MERIDIAN_NIC_STAMPS_used;
}
