/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"
#include "core/bound.h"
#include "track.h"
#include <errno.h>
#include <math.h>
#include <meridian/ntp.h>
#include <string.h>
#include <units.h>

#define PPM 1e6

static struct report_address report_address_of(const struct config_address *address)
{
	struct report_address result = {.family = address->family};

	memcpy(result.octets, address->octets, sizeof(result.octets));
	return result;
}

static enum report_source_state report_state(const struct source *source)
{
	static const enum report_source_state states[] = {
		[SELECT_UNUSABLE] = REPORT_SOURCE_NONSELECTABLE,
		[SELECT_NOSELECT] = REPORT_SOURCE_NONSELECTABLE,
		[SELECT_UNSYNCHRONISED] = REPORT_SOURCE_NONSELECTABLE,
		[SELECT_DISTANT] = REPORT_SOURCE_NONSELECTABLE,
		[SELECT_JITTERY] = REPORT_SOURCE_JITTERY,
		[SELECT_FALSETICKER] = REPORT_SOURCE_FALSETICKER,
		[SELECT_UNTRUSTED] = REPORT_SOURCE_NONSELECTABLE,
		[SELECT_WAITING] = REPORT_SOURCE_NONSELECTABLE,
		[SELECT_UNSELECTED] = REPORT_SOURCE_UNSELECTED,
		[SELECT_COMBINED] = REPORT_SOURCE_COMBINED,
		[SELECT_BEST] = REPORT_SOURCE_SELECTED,
	};

	return source->reach ? states[source->state] : REPORT_SOURCE_NONSELECTABLE;
}

/* What the published clock shows minus UTC as `offset_s` (against the timescale) has it. */
static double published_minus(const struct source *source, const struct model *model,
	uint64_t counter_now, double offset_s)
{
	const struct timescale *timescale = source->estimator.timescale;

	return timescale_utc_diff(meridian_timemodel_utc(&model->data, counter_now),
		       timescale_utc(timescale, counter_now)) -
		offset_s;
}

/* Runs of residuals of one sign, as the runs test counts them. */
static uint32_t count_runs(const struct estimator *estimator, const struct estimate *estimate,
	uint64_t now, double *ret_span_s, double *ret_stddev_s, uint32_t *ret_samples)
{
	double sum2 = 0, span_s = 0;
	uint32_t runs = 0, count = 0;
	bool last_positive = false;

	for (const struct sample *s; (s = estimator_sample(estimator, count)); count++) {
		double age_s = timescale_seconds(estimator->timescale, s->counter, now);
		double residual_s =
			s->offset_s - (estimate->offset_s - age_s * estimate->frequency);
		bool positive = residual_s > 0;

		runs += count == 0 || positive != last_positive;
		last_positive = positive;
		sum2 += residual_s * residual_s;
		span_s = timescale_seconds(
			estimator->timescale, s->counter, estimator_sample(estimator, 0)->counter);
	}
	*ret_span_s = span_s;
	*ret_stddev_s = count ? sqrt(sum2 / count) : 0;
	*ret_samples = count;
	return runs;
}

static void report_statistics(
	const struct source *source, const struct model *model, struct report_source *report)
{
	const struct estimator *estimator = &source->estimator;
	const struct sample *last = estimator_sample(estimator, 0);
	uint64_t now = counter_read(source->context->counter);
	struct estimate estimate;
	double span_s;

	report->sample_age_s = (uint32_t)fmax(
		0, timescale_seconds(estimator->timescale, source->last_sample, now));
	report->original_offset_s = source->original_offset_s;
	report->offset_s = published_minus(source, model, last->counter, last->offset_s);
	report->error_s = sample_distance(last);
	estimator_predict(estimator, now, &estimate);
	report->runs =
		count_runs(estimator, &estimate, now, &span_s, &report->stddev_s, &report->samples);
	report->span_s = (uint32_t)span_s;
	report->residual_frequency_ppm = (model_rate(model) - 1 - estimate.frequency) * PPM;
	report->skew_ppm = estimate.frequency_sd * PPM;
	report->estimated_offset_s = published_minus(source, model, now, estimate.offset_s);
	report->estimated_offset_error_s = estimate.offset_sd_s;
}

unsigned int report_source_count(void)
{
	return (unsigned int)track_source_count();
}

int report_source(unsigned int index, struct report_source *ret_source)
{
	const struct source *source;

	if (index >= track_source_count())
		return -ENOENT;
	source = track_source(index);
	*ret_source = (struct report_source){.address = report_address_of(&source->address),
		.name = source->name,
		.refid = source->refid,
		.poll_log2 = source->poll_log2,
		.stratum = source->stratum,
		.state = report_state(source),
		.reachability = source->reach,
		.sample_age_s = UINT32_MAX};
	if (source->estimator.sample_count > 0)
		report_statistics(source, track_status().model, ret_source);
	return 0;
}

/* What selection could not see yet: sources that others are waited for, or that fell silent. */
static char select_letter(const struct source *source)
{
	static const char letters[] = {
		[SELECT_UNUSABLE] = 'M',
		[SELECT_NOSELECT] = 'N',
		[SELECT_UNSYNCHRONISED] = 's',
		[SELECT_DISTANT] = 'd',
		[SELECT_JITTERY] = '~',
		[SELECT_FALSETICKER] = 'x',
		[SELECT_UNTRUSTED] = 'T',
		[SELECT_WAITING] = 'W',
		[SELECT_UNSELECTED] = 'D',
		[SELECT_COMBINED] = '+',
		[SELECT_BEST] = '*',
	};
	const struct source *best = track_status().best;
	bool sampled = source->estimator.sample_count > 0;

	if (source->config->select.noselect)
		return 'N';
	if (source->reach == 0)
		return sampled ? 'S' : letters[SELECT_UNUSABLE];
	if (source->state == SELECT_UNUSABLE && sampled)
		return 'w';
	if (source->state == SELECT_UNSELECTED && best && best->config->select.prefer &&
		!source->config->select.prefer)
		return 'P';
	return letters[source->state];
}

static uint16_t select_options(const struct config_select *select)
{
	return (uint16_t)((select->noselect ? REPORT_OPTION_NOSELECT : 0) |
		(select->prefer ? REPORT_OPTION_PREFER : 0) |
		(select->trust ? REPORT_OPTION_TRUST : 0) |
		(select->require ? REPORT_OPTION_REQUIRE : 0));
}

static bool has_key(const struct source *source)
{
	struct report_ntp ntp = {.key_id = 0};

	if (source->kind->report)
		source->kind->report(source, &ntp);
	return ntp.key_id != 0;
}

/* Where UTC is by a source, and how surely. */
static double surely_within_s(
	const struct source *source, uint64_t now, struct estimate *ret_estimate)
{
	struct clock_line line = {.counter = now};
	struct bound bound;

	estimator_predict(&source->estimator, now, ret_estimate);
	line.offset_s = ret_estimate->offset_s;
	line.frequency = ret_estimate->frequency;
	bound = bound_of_line(&source->estimator, &line);
	return root_distance_s(&bound.distance);
}

static void report_interval(const struct source *source, struct report_select *report)
{
	const struct track_status status = track_status();
	uint64_t now = counter_read(source->context->counter);
	struct estimate estimate;
	double within_s = surely_within_s(source, now, &estimate);
	double ahead_s = published_minus(source, status.model, now, estimate.offset_s);

	report->low_s = ahead_s - within_s;
	report->high_s = ahead_s + within_s;
	report->sample_age_s = (uint32_t)fmax(
		0, timescale_seconds(source->context->timescale, source->last_sample, now));
	if (status.best && status.best != source && status.best->estimator.sample_count > 0)
		report->score = surely_within_s(status.best, now, &estimate) / within_s;
}

int report_select(unsigned int index, struct report_select *ret_select)
{
	const struct source *source;

	if (index >= track_source_count())
		return -ENOENT;
	source = track_source(index);
	*ret_select = (struct report_select){.address = report_address_of(&source->address),
		.refid = source->refid,
		.state = select_letter(source),
		.leap = source->leap,
		.written = select_options(&source->config->written),
		.options = select_options(&source->config->select),
		.authenticated = has_key(source),
		.sample_age_s = UINT32_MAX,
		.score = 1};
	if (source->estimator.sample_count > 0)
		report_interval(source, ret_select);
	return 0;
}

int report_ntp(unsigned int index, struct report_ntp *ret_ntp)
{
	const struct source *source;

	if (index >= track_source_count())
		return -ENOENT;
	source = track_source(index);
	if (source->kind->report == NULL || source->address.family == 0)
		return -ENOENT;
	source->kind->report(source, ret_ntp);
	ret_ntp->offset_s = -source->original_offset_s;
	return 0;
}

void report_tracking(struct report_tracking *ret_tracking)
{
	struct track_status status = track_status();
	const struct meridian_timemodel_data *data = &status.model->data;
	uint64_t now = meridian_counter_read(data->counter_id);

	*ret_tracking = (struct report_tracking){.leap = MERIDIAN_NTP_LI_UNKNOWN};
	if (!meridian_timemodel_valid(data, now))
		return;
	*ret_tracking = (struct report_tracking){.refid = data->refid,
		.stratum = data->stratum,
		.leap = meridian_timemodel_leap_indicator(data, meridian_timemodel_utc(data, now)),
		.reference = {.s = data->reference_s,
			.frac64 = (uint64_t)data->reference_frac32 << 32},
		.current_correction_s = -model_residue(status.model, now),
		.last_offset_s = status.last_offset_s,
		.rms_offset_s = status.rms_offset_s,
		.frequency_ppm = -(model_rate(status.model) - 1) * PPM,
		.residual_frequency_ppm = -status.residual_frequency * PPM,
		.skew_ppm = status.combined.frequency_sd * PPM,
		.root_delay_s = (double)data->root_delay_ns / NS_PER_SECOND,
		.root_dispersion_s =
			(double)meridian_timemodel_dispersion_ns(data, now) / NS_PER_SECOND,
		.last_update_interval_s = status.update_interval_s};
	if (status.best && !status.local)
		ret_tracking->address = report_address_of(&status.best->address);
}

void report_activity(struct report_activity *ret_activity)
{
	*ret_activity = (struct report_activity){.online = 0};
	for (size_t i = 0; i < track_source_count(); i++) {
		const struct source *source = track_source(i);

		switch (source->kind->activity(source)) {
		case SOURCE_ONLINE:
			ret_activity->online++;
			break;
		case SOURCE_BURST:
			ret_activity->burst_online++;
			break;
		case SOURCE_OFFLINE:
			ret_activity->offline++;
			break;
		case SOURCE_UNRESOLVED:
			ret_activity->unresolved++;
			break;
		case SOURCE_NOT_COUNTED:
			break;
		}
	}
}
