/* SPDX-License-Identifier: BSD-3-Clause */
#include "track.h"
#include "core/held.h"
#include "core/holdover.h"
#include "event.h"
#include "follow.h"
#include "kernel_clock.h"
#include "leap_second.h"
#include "publish.h"
#include "script_clock.h"
#include "source/pool.h"
#include <log.h>
#include <math.h>
#include <meridian/ntp.h>
#include <string.h>
#include <units.h>

#define TICK_S             1
#define REPUBLISH_MAX_S    16.0 /* how often the model is renewed when nothing happens */
#define DRIFT_WRITE_S      3600
#define REBASE_S           1.0
#define RMS_WEIGHT         0.1
#define ADOPTED_SIGMA      4.0 /* what is sure of a frequency, in what is likely */
#define LOCAL_DISPERSION_S 1e-6

static struct config config; /* a copy: what is here changes only by a restart */
static const struct counter *counter;
static struct timescale timescale;
static struct model model;
static struct pool pool;
static struct track_status status;
static struct source_context source_context;
static struct follow realtime;
static struct holdover_limits limits;
static struct held held;

static uint64_t update_counter; /* of the last update by sources */
static uint64_t drift_counter;  /* when the drift file was written */
static unsigned int lone_count; /* updates in a row that one source alone wanted, against held */
static int64_t suspended_ns;    /* ever, by the kernel */
static int tick_timer;

static double seconds_since(uint64_t then, uint64_t now)
{
	return timescale_seconds(&timescale, then, now);
}

static void publish(uint64_t now, struct model_facts *facts)
{
	facts->valid_s =
		holdover_valid_s(&limits, model_facts_distance_s(facts), facts->dispersion_rate);
	model.data.suspended_ns = suspended_ns;
	model_state(&model, now, facts);
	publish_model(&model.data, pool_reference_ids(&pool));
}

static void steer(const struct model_target *target)
{
	double step_s = model_steer(&model, target);

	if (step_s != 0 && model.data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED)
		log_warning("the clock was stepped by %.6f s", step_s);
}

/* Leads the model to CLOCK_REALTIME; returns how far it may be off that, *ret_now is when. */
static double steer_to_realtime(bool may_slew, uint64_t *ret_now)
{
	double error_s;
	struct model_target target = follow_target(&realtime, TICK_S, &error_s);

	target.may_slew = may_slew;
	steer(&target);
	*ret_now = target.counter;
	return error_s;
}

static void publish_unsynchronised(uint64_t now)
{
	struct model_facts facts = {
		.root_delay_s = 1,
		.root_dispersion_s = 1,
		.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED,
		.stratum = MERIDIAN_NTP_STRATUM_UNSYNC,
	};

	if (model.data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED)
		log_warning("the clock is not synchronised any more");
	/* A clock that was synchronised once is a better guess than CLOCK_REALTIME. */
	if (!status.updated)
		steer_to_realtime(true, &now);
	publish(now, &facts);
}

/* `local`: a live model keeps its line, else this host's clock is the reference. */
static void publish_local(uint64_t now)
{
	const struct meridian_timemodel_data *data = &model.data;
	struct model_facts facts = {
		.root_dispersion_s = LOCAL_DISPERSION_S,
		.dispersion_rate = timescale.wander,
		.reference = {.s = data->reference_s,
			.frac64 = (uint64_t)data->reference_frac32 << 32},
		.refid = MERIDIAN_NTP_REFID_LOCAL,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = config.local_stratum,
	};

	if (!status.local)
		log_notice("serving the local clock as stratum %u", config.local_stratum);
	status.local = true;
	if (!status.updated) {
		facts.root_dispersion_s +=
			steer_to_realtime(data->status == MERIDIAN_TIMEMODEL_SYNCHRONISED, &now);
		facts.reference = meridian_timemodel_utc(data, now);
	}
	publish(now, &facts);
}

/* The sources are silent or disagree: the same line, its error grown, more if all heard say so. */
static void publish_held(uint64_t now)
{
	const struct meridian_timemodel_data *data = &model.data;
	struct clock_line line = model_line(&model, &timescale, now);
	struct root_distance distance = held_distance(&held, &timescale, now);
	double held_s = root_distance_s(&distance);
	struct bound bound[POOL_SOURCES_MAX];
	size_t count = pool_bounds(&pool, &line, bound);
	struct model_facts facts = {
		.root_delay_s = distance.delay_s,
		.dispersion_rate = held.drift,
		.reference = {.s = data->reference_s,
			.frac64 = (uint64_t)data->reference_frac32 << 32},
		.refid = data->refid,
		.status = data->status,
		.stratum = data->stratum,
	};

	facts.root_dispersion_s =
		distance.dispersion_s + bound_held_s(held_s, bound, count) - held_s;
	publish(now, &facts);
}

static void publish_tracked(uint64_t now, const struct source *best)
{
	struct clock_line line = model_line(&model, &timescale, now);
	struct bound bound = pool_bound(&pool, best, &line);
	struct model_facts facts = {
		.root_delay_s = bound.distance.delay_s,
		.root_dispersion_s = bound.distance.dispersion_s,
		.dispersion_rate = bound.drift,
		.reference = leap_utc(&model, update_counter),
		.refid = best->refid,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = (uint8_t)(best->stratum + 1),
	};

	held = (struct held){.counter = now, .distance = bound.distance, .drift = bound.drift};
	if (holdover_admits(&limits, model.data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED,
		    model_facts_distance_s(&facts), bound.drift, best->poll_log2))
		publish(now, &facts);
	else
		publish_unsynchronised(now);
}

static void status_update(uint64_t now, double ahead_s)
{
	status.last_offset_s = ahead_s;
	status.rms_offset_s = status.rms_offset_s == 0
		? fabs(ahead_s)
		: sqrt(status.rms_offset_s * status.rms_offset_s * (1 - RMS_WEIGHT) +
			  ahead_s * ahead_s * RMS_WEIGHT);
	if (status.updated)
		status.update_interval_s = seconds_since(update_counter, now);
	status.residual_frequency =
		status.updated ? status.combined.frequency - (model_rate(&model) - 1) : 0;
}

static void leap_watch(uint64_t now)
{
	struct leap_votes votes = pool_leap_votes(&pool);

	if (leap_second_tick(&votes, now, status.updated))
		publish_model(&model.data, pool_reference_ids(&pool));
}

/* Leads the published clock to what the sources say now. */
static void update_clock(uint64_t now, const struct source *best)
{
	bool synchronised = status.updated && model.data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED;
	struct model_target target = {.counter = now,
		.utc = timescale_utc_add(timescale_utc(&timescale, now), status.combined.offset_s),
		.rate = 1 + status.combined.frequency,
		.slew_s = fmin(ldexp(1, best->poll_log2), seconds_since(update_counter, now))};
	double ahead_s = timescale_utc_diff(meridian_timemodel_utc(&model.data, now), target.utc);

	/* What nobody was told may step, but not for what is gone in one interval. */
	target.may_slew =
		synchronised || (status.updated && fabs(ahead_s) <= MODEL_SLEW_MAX * target.slew_s);
	status_update(now, synchronised ? ahead_s : 0);
	synchronised = synchronised && !status.local;
	status.local = false;
	status.best = best;
	steer(&target);
	update_counter = now;
	status.updated = true;
	publish_tracked(now, best);
	if (!synchronised && model.data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED) {
		log_notice("synchronised to %s", best->label);
		leap_watch(now); /* the first replies tell of it, too */
	}
}

/* CLOCK_REALTIME was far off at the start: moves the timescale to where offsets are small again,
 * because a double holds billions of seconds only to a fraction of a microsecond. */
static void timescale_rebase(void)
{
	double shift_s = round(status.combined.offset_s);

	timescale.utc = timescale_utc_add(timescale.utc, shift_s);
	pool_shift(&pool, shift_s);
	follow_init(&realtime, counter, &timescale);
	status.combined.offset_s -= shift_s;
}

static const struct source *select_sources(uint64_t now)
{
	struct estimate combined;
	const struct source *best = pool_select(&pool, status.best, now, &combined);

	if (best == NULL)
		return NULL;
	status.combined = combined;
	if (fabs(combined.offset_s) > REBASE_S)
		timescale_rebase();
	return best;
}

/* What the sources say may be against what the clock was known to be. */
static bool outvotes_held(const struct source *best, const struct source *sampled, uint64_t now)
{
	struct clock_line line = model_line(&model, &timescale, now);
	struct bound bound = bound_of_line(&best->estimator, &line);
	struct root_distance distance = held_distance(&held, &timescale, now);
	double held_s = root_distance_s(&distance);

	if (!status.updated || status.local || held_s > limits.max_error_s)
		return true;
	lone_count = bound.gap_s <= held_s ? 0 : lone_count + (best == sampled);
	return bound_outvotes(&bound, held_s, pool_agreeing(&pool), lone_count);
}

/* What an operator wants to see of a sample: how far the clock was off when it came. */
static void note_sample(struct source *source)
{
	const struct sample *sample = estimator_sample(&source->estimator, 0);

	if (source->estimator.restarted)
		log_notice("%s: its time moved by %.6f s", source->label,
			source->estimator.restart_step_s);
	source->estimator.restarted = false;
	if (sample)
		source->original_offset_s =
			timescale_utc_diff(meridian_timemodel_utc(&model.data, sample->counter),
				timescale_utc(&timescale, sample->counter)) -
			sample->offset_s;
}

/* The source that is followed still agrees with the others and answers. */
static bool best_is_selected(void)
{
	return status.best && status.best->state >= SELECT_COMBINED && status.best->reach != 0;
}

static bool model_is_live(uint64_t now)
{
	bool led = best_is_selected() && !holdover_is_silent(status.best->reach);

	return status.updated && (led || seconds_since(update_counter, now) < limits.length_s) &&
		model.data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED &&
		(status.local || model_distance_s(&model, now) <= limits.max_error_s);
}

/* Something is new of `source`; NULL: the wait for the others is over. */
static void on_source(struct source *source)
{
	uint64_t now = counter_read(counter);
	const struct source *best;

	if (source)
		note_sample(source);
	best = pool_settle(&pool, now) ? select_sources(now) : NULL;
	if (script_clock_runs())
		return;
	if (best && outvotes_held(best, source, now)) {
		/* Others wait for a sample of their own. */
		if (!source || source->state >= SELECT_COMBINED || best != status.best)
			update_clock(now, best);
	} else if (model_is_live(now) && !status.local) {
		publish_held(now);
	}
}

static bool local_takes_over(uint64_t now)
{
	if (config.local_stratum == 0 || status.local)
		return config.local_stratum != 0;
	return pool_is_settled(&pool, now) &&
		(!model_is_live(now) || model_distance_s(&model, now) > config.local_distance_s);
}

static void drift_write(uint64_t now)
{
	drift_counter = now;
	if (config.driftfile[0] && status.best)
		driftfile_write(config.driftfile, counter, status.combined.frequency,
			status.combined.frequency_sd);
}

static void renew(uint64_t now)
{
	bool selected = best_is_selected();
	bool due = seconds_since(model.data.published_counter, now) >=
		fmin(REPUBLISH_MAX_S, config.holdover_s / 4.0);

	if (!selected && local_takes_over(now))
		publish_local(now);
	else if (!model_is_live(now))
		publish_unsynchronised(now);
	else if (due && selected)
		publish_tracked(now, status.best);
	else if (due)
		publish_held(now);
}

/* True when the machine slept since the last call: the counter may have, too. */
static bool was_suspended(void)
{
	int64_t before_ns = suspended_ns;

	suspended_ns = counter_suspended_ns();
	return suspended_ns - before_ns > MODEL_SUSPEND_MIN_NS;
}

/* Nothing that related the counter to UTC holds any more, but its frequency. */
static void start_again(uint64_t now)
{
	log_warning("the machine was suspended, starting again");
	if (status.best)
		drift_adopt(&source_context.start, model_rate(&model) - 1,
			status.combined.frequency_sd);
	status.updated = status.local = false;
	status.best = NULL;
	source_context.goes_on = false;
	pool_stop(&pool);
	pool_start(&pool, &source_context);
	kernel_clock_start_again();
	publish_unsynchronised(now);
}

static void on_tick(void *arg)
{
	uint64_t now = counter_read(counter);

	(void)arg;
	tick_timer = event_add_timer(TICK_S * NS_PER_SECOND, on_tick, NULL);
	if (script_clock_runs())
		return;
	if (was_suspended())
		start_again(now);
	if (!pool.settled && pool_settle(&pool, now))
		on_source(NULL);
	renew(now);
	leap_watch(now);
	kernel_clock_tick(&model.data, model_rate(&model), status.updated);
	if (seconds_since(drift_counter, now) >= DRIFT_WRITE_S)
		drift_write(now);
}

static void timescale_start(void)
{
	struct counter_realtime now = counter_read_realtime(counter);

	timescale = (struct timescale){.counter = now.counter,
		.hz = counter->hz,
		.utc = counter_utc(&now.time),
		.wander = config.max_clock_error_ppm * 1e-6};
	update_counter = drift_counter = now.counter;
	follow_init(&realtime, counter, &timescale);
}

/* The clock of the run before this one goes on without a jump. */
static void adopt(const struct meridian_timemodel_data *data, struct drift_start *start)
{
	if (data->counter_id == MERIDIAN_COUNTER_NONE)
		return;
	if (model_adopt(&model, data) < 0) {
		log_notice("the time model of the last run is about another counter");
		return;
	}
	if (!model_is_current(data, timescale.counter, suspended_ns))
		return;
	status.updated = model_was_led(data, config.local_stratum != 0);
	status.local = data->refid == MERIDIAN_NTP_REFID_LOCAL;
	held = held_of_model(&model.data);
	source_context.goes_on = true;
	timescale.utc = meridian_timemodel_utc(data, timescale.counter);
	drift_adopt(start, model_rate(&model) - 1, held.drift / ADOPTED_SIGMA);
	log_info("going on with the time model of the last run");
}

int track_init(const struct config *new_config, const struct counter *new_counter)
{
	struct meridian_timemodel_data adopted;
	struct drift_start *start = &source_context.start;
	int r;

	config = *new_config;
	config.rule = NULL;
	status = (struct track_status){.model = &model};
	limits = (struct holdover_limits){config.max_error_s, config.holdover_s};
	counter = new_counter;
	source_context = (struct source_context){.config = &config,
		.counter = counter,
		.timescale = &timescale,
		.model = &model,
		.handler = on_source,
		.admit = leap_second_admit};
	r = publish_init(&config, &adopted);
	if (r < 0)
		return r;
	timescale_start();
	driftfile_read(config.driftfile, counter, start);
	model_init(&model, &timescale, counter->id, counter->precision_log2);
	was_suspended();
	adopt(&adopted, start);
	leap_second_init(&model, &timescale, &config);
	r = script_clock_start(&config, counter, &model);
	if (r < 0) {
		publish_fini();
		return r;
	}
	pool_start(&pool, &source_context);
	on_tick(NULL);
	return 0;
}

void track_reload(const struct config *new_config)
{
	config.keys = new_config->keys;
	leap_second_reload(new_config);
}

void track_fini(void)
{
	event_remove_timer(tick_timer);
	pool_stop(&pool);
	drift_write(counter_read(counter));
	publish_fini();
}

struct track_status track_status(void)
{
	return status;
}

void track_select(void)
{
	on_source(NULL);
}

size_t track_source_count(void)
{
	return pool.count;
}

struct source *track_source(size_t index)
{
	return pool.source[index];
}
