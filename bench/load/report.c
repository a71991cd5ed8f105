/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"
#include <errno.h>
#include <inttypes.h>
#include <log.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

int report_init(struct report *report, const struct load_options *options)
{
	report->progress = !options->no_progress && (options->progress || isatty(STDERR_FILENO));
	report->csv = NULL;
	if (options->csv == NULL)
		return 0;
	report->csv = fopen(options->csv, "we");
	if (report->csv == NULL)
		return log_errno(-errno, "--csv %s", options->csv);
	fprintf(report->csv, "rate_per_s,second,sent,answered,invalid,p50_ns,p99_ns,max_ns\n");
	return 0;
}

void report_fini(struct report *report)
{
	if (report->csv && fclose(report->csv) != 0)
		log_errno(-errno, "--csv");
	report->csv = NULL;
}

void report_begin(struct report *report, uint64_t rate_milli)
{
	report->rate_milli = rate_milli;
	report->next_ns = 0;
	report->second = 0;
	report->sent = report->answered = report->invalid = 0;
	report->before = (struct histogram){0};
}

static void line_write(struct report *report, const struct meter *meter)
{
	uint64_t sent = __atomic_load_n(&meter->sent, __ATOMIC_RELAXED);
	uint64_t answered = __atomic_load_n(&meter->answered, __ATOMIC_RELAXED);
	uint64_t invalid = meter_invalid(meter);
	double p50, p99;

	histogram_copy(&report->now, &meter->round_trip);
	histogram_subtract(&report->now, &report->before);
	p50 = (double)histogram_quantile(&report->now, 0.5);
	p99 = (double)histogram_quantile(&report->now, 0.99);
	if (report->csv)
		fprintf(report->csv,
			"%.3f,%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.0f,%.0f,%" PRIu64 "\n",
			(double)report->rate_milli / 1e3, report->second, sent - report->sent,
			answered - report->answered, invalid - report->invalid, p50, p99,
			report->now.count ? report->now.max : 0);
	if (report->progress)
		fprintf(stderr,
			"%4u s: %" PRIu64 " sent/s, %" PRIu64
			" answered/s, %.1f us median, %.1f us 99 %%, invalid %" PRIu64 "\n",
			report->second, sent - report->sent, answered - report->answered, p50 / 1e3,
			p99 / 1e3, invalid);
	report->sent = sent;
	report->answered = answered;
	report->invalid = invalid;
	histogram_merge(&report->before, &report->now);
}

void report_turn(struct report *report, const struct meter *meter, bool measuring, uint64_t now_ns)
{
	if (!measuring)
		return;
	if (report->next_ns == 0)
		report->next_ns = now_ns + NS_PER_S;
	if (now_ns < report->next_ns)
		return;
	report->next_ns += NS_PER_S;
	report->second++;
	if (report->csv || report->progress)
		line_write(report, meter);
}

int report_hgrm(const char *file, const struct histogram *histogram)
{
	FILE *stream = fopen(file, "we");
	int r;

	if (stream == NULL)
		return log_errno(-errno, "--hgrm %s", file);
	r = histogram_write_hgrm(histogram, stream, 1000);
	if (fclose(stream) != 0)
		r = -errno;
	return r < 0 ? log_errno(r, "--hgrm %s", file) : 0;
}

void report_search(const struct search *search, FILE *stream)
{
	for (unsigned int i = 0; i < search->step_count; i++) {
		const struct search_step *step = &search->step[i];

		fprintf(stream, "%14.0f requests/s: loss %.5f %%%s: %s\n",
			(double)step->rate_milli / 1e3, 100 * step->loss,
			step->limited ? ", the generator was the limit" : "",
			step->passed ? "passed" : "failed");
	}
	if (search->passed_milli == 0)
		fprintf(stream, "no rate passed\n");
	else
		fprintf(stream, "highest rate with a loss of %.4f %% or less: %.0f requests/s%s\n",
			(double)search->loss_ppm / 1e4, (double)search->passed_milli / 1e3,
			search_generator_limited(search)
				? " (THE GENERATOR'S limit, the server may do more)"
				: "");
}
