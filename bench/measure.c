/* SPDX-License-Identifier: BSD-3-Clause */
#include "measure.h"
#include <errno.h>
#include <exit_code.h>
#include <getopt.h>
#include <math.h>
#include <meridian/counter.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <units.h>

#define HZ_INTERVAL_NS UINT64_C(20000000)
#define SPEED_ROUNDS   20000
#define KEY_SIZE       128

uint64_t measure_ticks(void)
{
#if defined(__x86_64__)
	return meridian_counter_read(MERIDIAN_COUNTER_TSC);
#else
	return meridian_counter_read(MERIDIAN_COUNTER_CNTVCT);
#endif
}

double measure_ticks_hz(void)
{
	uint64_t start_ns = meridian_clock_ns(CLOCK_MONOTONIC_RAW), start = measure_ticks();
	uint64_t now_ns;

	do
		now_ns = meridian_clock_ns(CLOCK_MONOTONIC_RAW);
	while (now_ns - start_ns < HZ_INTERVAL_NS);
	return (double)(measure_ticks() - start) * NS_PER_SECOND / (double)(now_ns - start_ns);
}

/* Dependent additions of a register take a core cycle each; of a constant, newer cores do several.
 */
double measure_cycles_per_tick(void)
{
	uint64_t start = measure_ticks(), x = 0, one = 1;

	for (unsigned int i = 0; i < SPEED_ROUNDS; i++)
#if defined(__x86_64__)
		__asm__ volatile("add %1, %0\n\tadd %1, %0\n\tadd %1, %0\n\tadd %1, %0"
				 : "+r"(x)
				 : "r"(one));
#else
		__asm__ volatile("add %0, %0, %1\n\tadd %0, %0, %1\n\t"
				 "add %0, %0, %1\n\tadd %0, %0, %1"
				 : "+r"(x)
				 : "r"(one));
#endif
	return (double)x / (double)(measure_ticks() - start);
}

static void usage(const char *program, const char *purpose, const struct measure_options *options)
{
	printf("Usage: %s [--json] [--passes COUNT] [--core NUMBER] [--only KEY]\n"
	       "%s\n\n"
	       "  --json          print one JSON object instead of text\n"
	       "  --passes COUNT  passes of each measurement, 1 to %d [%u]\n"
	       "  --core NUMBER   stay on this CPU [any]\n"
	       "  --only KEY      this scenario alone, where there are several\n"
	       "  --help          print this and exit\n",
		program, purpose, MEASURE_PASSES_MAX, options->passes);
}

static long number(const char *program, const char *option, const char *text, long min, long max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
		fprintf(stderr, "%s: --%s %s: not a whole number from %ld to %ld\n", program,
			option, text, min, max);
		exit(EXIT_USAGE);
	}
	return value;
}

static void stay_on(const char *program, int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0) {
		fprintf(stderr, "%s: --core %d: %s\n", program, core, strerror(errno));
		exit(EXIT_START);
	}
}

void measure_options_parse(struct measure_options *options, const char *program,
	const char *purpose, int argc, char **argv)
{
	static const struct option table[] = {
		{"json", no_argument, NULL, 'j'},
		{"passes", required_argument, NULL, 'p'},
		{"core", required_argument, NULL, 'c'},
		{"only", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == 'j') {
			options->json = true;
		} else if (option == 'p') {
			options->passes = (unsigned int)number(
				program, "passes", optarg, 1, MEASURE_PASSES_MAX);
		} else if (option == 'c') {
			options->core = (int)number(program, "core", optarg, 0, CPU_SETSIZE - 1);
		} else if (option == 'o' && options->scenarios) {
			options->only = optarg;
		} else if (option == 'h') {
			usage(program, purpose, options);
			exit(EXIT_SUCCESS);
		} else {
			if (option == 'o')
				fprintf(stderr, "%s: --only: there is but one scenario\n", program);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: %s: takes options only\n", program, argv[optind]);
		exit(EXIT_USAGE);
	}
	if (options->core >= 0)
		stay_on(program, options->core);
}

static int compare(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

struct measure_summary measure_summarise(double *values, size_t count)
{
	size_t middle = count / 2;
	double median;

	qsort(values, count, sizeof(*values), compare);
	median = count % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
	return (struct measure_summary){median, values[0], values[count - 1]};
}

struct measure_summary measure_ticks_per_item(
	measure_pass pass, void *context, uint64_t items, unsigned int passes)
{
	double values[MEASURE_PASSES_MAX] = {0};

	pass(context);
	for (unsigned int i = 0; i < passes; i++) {
		uint64_t start = measure_ticks();

		pass(context);
		values[i] = (double)(measure_ticks() - start) / (double)items;
	}
	return measure_summarise(values, passes);
}

void measure_report_begin(struct measure_report *report, const char *name, bool json)
{
	*report = (struct measure_report){.json = json, .empty = true};
	if (json)
		printf("{\"schema_version\":%d,\"name\":\"%s\",\"results\":{",
			MEASURE_SCHEMA_VERSION, name);
	else
		printf("%s\n", name);
}

void measure_report_heading(const struct measure_report *report, const char *text)
{
	if (!report->json)
		printf("\n%s\n", text);
}

static void print_json(struct measure_report *report, const char *key, double value)
{
	printf("%s\n\"%s\":", report->empty ? "" : ",", key);
	if (isfinite(value))
		printf("%.10g", value);
	else
		printf("null");
	report->empty = false;
}

void measure_report_value(
	struct measure_report *report, const char *key, double value, const char *text)
{
	if (report->json)
		print_json(report, key, value);
	else
		printf("%14.*f  %-40s %s\n", fabs(value) < 1000 ? 2 : 0, value, key, text);
}

void measure_report_summary(struct measure_report *report, const char *key,
	struct measure_summary summary, const char *text)
{
	char least[KEY_SIZE];

	if (report->json) {
		snprintf(least, sizeof(least), "%s_min", key);
		print_json(report, key, summary.median);
		print_json(report, least, summary.min);
	} else {
		printf("%14.2f  %-40s %s (least %.2f)\n", summary.median, key, text, summary.min);
	}
}

int measure_report_end(const struct measure_report *report)
{
	if (report->json)
		printf("\n}}\n");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO;
}
