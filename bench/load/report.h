/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

/* What is written while a run lasts, a progress line and a CSV line each second, and the files of
 * percentiles after it. Main thread. */

#include "meter.h"
#include "options.h"
#include "search.h"
#include <stdio.h>

struct report {
	FILE *csv, *hgrm; /* NULL: none */
	const char *plot; /* NULL: none */
	bool progress;
	double rate_per_s;
	uint64_t next_ns; /* CLOCK_MONOTONIC; 0: measuring has not begun */
	unsigned int second;
	struct report_counts {
		uint64_t sent, answered, invalid, late, kissed, duplicate;
	} last;                       /* at the last line */
	struct histogram before, now; /* round trips at the last line, and since */
};

/* Opens the files, so that a measurement is not for nothing. Logs what is wrong. Returns 0 or a
 * negative errno. */
int report_init(struct report *report, const struct load_options *options);

/* Closes them. Logs and returns what went wrong with that. */
int report_fini(struct report *report);

/* A run at that rate, in the mean, begins. */
void report_begin(struct report *report, double rate_per_s);

/* Called often; writes when a second is over. */
void report_turn(struct report *report, const struct meter *meter, bool measuring, uint64_t now_ns);

/* The run is over: writes what came since the last full second. */
void report_end(struct report *report, const struct meter *meter);

/* A step of the search is over. */
void report_step(const struct report *report, const struct search_step *step);

/* Writes and plots the percentiles, in microseconds. Logs what is wrong. Returns 0 or a negative
 * errno. */
int report_percentiles(struct report *report, const struct histogram *histogram);

void report_search(const struct search *search, FILE *stream);

#endif
