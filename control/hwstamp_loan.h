/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_HWSTAMP_LOAN_H
#define CONTROL_HWSTAMP_LOAN_H

/*
 * How cards are set to stamp, borrowed: what was set before is noted, and given back when nobody
 * needs the change any more, unless somebody else has set the card anew meanwhile.
 *
 * The note is a page of the run directory for control's own use, so that what a control that was
 * killed has borrowed is given back by the next one, or by `meridian-setup --undo`. Cards whose
 * driver does not tell what is set are set, and not given back. One thread; says in the log what is
 * given back, and what cannot be.
 */

#include "hwstamp.h"
#include <stdbool.h>
#include <stddef.h>

#define HWSTAMP_LOANS_MAX 32

/* Who needs the setting: bits. */
#define HWSTAMP_FOR_SOURCES 1u /* `hwtimestamp`: packets to and from servers */
#define HWSTAMP_FOR_NIC     2u /* `nic`: the dataplane's */
#define HWSTAMP_FOR_ANYBODY UINT32_MAX

/* Takes over the note of an earlier process, whose loans are for nobody now, or makes one; without
 * `make` only what is there. Must not have been called before without hwstamp_loan_close(). Without
 * a note nothing is given back. 0 or a negative errno. */
int hwstamp_loan_open(const char *rundir, bool make);

/* Sets an interface's HWSTAMP_TX_* and HWSTAMP_FILTER_* for somebody, if they are not. Returns 0 or
 * a negative errno, and then everything is as before. */
int hwstamp_borrow(const char *name, uint32_t whom, int tx_type, int rx_filter);

/* Has the card stamp all NTP that it receives; what it sends, as it was. As hwstamp_borrow();
 * -EOPNOTSUPP: it cannot. */
int hwstamp_borrow_receive(const char *name, uint32_t whom, const struct hwstamp *can);

/* These do not need it any more. Without a loan nothing happens. */
void hwstamp_give_back(uint32_t ifindex, uint32_t whom);

/* Gives back what is for nobody. */
void hwstamp_give_back_rest(void);

/* Interfaces that are noted, up to HWSTAMP_LOANS_MAX, with what they had before. Returns how many.
 */
size_t hwstamp_loans(
	uint32_t ifindex[HWSTAMP_LOANS_MAX], struct hwtstamp_config before[HWSTAMP_LOANS_MAX]);

/* Leaves all that is borrowed to a later process. Legal on what is not open. */
void hwstamp_loan_close(void);

#endif
