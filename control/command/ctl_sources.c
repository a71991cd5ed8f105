/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct source_row {
	char name_text[CTL_NAME_SIZE], address_text[CTL_NAME_SIZE];
	const char *mode, *mark, *state, *name, *address;
	uint64_t stratum, reachability, sample_age_s;
	uint64_t chronyc_age_s; /* UINT32_MAX: none, as chronyc prints it */
	int64_t poll_log2;
	double offset_s, original_offset_s, error_s;
	uint64_t samples, runs, span_s;
	double residual_frequency_ppm, skew_ppm, stddev_s;
	double estimated_offset_s, estimated_offset_error_s;
};

/* The columns of CSV are those of chronyc. */
static const struct output_field source_fields[] = {
	OUTPUT_FIELD("mode", "", STRING, source_row, mode, OUTPUT_CSV_ONLY),
	OUTPUT_FIELD("mark", "", STRING, source_row, mark, OUTPUT_NOT_JSON),
	OUTPUT_FIELD("name", "Name", STRING, source_row, name, 0),
	OUTPUT_FIELD("address", "Address", STRING, source_row, address, OUTPUT_NOT_CSV),
	OUTPUT_FIELD("state", "State", STRING, source_row, state, OUTPUT_NOT_CSV),
	OUTPUT_FIELD("stratum", "Stratum", COUNT, source_row, stratum, 0),
	OUTPUT_FIELD("poll_log2", "Poll", INTEGER, source_row, poll_log2, 0),
	OUTPUT_FIELD("reachability", "Reach", OCTAL, source_row, reachability, 0),
	OUTPUT_FIELD("sample_age_s", "LastRx", COUNT, source_row, sample_age_s, OUTPUT_NOT_CSV),
	OUTPUT_FIELD("", "", COUNT, source_row, chronyc_age_s, OUTPUT_CSV_ONLY),
	OUTPUT_FIELD("offset_s", "Offset", SECONDS, source_row, offset_s,
		OUTPUT_SIGNED | OUTPUT_CSV_ZERO),
	OUTPUT_FIELD("original_offset_s", "Measured", SECONDS, source_row, original_offset_s,
		OUTPUT_SIGNED | OUTPUT_CSV_ZERO),
	OUTPUT_FIELD("error_s", "Error", SECONDS, source_row, error_s, OUTPUT_CSV_ZERO),
	OUTPUT_FIELD("samples", "Samples", COUNT, source_row, samples, OUTPUT_NOT_CSV),
	OUTPUT_FIELD("runs", "", COUNT, source_row, runs, OUTPUT_NOT_CSV | OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("span_s", "", COUNT, source_row, span_s, OUTPUT_NOT_CSV | OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("residual_frequency_ppm", "", PPM, source_row, residual_frequency_ppm,
		OUTPUT_NOT_CSV | OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("skew_ppm", "", PPM, source_row, skew_ppm, OUTPUT_NOT_CSV | OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("stddev_s", "Deviation", SECONDS, source_row, stddev_s, OUTPUT_NOT_CSV),
};

static const struct output_report source_report =
	OUTPUT_REPORT("sources", NULL, source_fields, source_row);

/* The same rows; again chronyc's columns. */
static const struct output_field statistics_fields[] = {
	OUTPUT_FIELD("name", "Name", STRING, source_row, name, 0),
	OUTPUT_FIELD("samples", "Samples", COUNT, source_row, samples, 0),
	OUTPUT_FIELD("runs", "Runs", COUNT, source_row, runs, 0),
	OUTPUT_FIELD("span_s", "Span", COUNT, source_row, span_s, 0),
	OUTPUT_FIELD("residual_frequency_ppm", "Frequency", PPM, source_row, residual_frequency_ppm,
		OUTPUT_SIGNED),
	OUTPUT_FIELD("skew_ppm", "Skew", PPM, source_row, skew_ppm, 0),
	OUTPUT_FIELD("estimated_offset_s", "Offset", SECONDS, source_row, estimated_offset_s,
		OUTPUT_SIGNED),
	OUTPUT_FIELD("estimated_offset_error_s", "Error", SECONDS, source_row,
		estimated_offset_error_s, OUTPUT_NOT_CSV),
	OUTPUT_FIELD("stddev_s", "Deviation", SECONDS, source_row, stddev_s, 0),
};

static const struct output_report statistics_report =
	OUTPUT_REPORT("sourcestats", NULL, statistics_fields, source_row);

static const struct {
	const char *mark, *name;
} states[] = {
	[REPORT_SOURCE_SELECTED] = {"*", "selected"},
	[REPORT_SOURCE_NONSELECTABLE] = {"?", "unusable"},
	[REPORT_SOURCE_FALSETICKER] = {"x", "falseticker"},
	[REPORT_SOURCE_JITTERY] = {"~", "jittery"},
	[REPORT_SOURCE_UNSELECTED] = {"-", "unselected"},
	[REPORT_SOURCE_COMBINED] = {"+", "combined"},
};

/* What the fields of a source that has no sample are filled with says nothing. */
static double known(const struct report_source *source, double value)
{
	return source->sample_age_s == UINT32_MAX ? (double)NAN : value;
}

static void source_row_write(struct source_row *row, const struct report_source *source)
{
	row->mode = source->address.family == 0 && source->refid != 0 ? "#" : "^";
	row->mark = states[source->state].mark;
	row->state = states[source->state].name;
	ctl_address_format(&source->address, source->refid, row->address_text);
	row->address = row->address_text[0] != '\0' ? row->address_text : NULL;
	row->name = row->name_text[0] != '\0' ? row->name_text : row->address;
	row->stratum = source->stratum;
	row->poll_log2 = source->poll_log2;
	row->reachability = source->reachability;
	row->sample_age_s = source->sample_age_s == UINT32_MAX ? UINT64_MAX : source->sample_age_s;
	row->chronyc_age_s = source->sample_age_s;
	row->offset_s = known(source, source->offset_s);
	row->original_offset_s = known(source, source->original_offset_s);
	row->error_s = known(source, source->error_s);
	row->samples = source->samples;
	row->runs = source->runs;
	row->span_s = source->span_s;
	row->residual_frequency_ppm = source->residual_frequency_ppm;
	row->skew_ppm = source->skew_ppm;
	row->stddev_s = source->stddev_s;
	row->estimated_offset_s = source->estimated_offset_s;
	row->estimated_offset_error_s = source->estimated_offset_error_s;
}

static int source_row_fill(struct client *client, uint32_t index, void *argument)
{
	struct source_row *row = argument;
	struct report_source source;
	int r = client_source(client, index, &source, row->name_text);

	if (r == 0)
		source_row_write(row, &source);
	return r;
}

/* More sources than any config may have: a reply we do not believe. */
#define SOURCES_MAX 1024

int ctl_source_table(struct ctl *ctl, const struct output_report *report,
	int (*fill)(struct client *client, uint32_t index, void *row))
{
	uint8_t *rows;
	uint32_t count = 0;
	int r = client_source_count(&ctl->client, &count);

	if (r == 0 && count > SOURCES_MAX)
		r = -EPROTO;
	if (r != 0)
		return ctl_result(ctl, r);
	rows = calloc(count + 1, report->row_size);
	if (rows == NULL)
		return ctl_result(ctl, -ENOMEM);
	for (uint32_t i = 0; i < count && r == 0; i++)
		r = fill(&ctl->client, i, rows + i * report->row_size);
	if (r == 0)
		output_table(report, rows, count);
	free(rows);
	return ctl_result(ctl, r);
}

int ctl_sources(struct ctl *ctl)
{
	return ctl_source_table(ctl, &source_report, source_row_fill);
}

int ctl_sourcestats(struct ctl *ctl)
{
	return ctl_source_table(ctl, &statistics_report, source_row_fill);
}
