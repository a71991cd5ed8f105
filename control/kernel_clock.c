/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_clock.h"
#include "core/discipline.h"
#include <errno.h>
#include <log.h>
#include <sys/timex.h>
#include <units.h>

static bool steering;
static const struct counter *counter;
static struct discipline discipline;
static uint64_t start_counter, start_raw_ns; /* one instant */
static int tai_offset_s;                     /* what the kernel was told */

/* Fails in the same way as any change would, and changes nothing. */
static int may_set(void)
{
	struct timex timex = {.modes = 0};

	if (adjtimex(&timex) < 0)
		return -errno;
	timex.modes = ADJ_FREQUENCY;
	return adjtimex(&timex) < 0 ? -errno : 0;
}

void kernel_clock_start_again(void)
{
	if (steering)
		counter_read_raw(counter, &start_counter, &start_raw_ns);
}

int kernel_clock_init(const struct config *config, const struct counter *new_counter)
{
	int r;

	steering = false;
	if (!config->steer_clock)
		return 0;
	r = may_set();
	if (r == -EPERM) {
		log_error(
			"steerclock: this process may not set the clock (it lacks CAP_SYS_TIME, as "
			"in most containers); without steerclock Meridian needs no clock");
		return r;
	}
	if (r < 0)
		return log_errno(r, "steerclock: adjtimex");
	counter = new_counter;
	discipline_init(&discipline, &config->kernel_clock);
	tai_offset_s = 0;
	steering = true;
	kernel_clock_start_again();
	log_notice("steering the clock of the kernel");
	return 0;
}

/* Nominal seconds of the counter per second of CLOCK_MONOTONIC_RAW, which the kernel's frequency is
 * about. */
static double counter_per_raw(void)
{
	uint64_t now, raw_ns;
	double seconds, raw_s;

	counter_read_raw(counter, &now, &raw_ns);
	seconds = (double)(now - start_counter) / (double)counter->hz;
	raw_s = (double)(raw_ns - start_raw_ns) / NS_PER_SECOND;
	return raw_s > 0 ? seconds / raw_s : 1;
}

/* TAI - UTC for the clock now. Applying a leap second, the kernel changes it by itself. */
static int tai_offset_now(const struct discipline_view *view)
{
	if (discipline.config.leap == DISCIPLINE_LEAP_SYSTEM)
		return view->model->tai_offset_s;
	return view->model->tai_offset_s - discipline_leap_offset_s(&discipline, view);
}

static void tell_tai(const struct discipline_view *view)
{
	int offset_s = tai_offset_now(view);
	struct timex timex = {.modes = ADJ_TAI, .constant = offset_s};

	if (view->model->tai_offset_s == 0 || offset_s == tai_offset_s)
		return;
	if (adjtimex(&timex) < 0)
		log_errno(-errno, "steerclock: TAI - UTC");
	tai_offset_s = offset_s;
}

static void log_order(const struct discipline_order *order)
{
	switch (order->action) {
	case DISCIPLINE_STEP:
		log_warning("steerclock: the clock was stepped by %.6f s", order->offset_s);
		break;
	case DISCIPLINE_IGNORE:
		log_warning(
			"steerclock: the clock is off by %.6f s, more than maxchange allows: left "
			"alone",
			order->offset_s);
		break;
	case DISCIPLINE_GIVE_UP:
		log_error("steerclock: the clock is off by %.6f s, more than maxchange allows, too "
			  "often: it is not steered any more, until the next start",
			order->offset_s);
		break;
	default:
		break;
	}
}

void kernel_clock_tick(const struct meridian_timemodel_data *model, double rate, bool led)
{
	struct discipline_order order;
	struct counter_realtime now;
	struct discipline_view view;

	if (!steering)
		return;
	now = counter_read_realtime(counter);
	view = (struct discipline_view){.model = model,
		.counter = now.counter,
		.realtime = counter_utc(&now.time),
		.raw_rate = rate * counter_per_raw(),
		.synchronised = led && meridian_timemodel_valid(model, now.counter)};
	discipline_decide(&discipline, &view, &order);
	if (order.action == DISCIPLINE_NOTHING)
		return;
	if (adjtimex(&order.timex) < 0) {
		log_errno(-errno, "steerclock: adjtimex, the clock is not steered any more");
		steering = false;
		return;
	}
	log_order(&order);
	if (view.synchronised)
		tell_tai(&view);
}

bool kernel_clock_step(void)
{
	if (!steering || discipline.gave_up)
		return false;
	discipline.step_ordered = true;
	return true;
}

void kernel_clock_fini(void)
{
	struct timex timex;

	if (!steering)
		return;
	steering = false;
	discipline_end(&timex);
	if (adjtimex(&timex) < 0)
		log_errno(-errno, "steerclock: adjtimex");
}
