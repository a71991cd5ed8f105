/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

/*
 * What the benchmarks share: a tick source, figures over several passes, the command line, and
 * results as text for people and as one JSON object for programs. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEASURE_SCHEMA_VERSION 1 /* moves when the JSON changes its form */
#define MEASURE_PASSES_MAX     1000

/* Ticks of the fastest counter that user space has: the time stamp counter on x86. It is not
 * serialising; a timed region should have some thousand instructions. */
uint64_t measure_ticks(void);

/* Ticks per second, against CLOCK_MONOTONIC_RAW over the 20 ms that the call takes. */
double measure_ticks_hz(void);

/* Core cycles per tick at this moment, over some 30 us. On a shared machine it moves by half from
 * second to second: what is to be compared has to be told in cycles as well. */
double measure_cycles_per_tick(void);

struct measure_options {
	bool json;           /* print JSON instead of text */
	unsigned int passes; /* 1..MEASURE_PASSES_MAX */
	int core;            /* CPU to stay on; -1: where the scheduler likes */
	bool scenarios;      /* the program has several, of which one may be chosen: --only */
	const char *only;    /* its key; NULL: all */
};

/*
 * Parses `--json --passes COUNT --core NUMBER --only KEY --help` and takes the thread to the core.
 * `*options` has the defaults when it is called. Ends the program after --help (0), after a
 * wrong option (2) and when the core is not to be had (3). `purpose` is one line for --help.
 */
void measure_options_parse(struct measure_options *options, const char *program,
	const char *purpose, int argc, char **argv);

struct measure_summary {
	double median, min, max;
};

/* `count` values, at least 1; sorts them. */
struct measure_summary measure_summarise(double *values, size_t count);

/* What is timed: one pass over `items` things of a benchmark. */
typedef void (*measure_pass)(void *context);

/* Ticks per item over `passes` passes (1..MEASURE_PASSES_MAX), after one that does not count. */
struct measure_summary measure_ticks_per_item(
	measure_pass pass, void *context, uint64_t items, unsigned int passes);

/* Keeps the compiler from dropping the computation of `value`. */
static inline void measure_keep(uint64_t value)
{
	__asm__ volatile("" : : "r"(value));
}

/* Results on their way to standard output. */
struct measure_report {
	bool json;
	bool empty; /* no result yet */
};

/* Begins the report of `name`. */
void measure_report_begin(struct measure_report *report, const char *name, bool json);

/* A line between results, in the text only. */
void measure_report_heading(const struct measure_report *report, const char *text);

/* One figure. `key` is its name in JSON, in lower case with its unit at the end; `text` what
 * stands beside it in the text. A value that is not finite is null. */
void measure_report_value(
	struct measure_report *report, const char *key, double value, const char *text);

/* KEY and KEY_min: median and least of the passes. */
void measure_report_summary(struct measure_report *report, const char *key,
	struct measure_summary summary, const char *text);

/* Ends the report. Returns 0, or -EIO when it could not be written. */
int measure_report_end(const struct measure_report *report);

#endif
