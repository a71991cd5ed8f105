/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_NIC_CLOCK_H
#define CONTROL_NIC_CLOCK_H

/*
 * Time stamps of network cards (hwtimestamp), as counter values: each card's clock is read now and
 * then and modelled (core/hwclock.h).
 */

#include "config.h"
#include "counter.h"

/* Has the cards of the config take stamps, as a loan (hwstamp_loan.h), and reads their clocks from
 * now on. A card that cannot is named in the log and left alone. `counter` must outlive it. */
void nic_clock_init(const struct config *config, const struct counter *counter);

/* Gives that back. */
void nic_clock_fini(void);

/* Some card takes stamps: sockets should ask for them. */
bool nic_clock_any(void);

/* A packet that a card has stamped. */
struct nic_clock_stamp {
	unsigned int ifindex; /* 0: not known */
	struct timespec time; /* by the card */
	bool transmit;
	size_t length; /* octets of the frame, without its checksum */
};

/* When the end of the packet was at the interface, and how far that may be off. Returns 0; -ENODEV
 * when no card of ours took the stamp, -EAGAIN when its clock is not known well enough yet. */
int nic_clock_counter(
	const struct nic_clock_stamp *stamp, uint64_t *ret_counter, double *ret_error_s);

#endif
