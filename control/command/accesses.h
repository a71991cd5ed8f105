/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_ACCESSES_H
#define CONTROL_ACCESSES_H

/* Who has asked since the answering processes started, as chronyc's report of clients has it: those
 * who asked the most, from the pages of clients. */

#include "report.h"

struct access_count {
	struct report_address address;
	uint32_t requests; /* answered or rate limited; an estimate */
	uint32_t drops;    /* of them rate limited */
};

/*
 * The list, those who asked the most first, valid until the next call. One that asks for `first`
 * above 0 goes through a list in parts, and is given the one of before if that is not older than
 * some seconds. Returns its length, or -ENODATA when nobody counts clients.
 */
int accesses_list(const char *rundir, uint32_t first, const struct access_count **ret_list);

#endif
