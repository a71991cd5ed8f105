/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include <errno.h>
#include <math.h>
#include <meridian/counter.h>
#include <meridian/meridian.h>
#include <meridian/ntp.h>
#include <stdio.h>
#include <string.h>

struct clock_row {
	const char *state, *reference, *counter, *leap;
	uint64_t stratum, counter_hz, disruptions;
	uint64_t tai_offset_s;
	struct meridian_utc now, leap_at, leap_known_until;
	double bound_s, last_offset_s, rms_offset_s, correction_s;
	double model_age_s, holdover_left_s;
	bool leap_expired, scripted;
};

static const struct output_field clock_fields[] = {
	OUTPUT_FIELD("state", "State", STRING, clock_row, state, 0),
	OUTPUT_FIELD("reference", "Reference", STRING, clock_row, reference, 0),
	OUTPUT_FIELD("stratum", "Stratum", COUNT, clock_row, stratum, 0),
	OUTPUT_FIELD("now", "Time", UTC, clock_row, now, 0),
	OUTPUT_FIELD("bound_s", "Error bound now", SECONDS, clock_row, bound_s, 0),
	OUTPUT_FIELD(
		"last_offset_s", "Last offset", SECONDS, clock_row, last_offset_s, OUTPUT_SIGNED),
	OUTPUT_FIELD("rms_offset_s", "RMS offset", SECONDS, clock_row, rms_offset_s, 0),
	OUTPUT_FIELD("current_correction_s", "Correction under way", SECONDS, clock_row,
		correction_s, OUTPUT_SIGNED),
	OUTPUT_FIELD("model_age_s", "Model age", SECONDS, clock_row, model_age_s, 0),
	OUTPUT_FIELD("holdover_left_s", "Holdover left", SECONDS, clock_row, holdover_left_s, 0),
	OUTPUT_FIELD("leap", "Leap second", STRING, clock_row, leap, 0),
	OUTPUT_FIELD("leap_at", "First second after it", UTC, clock_row, leap_at, 0),
	OUTPUT_FIELD("leap_known_until", "Leap seconds known until", UTC, clock_row,
		leap_known_until, 0),
	OUTPUT_FIELD("tai_offset_s", "TAI - UTC (s)", COUNT, clock_row, tai_offset_s, 0),
	OUTPUT_FIELD("counter", "Counter", STRING, clock_row, counter, 0),
	OUTPUT_FIELD("counter_hz", "Counter rate (Hz)", COUNT, clock_row, counter_hz, 0),
	OUTPUT_FIELD("disruptions", "Steps of the clock", COUNT, clock_row, disruptions, 0),
};

static const struct output_report clock_report =
	OUTPUT_REPORT("clock", "Clock", clock_fields, clock_row);

static const char *counter_name(uint8_t id)
{
	static const char *const names[] = {
		[MERIDIAN_COUNTER_NONE] = "unknown",
		[MERIDIAN_COUNTER_TSC] = "tsc",
		[MERIDIAN_COUNTER_MONOTONIC_RAW] = "monotonic-raw",
		[MERIDIAN_COUNTER_CNTVCT] = "cntvct",
	};

	return names[id];
}

static const char *leap_name(uint8_t leap)
{
	static const char *const names[] = {"none", "insert", "delete", "unknown"};

	return names[leap & 3];
}

/* Ticks from `from` to `to` in seconds, negative when `to` is earlier. */
static double ticks_s(const struct meridian_timemodel_data *model, uint64_t from, uint64_t to)
{
	int64_t ticks = (int64_t)(to - from);

	return (double)ticks / (double)model->counter_hz;
}

static void clock_model(struct clock_row *row, const struct meridian_timemodel_data *model)
{
	uint64_t now = meridian_counter_read(model->counter_id);
	int valid = meridian_timemodel_valid(model, now);

	row->state = valid ? "synchronised" : "unsynchronised";
	row->scripted = model->flags & MERIDIAN_TIMEMODEL_SCRIPTED;
	if (row->scripted)
		row->state = valid ? "scripted: not UTC" : "scripted: unsynchronised";
	if (!valid && model->status == MERIDIAN_TIMEMODEL_SYNCHRONISED)
		row->state = "unsynchronised: the model has run out";
	row->leap = leap_name(model->leap);
	row->leap_at.s = model->leap_s;
	row->leap_known_until.s = model->leap_known_until_s;
	if (model->tai_offset_s > 0)
		row->tai_offset_s = (uint64_t)model->tai_offset_s;
	row->counter = counter_name(model->counter_id);
	row->counter_hz = model->counter_hz;
	row->disruptions = model->disruption_count;
	row->model_age_s = ticks_s(model, model->published_counter, now);
	if (!valid)
		return;
	row->stratum = model->stratum;
	row->now = meridian_timemodel_utc(model, now);
	row->now.s += meridian_timemodel_leap_offset_s(model, row->now);
	row->leap_expired =
		model->leap_known_until_s != 0 && row->now.s >= model->leap_known_until_s;
	row->bound_s = meridian_timemodel_bound_s(model, now);
	row->holdover_left_s = ticks_s(model, now, model->valid_until_counter);
}

static void clock_tracking(struct ctl *ctl, struct clock_row *row, char name[static CTL_NAME_SIZE])
{
	struct report_tracking tracking;
	int r = ctl->connected;

	if (r == 0)
		r = client_tracking(&ctl->client, &tracking);
	if (r != 0) {
		ctl->connected = r;
		return;
	}
	row->last_offset_s = tracking.last_offset_s;
	row->rms_offset_s = tracking.rms_offset_s;
	row->correction_s = tracking.current_correction_s;
	if (tracking.stratum == 0)
		return;
	ctl_reference_name(ctl, &tracking, name);
	row->reference = name;
}

/* Returns what reading the page returned. */
static int clock_read(struct clock_row *row, const char *rundir)
{
	struct meridian_timemodel_data model;
	struct meridian_page page;
	int r = meridian_page_open(&page, rundir, &meridian_timemodel_kind);

	if (r < 0)
		return r;
	r = meridian_timemodel_read(page.addr, &model);
	meridian_page_close(&page);
	if (r == 0 && !meridian_timemodel_sane(&model))
		r = -EBADMSG;
	if (r == 0)
		clock_model(row, &model);
	return r;
}

static void clock_problems(const struct ctl *ctl, const struct clock_row *row, int r)
{
	if (ctl->connected == -ETIMEDOUT)
		output_problem("meridian-control has %s and does not answer: it hangs, or its "
			       "`user` may not enter the directory.",
			ctl->socket);
	else if (ctl->connected != 0)
		output_problem("meridian-control does not answer at %s: start it with "
			       "`rundir %s`, or name the run directory with --rundir.",
			ctl->socket, ctl->rundir);
	if (r == -ENOENT && ctl->connected == 0)
		output_problem("There is no page " MERIDIAN_TIMEMODEL_NAME " in %s, though "
			       "meridian-control runs: start it anew, it makes one.",
			ctl->rundir);
	else if (r == -ENODATA)
		output_problem("There is no time model yet: check `meridianctl sources` for a "
			       "server that answers.");
	else if (r < 0 && r != -ENOENT)
		output_problem("Cannot read the time model in %s: %s", ctl->rundir,
			meridian_page_strerror(r));
	else if (r == 0 && isnan(row->bound_s))
		output_problem("The clock is not synchronised, clients are told so: check "
			       "`meridianctl sources`, or configure `local`.");
	if (row->scripted)
		output_problem("A script makes the time that is served, to test clients: it is not "
			       "UTC. Remove `refclock SCRIPT` to serve time.");
	if (row->leap_expired)
		output_problem("The list of leap seconds has expired: install a new one (Debian: "
			       "package tzdata), see `leapseclist`.");
}

int ctl_status(struct ctl *ctl)
{
	char name[CTL_NAME_SIZE];
	struct clock_row row = {
		.state = "no time model",
		.stratum = UINT64_MAX,
		.counter_hz = UINT64_MAX,
		.disruptions = UINT64_MAX,
		.tai_offset_s = UINT64_MAX,
		.bound_s = NAN,
		.last_offset_s = NAN,
		.rms_offset_s = NAN,
		.correction_s = NAN,
		.model_age_s = NAN,
		.holdover_left_s = NAN,
	};
	int r = clock_read(&row, ctl->rundir);

	clock_tracking(ctl, &row, name);
	output_record(&clock_report, &row);
	clock_problems(ctl, &row, r);
	ctl_servers(ctl->rundir);
	return ctl_result(ctl, ctl->connected);
}
