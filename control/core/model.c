/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"
#include <errno.h>
#include <math.h>
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <string.h>
#include <units.h>

/* Fast enough for any sane deviation of an oscillator from its nominal rate. */
#define RATE_MIN 0.99
#define RATE_MAX 1.01

/* A period's fraction must have room for RATE_MAX and the slew on top of the nominal period. */
static uint8_t period_shift(uint64_t hz)
{
	double period_s = RATE_MAX * (1 + MODEL_SLEW_MAX) / (double)hz;
	uint8_t shift = 0;

	while (shift < 63 && ldexp(period_s, shift + 1) < 1.0)
		shift++;
	return shift;
}

void model_init(struct model *model, const struct timescale *timescale, uint8_t counter_id,
	int8_t precision_log2)
{
	memset(model, 0, sizeof(*model));
	model->timescale = *timescale;
	model->data.counter_id = counter_id;
	model->data.counter_hz = timescale->hz;
	model->data.period_shift = period_shift(timescale->hz);
	model->data.precision_log2 = precision_log2;
	model->data.stratum = MERIDIAN_NTP_STRATUM_UNSYNC;
}

int model_adopt(struct model *model, const struct meridian_timemodel_data *data)
{
	uint8_t counter_id = model->data.counter_id;
	int8_t precision_log2 = model->data.precision_log2;
	uint64_t hz = model->data.counter_hz;

	if (!meridian_timemodel_sane(data) || data->counter_id != counter_id)
		return -EINVAL;
	model->data = *data;
	/* The nominal rate may have been measured a little differently; the lines do not use it. */
	model->data.counter_hz = hz;
	model->data.flags = 0;
	model->data.precision_log2 = precision_log2;
	return 0;
}

bool model_is_current(
	const struct meridian_timemodel_data *data, uint64_t counter, int64_t suspended_ns)
{
	return (int64_t)(data->published_counter - counter) <= 0 &&
		meridian_timemodel_valid(data, counter) &&
		!(data->flags & MERIDIAN_TIMEMODEL_SCRIPTED) &&
		suspended_ns - data->suspended_ns <= MODEL_SUSPEND_MIN_NS;
}

bool model_was_led(const struct meridian_timemodel_data *data, bool may_be_local)
{
	struct meridian_utc reference = {
		.s = data->reference_s, .frac64 = (uint64_t)data->reference_frac32 << 32};
	double age_s = timescale_utc_diff(
		meridian_timemodel_utc(data, data->published_counter), reference);

	return data->refid != MERIDIAN_NTP_REFID_LOCAL || (may_be_local && age_s > 0.5);
}

static uint64_t period_frac64(const struct model *model, double rate)
{
	double period_s = rate / (double)model->data.counter_hz;

	return (uint64_t)ldexp(period_s, 64 + model->data.period_shift);
}

static double line_rate(const struct model *model, const struct meridian_line *line)
{
	return ldexp((double)line->period_frac64, -64 - model->data.period_shift) *
		(double)model->data.counter_hz;
}

double model_rate(const struct model *model)
{
	return line_rate(model, &model->data.line);
}

static struct meridian_line line_make(
	const struct model *model, uint64_t counter, struct meridian_utc utc, double rate)
{
	return (struct meridian_line){.counter = counter,
		.utc_s = utc.s,
		.utc_frac64 = utc.frac64,
		.period_frac64 = period_frac64(model, rate)};
}

static bool has_line(const struct model *model)
{
	return model->data.line.period_frac64 != 0;
}

/* The clock now shows `utc` and is to be `ahead_s` less than that, `seconds` from now. */
static void slew_to(struct model *model, const struct model_target *target, struct meridian_utc utc,
	double ahead_s, double rate)
{
	double fastest_s = fabs(ahead_s) / MODEL_SLEW_MAX;
	double seconds = fmax(fmin(target->slew_s, MODEL_SLEW_SECONDS_MAX), fastest_s);
	uint64_t ticks = (uint64_t)timescale_ticks(&model->timescale, fmax(seconds, 1e-3));
	double slew_rate = rate - ahead_s / ((double)ticks / (double)model->data.counter_hz);
	struct meridian_line slew = line_make(model, target->counter, utc, slew_rate);
	struct meridian_timemodel_data end = {.slew = slew,
		.line = {.counter = target->counter + ticks + 1},
		.period_shift = model->data.period_shift};

	model->data.slew = slew;
	model->data.line = line_make(model, target->counter + ticks,
		meridian_timemodel_utc(&end, target->counter + ticks), rate);
}

double model_steer(struct model *model, const struct model_target *target)
{
	double rate = fmin(fmax(target->rate, RATE_MIN), RATE_MAX);
	struct meridian_utc utc;
	double ahead_s = 0;

	if (has_line(model)) {
		utc = meridian_timemodel_utc(&model->data, target->counter);
		ahead_s = timescale_utc_diff(utc, target->utc);
		if (target->may_slew && fabs(ahead_s) <= MODEL_STEP_MIN_S) {
			slew_to(model, target, utc, ahead_s, rate);
			return 0;
		}
	}
	model->data.line = line_make(model, target->counter, target->utc, rate);
	model->data.slew = model->data.line;
	model->data.disruption_count++;
	return -ahead_s;
}

double model_residue(const struct model *model, uint64_t counter)
{
	struct meridian_timemodel_data final = model->data;
	struct meridian_utc published = meridian_timemodel_utc(&model->data, counter);

	final.slew = final.line;
	return timescale_utc_diff(published, meridian_timemodel_utc(&final, counter));
}

double model_distance_s(const struct model *model, uint64_t counter)
{
	return meridian_timemodel_bound_s(&model->data, counter);
}

struct clock_line model_line(
	const struct model *model, const struct timescale *timescale, uint64_t counter)
{
	struct meridian_utc utc = meridian_timemodel_utc(&model->data, counter);

	return (struct clock_line){.counter = counter,
		.offset_s = timescale_utc_diff(utc, timescale_utc(timescale, counter)) -
			model_residue(model, counter),
		.frequency = model_rate(model) - 1};
}

static uint64_t to_ns_up(double seconds)
{
	double ns = ceil(seconds * NS_PER_SECOND);

	if (!(ns > 0))
		return 0;
	return ns < 0x1p62 ? (uint64_t)ns : UINT64_C(1) << 62;
}

void model_state(struct model *model, uint64_t counter, const struct model_facts *facts)
{
	struct meridian_timemodel_data *data = &model->data;
	double residue_s = fabs(model_residue(model, counter));
	double rate_ppb = ceil(facts->dispersion_rate * 1e9);

	data->published_counter = counter;
	data->valid_until_counter =
		counter + (uint64_t)timescale_ticks(&model->timescale, fmax(facts->valid_s, 0));
	data->root_delay_ns = to_ns_up(facts->root_delay_s);
	data->root_dispersion_ns = to_ns_up(facts->root_dispersion_s + residue_s);
	data->dispersion_rate_ppb = rate_ppb < 0x1p31 ? (uint32_t)rate_ppb : UINT32_C(1) << 31;
	data->reference_s = facts->reference.s;
	data->reference_frac32 = (uint32_t)(facts->reference.frac64 >> 32);
	data->refid = facts->refid;
	data->status = facts->status;
	data->stratum = facts->stratum;
}
