/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_NIC_STAMPS_H
#define CONTROL_STEER_NIC_STAMPS_H

/* What an interface's own stamps need: its clock, its link, and its leave to take them. */

#include <meridian/policy.h>

/* Fills in which clock the interface `nic->name` has, and how fast its link is. */
void nic_stamps_describe(struct meridian_policy_nic *nic);

#endif
