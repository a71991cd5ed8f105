/* SPDX-License-Identifier: BSD-3-Clause */
#include "discipline.h"
#include <math.h>
#include <meridian/ntp.h>
#include <string.h>
#include <units.h>

#define KERNEL_PPM 65536.0 /* of a frequency in struct timex */

/* The kernel's limits. */
#define FREQUENCY_MAX_PPM 500.0
#define ERROR_MAX_US      16e6

#define LOOP_SECONDS 4.0 /* in which the loop, at time constant 0, takes one time constant */

/* Small offsets that stay are a rate that is off. */
#define TRIM_OFFSET_MAX_S 10e-6
#define TRIM_SECONDS      200.0
#define TRIM_MAX          10e-6

/* So long around its instant the kernel may have applied a leap second, or not yet. */
#define LEAP_BEFORE_S 1.0
#define LEAP_AFTER_S  2.0

/* So long a leap second is ignored, one that is smeared elsewhere, too. */
#define LEAP_IGNORED_S 60.0

#define LEAP_AGREES_S 0.5

void discipline_init(struct discipline *discipline, const struct discipline_config *config)
{
	memset(discipline, 0, sizeof(*discipline));
	discipline->config = *config;
}

/* Returns whether there was an update by sources since the last call. */
static bool note_update(struct discipline *discipline, const struct meridian_timemodel_data *model)
{
	if (discipline->updates > 0 && discipline->update_s == model->reference_s &&
		discipline->update_frac32 == model->reference_frac32)
		return false;
	discipline->update_s = model->reference_s;
	discipline->update_frac32 = model->reference_frac32;
	discipline->updates++;
	return true;
}

/* Seconds since the pending leap second; -INFINITY when there is none. */
static double leap_past_s(const struct discipline_view *view)
{
	const struct meridian_timemodel_data *model = view->model;
	struct meridian_utc instant = {
		.s = model->leap_s - (model->leap == MERIDIAN_NTP_LI_DELETE), .frac64 = 0};

	if (model->leap_s == 0 || model->leap == MERIDIAN_NTP_LI_NONE)
		return -INFINITY;
	return timescale_utc_diff(meridian_timemodel_utc(model, view->counter), instant);
}

int discipline_leap_offset_s(
	const struct discipline *discipline, const struct discipline_view *view)
{
	if (discipline->config.leap == DISCIPLINE_LEAP_IGNORE && leap_past_s(view) < LEAP_IGNORED_S)
		return 0;
	return meridian_timemodel_leap_offset_s(
		view->model, meridian_timemodel_utc(view->model, view->counter));
}

/* UTC minus the clock; UTC as the way of getting over leap seconds has it. */
static double offset_s(const struct discipline *discipline, const struct discipline_view *view)
{
	struct meridian_utc utc = meridian_timemodel_utc(view->model, view->counter);

	utc.s += discipline_leap_offset_s(discipline, view);
	return timescale_utc_diff(utc, view->realtime);
}

/* The kernel is leaping, or has just done so, or is about to. */
static bool kernel_leaps(const struct discipline *discipline, double past_s)
{
	return discipline->config.leap == DISCIPLINE_LEAP_SYSTEM && past_s > -LEAP_BEFORE_S &&
		past_s < LEAP_AFTER_S;
}

/* The leap second that the kernel is told of; until its clock, which may be behind, has it. */
static uint8_t leap_told(const struct discipline *discipline, const struct discipline_view *view)
{
	const struct meridian_timemodel_data *model = view->model;

	if (kernel_leaps(discipline, leap_past_s(view)))
		return model->leap;
	return meridian_timemodel_leap_indicator(
		model, meridian_timemodel_utc(model, view->counter));
}

static int status_of(const struct discipline *discipline, const struct discipline_view *view)
{
	int status = STA_PLL | STA_FREQHOLD;
	uint8_t leap = leap_told(discipline, view);

	if (!view->synchronised || !discipline->config.rtcsync)
		status |= STA_UNSYNC;
	if (!view->synchronised || discipline->config.leap != DISCIPLINE_LEAP_SYSTEM)
		return status;
	if (leap == MERIDIAN_NTP_LI_INSERT)
		status |= STA_INS;
	else if (leap == MERIDIAN_NTP_LI_DELETE)
		status |= STA_DEL;
	return status;
}

static long error_us(double seconds)
{
	return (long)fmin(ceil(seconds * US_PER_SECOND), ERROR_MAX_US);
}

/* What every order says: how good the clock is, and at which rate it should go. */
static void order_common(const struct discipline *discipline, const struct discipline_view *view,
	struct discipline_order *order)
{
	double ppm = (view->raw_rate - 1 + discipline->trim) * 1e6;
	struct timex *timex = &order->timex;

	timex->modes =
		ADJ_STATUS | ADJ_NANO | ADJ_TIMECONST | ADJ_FREQUENCY | ADJ_MAXERROR | ADJ_ESTERROR;
	timex->status = status_of(discipline, view);
	timex->freq = lround(fmax(fmin(ppm, FREQUENCY_MAX_PPM), -FREQUENCY_MAX_PPM) * KERNEL_PPM);
	timex->maxerror = error_us(
		meridian_timemodel_bound_s(view->model, view->counter) + fabs(order->offset_s));
	timex->esterror = error_us(fabs(order->offset_s));
}

/* `seconds` as a timeval with nanoseconds that are not negative. */
static void order_step(const struct discipline_view *view, struct discipline_order *order)
{
	double whole = floor(order->offset_s);

	order->action = DISCIPLINE_STEP;
	order->timex.modes |= ADJ_SETOFFSET | ADJ_OFFSET;
	order->timex.time.tv_sec = (time_t)whole;
	order->timex.time.tv_usec =
		(suseconds_t)fmin((order->offset_s - whole) * NS_PER_SECOND, NS_PER_SECOND - 1);
	order->timex.maxerror = error_us(meridian_timemodel_bound_s(view->model, view->counter));
	order->timex.esterror = 0;
}

static void order_slew(struct discipline *discipline, struct discipline_order *order)
{
	double max_s = discipline->config.max_slew_ppm * 1e-6 * LOOP_SECONDS;
	double slew_s = fmax(fmin(order->offset_s, max_s), -max_s);

	order->timex.modes |= ADJ_OFFSET;
	order->timex.offset = lround(slew_s * NS_PER_SECOND);
	if (fabs(order->offset_s) > TRIM_OFFSET_MAX_S)
		return;
	discipline->trim += order->offset_s / (LOOP_SECONDS * TRIM_SECONDS);
	discipline->trim = fmax(fmin(discipline->trim, TRIM_MAX), -TRIM_MAX);
}

/* The leap second goes before all rules about steps: it was announced, and is none of them. */
static bool steps_for_leap(const struct discipline *discipline, double past_s, double off_s)
{
	return discipline->config.leap == DISCIPLINE_LEAP_STEP && past_s >= 0 &&
		fabs(fabs(off_s) - 1) < LEAP_AGREES_S;
}

/* Without a threshold there is always something to step: once an update is enough. */
static bool may_step(const struct discipline *discipline, double off_s, bool updated)
{
	const struct discipline_config *config = &discipline->config;

	return fabs(off_s) > config->step_s && (config->step_s > 0 || updated) &&
		(config->step_updates < 0 || discipline->updates <= (uint64_t)config->step_updates);
}

/* More than the operator believes; the order is then about the status only. */
static bool is_refused(struct discipline *discipline, struct discipline_order *order, bool updated)
{
	const struct discipline_config *config = &discipline->config;

	if (config->change_max_s == 0 || fabs(order->offset_s) <= config->change_max_s ||
		discipline->updates <= config->change_start)
		return false;
	order->timex = (struct timex){
		.modes = ADJ_STATUS | ADJ_NANO, .status = STA_PLL | STA_FREQHOLD | STA_UNSYNC};
	order->action = DISCIPLINE_ADJUST;
	if (!updated)
		return true;
	order->action = DISCIPLINE_IGNORE;
	discipline->ignored++;
	if (config->change_ignore >= 0 && discipline->ignored > (uint32_t)config->change_ignore) {
		order->action = DISCIPLINE_GIVE_UP;
		discipline->gave_up = true;
	}
	return true;
}

void discipline_decide(struct discipline *discipline, const struct discipline_view *view,
	struct discipline_order *ret_order)
{
	double past_s = leap_past_s(view);
	bool step = discipline->step_ordered, updated;

	discipline->step_ordered = false; /* now or never: a step much later would be a surprise */
	*ret_order = (struct discipline_order){.action = DISCIPLINE_NOTHING};
	if (discipline->gave_up)
		return;
	ret_order->action = DISCIPLINE_ADJUST;
	if (!view->synchronised) {
		ret_order->timex.modes = ADJ_STATUS | ADJ_NANO;
		ret_order->timex.status = status_of(discipline, view);
		return;
	}
	updated = note_update(discipline, view->model);
	ret_order->offset_s = offset_s(discipline, view);
	order_common(discipline, view, ret_order);
	if (kernel_leaps(discipline, past_s))
		return;
	if (steps_for_leap(discipline, past_s, ret_order->offset_s))
		order_step(view, ret_order);
	else if (is_refused(discipline, ret_order, updated))
		return;
	else if (step || may_step(discipline, ret_order->offset_s, updated))
		order_step(view, ret_order);
	else
		order_slew(discipline, ret_order);
}

void discipline_end(struct timex *ret_timex)
{
	*ret_timex = (struct timex){.modes = ADJ_OFFSET | ADJ_NANO};
}
