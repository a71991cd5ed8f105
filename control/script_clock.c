/* SPDX-License-Identifier: BSD-3-Clause */
#include "script_clock.h"
#include "config_script.h"
#include "core/leap.h"
#include "event.h"
#include "follow.h"
#include "publish.h"
#include <errno.h>
#include <log.h>
#include <math.h>
#include <meridian/ntp.h>
#include <string.h>
#include <units.h>

#define TICK_S       1.0
#define TIMER_MIN_S  1e-4
#define FOLD_AFTER_S 2

static const struct config *config;
static const struct counter *counter;
static struct model *model;
static struct script script;
static struct script_state state;
static struct timescale timescale; /* of the follower alone: it never leaps */
static struct follow realtime;
static uint64_t start_counter;
static bool runs, stepped;

static double seconds_at(uint64_t now)
{
	return timescale_seconds(&timescale, start_counter, now);
}

static void announce_leap(const struct script_action *action, uint64_t now)
{
	struct meridian_utc then = timescale_utc_add(leap_utc(model, now), action->seconds + 0.5);
	const struct leap_outlook outlook = {.from_s = then.s,
		.kind = action->value > 0 ? MERIDIAN_NTP_LI_INSERT : MERIDIAN_NTP_LI_DELETE,
		.known_until_s = model->data.leap_known_until_s};

	if (leap_offset_s(model, now) == 0)
		leap_announce(model, &outlook);
	else
		log_warning("%s:%u: the leap second before is not over, left out", config->script,
			action->line);
}

static void act(uint64_t now)
{
	static const char *const names[] = {
		"step", "ramp", "leap", "stratum", "refid", "error", "lost", "back"};
	const struct script_action *action;

	while ((action = script_take(&script, &state, seconds_at(now)))) {
		log_warning("%s:%u: the clock lies: %s %.9g", config->script, action->line,
			names[action->kind],
			action->kind == SCRIPT_REFID ? (double)action->refid : action->value);
		stepped = stepped || action->kind == SCRIPT_STEP;
		if (action->kind == SCRIPT_LEAP)
			announce_leap(action, now);
	}
}

/* The second is part of the lie from now on. */
static void fold_leap(uint64_t now)
{
	struct timescale unused = timescale;

	if (!leap_is_over(model, now, FOLD_AFTER_S))
		return;
	state.offset_s += model->data.leap == MERIDIAN_NTP_LI_INSERT ? -1 : 1;
	leap_fold(model, &unused, now);
}

static void lead(void)
{
	double error_s;
	struct model_target target = follow_target(&realtime, TICK_S, &error_s);
	double now_s = seconds_at(target.counter);

	target.utc = timescale_utc_add(target.utc, script_offset(&state, now_s));
	target.rate += script_rate(&state, now_s);
	target.may_slew = !stepped;
	model_steer(model, &target);
	stepped = false;
}

static void publish(void)
{
	uint64_t now = counter_read(counter);
	struct model_facts facts = {.root_dispersion_s = state.error_s,
		.dispersion_rate = timescale.wander,
		.valid_s = config->holdover_s,
		.reference = leap_utc(model, now),
		.refid = state.refid,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = state.stratum};

	if (!state.synchronised)
		facts = (struct model_facts){.root_delay_s = 1,
			.root_dispersion_s = 1,
			.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED,
			.stratum = MERIDIAN_NTP_STRATUM_UNSYNC};
	model_state(model, now, &facts);
	model->data.flags |= MERIDIAN_TIMEMODEL_SCRIPTED;
	publish_model(&model->data, NULL);
}

static void on_timer(void *arg)
{
	uint64_t now = counter_read(counter);
	double wait_s;
	int r;

	(void)arg;
	fold_leap(now);
	act(now);
	lead();
	publish();
	now = counter_read(counter);
	wait_s = script_next_s(&script, &state, seconds_at(now)) - seconds_at(now);
	wait_s = fmax(fmin(wait_s, TICK_S), TIMER_MIN_S);
	r = event_add_timer((uint64_t)(wait_s * NS_PER_SECOND), on_timer, NULL);
	if (r < 0)
		log_errno(r, "%s: no timer, the script ends", config->script);
}

int script_clock_start(
	const struct config *new_config, const struct counter *new_counter, struct model *new_model)
{
	struct counter_realtime now;

	runs = false;
	if (new_config->script[0] == '\0')
		return 0;
	config = new_config;
	counter = new_counter;
	model = new_model;
	if (config_script_read(config->script, &script, stderr) < 0)
		return log_errno(-EINVAL, "refclock SCRIPT %s", config->script);
	now = counter_read_realtime(counter);
	timescale = (struct timescale){.counter = now.counter,
		.hz = counter->hz,
		.utc = counter_utc(&now.time),
		.wander = config->max_clock_error_ppm * 1e-6};
	follow_init(&realtime, counter, &timescale);
	script_begin(&state);
	start_counter = now.counter;
	runs = stepped = true;
	log_warning("the time served is a lie, as %s has it", config->script);
	on_timer(NULL);
	return 0;
}

bool script_clock_runs(void)
{
	return runs;
}
