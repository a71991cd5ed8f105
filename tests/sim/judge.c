/* SPDX-License-Identifier: BSD-3-Clause */
#include "judge.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <timescale.h>

#define CONTINUITY_S 1e-9 /* rounding of a line's anchor */
#define RATE_ERROR   0.011
#define HOLD_S       300

static struct judge_result result;
static double *error_s, *bound_s, *rate_error, *line_error, *sigma; /* of each second */
static double *wanted_bound_s;                                      /* of each that is wanted */
static size_t count, size, scored_from;
static double probed_s;
static bool was_synchronised, is_lost;

void judge_start(double duration_s, double from_s, double probe_s)
{
	result = (struct judge_result){.violation_s = -1, .within_ms_s = -1, .within_100us_s = -1};
	size = (size_t)duration_s + 1;
	scored_from = (size_t)from_s;
	probed_s = probe_s;
	count = 0;
	error_s = calloc(size, sizeof(*error_s));
	bound_s = calloc(size, sizeof(*bound_s));
	rate_error = calloc(size, sizeof(*rate_error));
	line_error = calloc(size, sizeof(*line_error));
	sigma = calloc(size, sizeof(*sigma));
	wanted_bound_s = calloc(size, sizeof(*wanted_bound_s));
	if (!wanted_bound_s || !error_s || !bound_s || !rate_error || !line_error || !sigma)
		abort();
}

static double line_rate(
	const struct meridian_timemodel_data *data, const struct meridian_line *line)
{
	return ldexp((double)line->period_frac64, -64 - data->period_shift) *
		(double)data->counter_hz;
}

static double clock_rate(const struct meridian_timemodel_data *data, uint64_t counter)
{
	return line_rate(data, counter < data->line.counter ? &data->slew : &data->line);
}

static double page_bound(const struct meridian_timemodel_data *data, uint64_t counter)
{
	return ((double)data->root_delay_ns / 2 +
		       (double)meridian_timemodel_dispersion_ns(data, counter)) *
		1e-9;
}

/* What readers see. */
static struct meridian_utc reader_utc(const struct meridian_timemodel_data *data, uint64_t counter)
{
	struct meridian_utc utc = meridian_timemodel_utc(data, counter);

	utc.s += meridian_timemodel_leap_offset_s(data, utc);
	return utc;
}

static void judge_bound(size_t second)
{
	if (fabs(error_s[second]) <= bound_s[second])
		return;
	if (result.violations++ == 0)
		result.violation_s = (double)second;
}

void judge_second(bool judged, bool wanted, double sd_s)
{
	const struct meridian_timemodel_data *page = host_page();
	uint64_t counter = world_counter();
	struct world_utc utc = world_utc((double)count);
	struct meridian_utc truth = {.s = utc.s};

	if (count >= size)
		return;
	judged = judged && !world_is_in_leap((double)count);
	error_s[count] = timescale_utc_diff(reader_utc(page, counter), truth);
	bound_s[count] = page_bound(page, counter);
	rate_error[count] = clock_rate(page, counter) * (1 + world_frequency()) - 1;
	line_error[count] = line_rate(page, &page->line) * (1 + world_frequency()) - 1;
	sigma[count] = sd_s > 0 ? error_s[count] / sd_s : 0;
	if (!judged) {
		error_s[count] = rate_error[count] = line_error[count] = sigma[count] = 0;
	} else if (meridian_timemodel_valid(page, counter)) {
		result.returns += is_lost;
		is_lost = false;
		was_synchronised = true;
		judge_bound(count);
	} else {
		result.unsynchronised += was_synchronised;
		is_lost = was_synchronised;
		bound_s[count] = INFINITY;
	}
	if (judged && wanted)
		wanted_bound_s[result.wanted++] = bound_s[count];
	count++;
}

/* Between disruptions the clock goes on where it stood, and forward. */
void judge_publication(const struct meridian_timemodel_data *data)
{
	const struct meridian_timemodel_data *page = host_page();
	uint64_t counter = data->published_counter;
	double jump_s;

	if (page->line.period_frac64 == 0)
		return;
	if (data->disruption_count != page->disruption_count) {
		result.disruptions += was_synchronised;
		return;
	}
	jump_s = timescale_utc_diff(reader_utc(data, counter), reader_utc(page, counter));
	if (fabs(jump_s) > CONTINUITY_S || fabs(clock_rate(data, counter) - 1) > RATE_ERROR)
		result.breaks++;
}

/* From when on the error kept below `limit_s` for HOLD_S; -1: never. */
static double settled(double limit_s)
{
	size_t run = 0;

	for (size_t i = 0; i < count; i++) {
		run = fabs(error_s[i]) < limit_s ? run + 1 : 0;
		if (run == HOLD_S)
			return (double)(i + 1 - HOLD_S);
	}
	return -1;
}

static double rms(const double *values)
{
	double sum = 0;

	for (size_t i = scored_from; i < count; i++)
		sum += values[i] * values[i];
	return sqrt(sum / (double)(count - scored_from));
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void judge_wanted(void)
{
	unsigned int synchronised = 0;

	/* The world ended before it could be asked for. */
	result.wanted_share = 1;
	if (result.wanted == 0)
		return;
	for (unsigned int i = 0; i < result.wanted; i++)
		synchronised += wanted_bound_s[i] < (double)INFINITY;
	result.wanted_share = (double)synchronised / (double)result.wanted;
	qsort(wanted_bound_s, result.wanted, sizeof(*wanted_bound_s), compare_double);
	result.wanted_bound_s = wanted_bound_s[result.wanted / 2];
}

struct judge_result judge_end(double path_s)
{
	result.rms_s = rms(error_s);
	result.rate_rms = rms(rate_error);
	result.line_rms = rms(line_error);
	result.sigma_rms = rms(sigma);
	result.probe_s = fabs(error_s[(size_t)probed_s]);
	for (size_t i = scored_from; i < count; i++)
		result.max_s = fmax(result.max_s, fabs(error_s[i]));
	result.within_ms_s = settled(1e-3);
	result.within_100us_s = settled(1e-4);
	result.within_path_s = settled(path_s);
	qsort(bound_s + scored_from, count - scored_from, sizeof(*bound_s), compare_double);
	result.bound_s = bound_s[scored_from + (count - scored_from) / 2];
	judge_wanted();
	result.requests = host_requests();
	free(wanted_bound_s);
	free(error_s);
	free(bound_s);
	free(rate_error);
	free(line_error);
	free(sigma);
	return result;
}
