/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_RESULT_H
#define LOAD_RESULT_H

/* What a run gave, and whether it says something of the server. Pure. */

#include "meter.h"
#include <stdio.h>

struct result {
	const struct meter *meter;
	double seconds;         /* measured, without warm-up and waiting */
	double scheduled;       /* requests that were due in that time */
	uint64_t receive_drops; /* of the generator's port */
	uint64_t refused;       /* bursts that the port did not take at once */
	uint64_t lag_limit_ns;
};

#define RESULT_REASON_SIZE 160

/* Whether the generator, not the server, was the limit. `ret_reason` says why. */
bool result_limited(const struct result *result, char ret_reason[RESULT_REASON_SIZE]);

/* The summary for people. */
void result_print(const struct result *result, FILE *stream);

#endif
