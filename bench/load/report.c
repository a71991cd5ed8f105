/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"
#include "plot.h"
#include <errno.h>
#include <inttypes.h>
#include <log.h>
#include <string.h>
#include <unistd.h>
#include <units.h>

static int file_open(FILE **ret_stream, const char *option, const char *file)
{
	*ret_stream = NULL;
	if (file == NULL)
		return 0;
	*ret_stream = fopen(file, "we");
	return *ret_stream ? 0 : log_errno(-errno, "--%s '%s'", option, file);
}

int report_init(struct report *report, const struct load_options *options)
{
	int r = file_open(&report->csv, "csv", options->csv);

	report->progress = !options->no_progress && (options->progress || isatty(STDERR_FILENO));
	report->plot = options->plot;
	if (r == 0)
		r = file_open(&report->hgrm, "hgrm", options->hgrm);
	if (r == 0 && report->plot)
		r = plot_check(report->plot);
	if (r == 0 && report->csv)
		fprintf(report->csv,
			"rate_per_s,second,sent,answered,invalid,p50_ns,p99_ns,max_ns,late,kissed,"
			"duplicate\n");
	return r;
}

static int file_close(FILE **stream, const char *option)
{
	int r = 0;

	if (*stream && (ferror(*stream) | fclose(*stream)) != 0)
		r = log_errno(-EIO, "--%s", option);
	*stream = NULL;
	return r;
}

int report_fini(struct report *report)
{
	int csv = file_close(&report->csv, "csv"), hgrm = file_close(&report->hgrm, "hgrm");

	return csv < 0 ? csv : hgrm;
}

void report_begin(struct report *report, double rate_per_s)
{
	report->rate_per_s = rate_per_s;
	report->next_ns = 0;
	report->second = 0;
	report->last = (struct report_counts){0};
	report->before = (struct histogram){0};
}

static struct report_counts counts_read(const struct meter *meter)
{
	return (struct report_counts){
		.sent = __atomic_load_n(&meter->sent, __ATOMIC_RELAXED),
		.answered = __atomic_load_n(&meter->answered, __ATOMIC_RELAXED),
		.invalid = meter_invalid(meter),
		.late = __atomic_load_n(&meter->late, __ATOMIC_RELAXED),
		.kissed = __atomic_load_n(&meter->kissed, __ATOMIC_RELAXED),
		.duplicate = __atomic_load_n(&meter->duplicate, __ATOMIC_RELAXED),
	};
}

static struct report_counts counts_since(
	const struct report_counts *now, const struct report_counts *last)
{
	return (struct report_counts){
		.sent = now->sent - last->sent,
		.answered = now->answered - last->answered,
		.invalid = now->invalid - last->invalid,
		.late = now->late - last->late,
		.kissed = now->kissed - last->kissed,
		.duplicate = now->duplicate - last->duplicate,
	};
}

static void csv_line(const struct report *report, const struct report_counts *since)
{
	fprintf(report->csv,
		"%.3f,%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
		",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
		report->rate_per_s, report->second, since->sent, since->answered, since->invalid,
		histogram_quantile(&report->now, 0.5), histogram_quantile(&report->now, 0.99),
		report->now.count ? report->now.max : 0, since->late, since->kissed,
		since->duplicate);
}

static void progress_line(const struct report *report, const struct report_counts *since)
{
	fprintf(stderr,
		"%4u s: %" PRIu64 " sent/s, %" PRIu64
		" answered/s, %.1f us median, %.1f us 99 %%, invalid %" PRIu64 "\n",
		report->second, since->sent, since->answered,
		(double)histogram_quantile(&report->now, 0.5) / 1e3,
		(double)histogram_quantile(&report->now, 0.99) / 1e3, report->last.invalid);
}

static void lines_write(struct report *report, const struct meter *meter, bool whole)
{
	struct report_counts now = counts_read(meter), since = counts_since(&now, &report->last);

	if (!whole && memcmp(&now, &report->last, sizeof(now)) == 0)
		return;
	report->second++;
	report->last = now;
	histogram_copy(&report->now, &meter->round_trip);
	histogram_subtract(&report->now, &report->before);
	if (report->csv)
		csv_line(report, &since);
	if (report->progress && whole)
		progress_line(report, &since);
	histogram_merge(&report->before, &report->now);
}

void report_turn(struct report *report, const struct meter *meter, bool measuring, uint64_t now_ns)
{
	if (!measuring)
		return;
	if (report->next_ns == 0)
		report->next_ns = now_ns + NS_PER_SECOND;
	if (now_ns < report->next_ns)
		return;
	report->next_ns += NS_PER_SECOND;
	lines_write(report, meter, true);
}

void report_end(struct report *report, const struct meter *meter)
{
	lines_write(report, meter, false);
}

int report_percentiles(struct report *report, const struct histogram *histogram)
{
	int r = 0;

	if (report->hgrm && histogram_write_hgrm(histogram, report->hgrm, 1000) < 0)
		return log_errno(-EIO, "--hgrm");
	if (report->plot)
		r = plot_percentiles(report->plot, histogram);
	return r;
}

static void print_step(const struct search_step *step, FILE *stream)
{
	fprintf(stream, "%14.0f requests/s: loss %.5f %%%s: %s\n", (double)step->rate_milli / 1e3,
		100 * step->loss, step->limited ? ", the generator was the limit" : "",
		step->passed ? "passed" : "failed");
}

void report_step(const struct report *report, const struct search_step *step)
{
	if (report->progress)
		print_step(step, stderr);
}

void report_search(const struct search *search, FILE *stream)
{
	for (unsigned int i = 0; i < search->step_count; i++)
		print_step(&search->step[i], stream);
	if (search->passed_milli == 0)
		fprintf(stream, "no rate passed\n");
	else
		fprintf(stream, "highest rate with a loss of %.4f %% or less: %.0f requests/s%s\n",
			(double)search->loss_ppm / 1e4, (double)search->passed_milli / 1e3,
			search_generator_limited(search)
				? " (THE GENERATOR'S limit, the server may do more)"
				: "");
}
