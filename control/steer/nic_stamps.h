/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_NIC_STAMPS_H
#define CONTROL_STEER_NIC_STAMPS_H

/* Stamps that an interface's NIC takes: what they need, and whether there can be any. */

#include "config.h"
#include <meridian/policy.h>

/* Fills in which clock the interface `nic->name` has, unless the config says it, and how fast its
 * link is. */
void nic_stamps_describe(const struct config_nic *config, struct meridian_policy_nic *nic);

/* Decides whether the XDP program shall ask for the NIC's stamps, and if so has the NIC take them,
 * as a loan (hwstamp_loan.h) for HWSTAMP_FOR_NIC.
 * Returns MERIDIAN_NIC_STAMPS_used, or what is against it. Described before. */
enum meridian_nic_stamps nic_stamps_prepare(
	const struct config_nic *config, const struct meridian_policy_nic *nic);

#endif
