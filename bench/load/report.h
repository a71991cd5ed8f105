/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

/* What is written while a run lasts: a progress line and a CSV line each second. Main thread. */

#include "meter.h"
#include "options.h"
#include "search.h"
#include <stdio.h>

struct report {
	FILE *csv; /* NULL: none */
	bool progress;
	uint64_t rate_milli;
	uint64_t next_ns; /* CLOCK_MONOTONIC; 0: measuring has not begun */
	unsigned int second;
	uint64_t sent, answered, invalid; /* at the last line */
	struct histogram before, now;     /* round trips at the last line, and since */
};

/* Opens the CSV file. Logs what is wrong. Returns 0 or a negative errno. */
int report_init(struct report *report, const struct load_options *options);
void report_fini(struct report *report);

/* A run at that rate begins. */
void report_begin(struct report *report, uint64_t rate_milli);

/* Called often; writes when a second is over. */
void report_turn(struct report *report, const struct meter *meter, bool measuring, uint64_t now_ns);

/* Writes the file of percentiles, in microseconds. Logs what is wrong. */
int report_hgrm(const char *file, const struct histogram *histogram);

void report_search(const struct search *search, FILE *stream);

#endif
