/* SPDX-License-Identifier: BSD-3-Clause */
#include "track.h"
#include "core/refid.h"
#include "driftfile.h"
#include "event.h"
#include "follow.h"
#include "publish.h"
#include <log.h>
#include <math.h>
#include <meridian/ntp.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

#define TICK_NS            NS_PER_S
#define REPUBLISH_MAX_S    16.0 /* how often the model is renewed when nothing happens */
#define START_WAIT_S       10   /* for the first answer of every source */
#define HOLDOVER_MAX_S     86400.0
#define DRIFT_WRITE_S      3600
#define DRIFT_SIGMA        3.0
#define LIKELY_SIGMA       4.0
#define LIKELY_DELAY       0.25 /* of a path's delay: asymmetry that is seen now and then */
#define ASYMMETRY_SD       0.01 /* of a path's delay: asymmetry that is always there */
#define REBASE_S           1.0
#define RMS_WEIGHT         0.1
#define LOCAL_DISPERSION_S 1e-6

static struct config config; /* a copy: what is here changes only by a restart */
static const struct counter *counter;
static struct timescale timescale;
static struct model model;
static struct source sources[CONFIG_SOURCES_MAX];
static size_t source_count;
static struct track_status status;

static struct follow realtime;

static uint64_t start_counter;
static uint64_t update_counter; /* of the last update by sources */
static uint64_t drift_counter;  /* when the drift file was written */
static bool updated;            /* the sources have set the clock, in this run or the one before */
static int tick_timer;

static double seconds_since(uint64_t then, uint64_t now)
{
	return timescale_seconds(&timescale, then, now);
}

/* The line that readers will be on when a slew has ended. */
static struct clock_line published_line(uint64_t now)
{
	struct meridian_utc utc = meridian_timemodel_utc(&model.data, now);

	return (struct clock_line){.counter = now,
		.offset_s = timescale_utc_diff(utc, timescale_utc(&timescale, now)) -
			model_residue(&model, now),
		.frequency = model_rate(&model) - 1};
}

static double drift_of(const struct estimate *estimate)
{
	return config.max_clock_error_ppm * 1e-6 + DRIFT_SIGMA * estimate->frequency_sd;
}

static double model_distance_s(uint64_t now)
{
	return ((double)model.data.root_delay_ns / 2 +
		       (double)meridian_timemodel_dispersion_ns(&model.data, now)) *
		1e-9;
}

/* How long readers may trust a model that starts with `distance_s` and is renewed until then. */
static double valid_seconds(double distance_s, double drift)
{
	double until_distant_s = (config.max_distance_s - distance_s) / fmax(drift, 1e-12);

	return fmin(until_distant_s, config.holdover_s);
}

static void publish(uint64_t now, struct model_facts *facts)
{
	double distance_s = facts->root_delay_s / 2 + facts->root_dispersion_s;

	facts->valid_s = valid_seconds(distance_s, facts->dispersion_rate);
	model_state(&model, now, facts);
	publish_model(&model.data);
}

static void steer(const struct model_target *target)
{
	double step_s = model_steer(&model, target);

	if (step_s != 0 && model.data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED)
		log_warning("the clock was stepped by %.6f s", step_s);
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
	if (!updated) {
		struct model_target target = follow_target(&realtime, (double)TICK_NS / NS_PER_S);

		now = target.counter;
		steer(&target);
	}
	publish(now, &facts);
}

/* `local`: a live model keeps its line, else this host's clock is the reference. */
static void publish_local(uint64_t now)
{
	struct model_facts facts = {
		.root_dispersion_s = LOCAL_DISPERSION_S,
		.refid = MERIDIAN_NTP_REFID_LOCAL,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = config.local_stratum,
	};

	if (!status.local)
		log_notice("serving the local clock as stratum %u", config.local_stratum);
	status.local = true;
	if (!updated) {
		struct model_target target = follow_target(&realtime, (double)TICK_NS / NS_PER_S);

		if (model.data.status != MERIDIAN_TIMEMODEL_SYNCHRONISED)
			target.may_slew = false;
		now = target.counter;
		steer(&target);
	}
	facts.reference = meridian_timemodel_utc(&model.data, now);
	publish(now, &facts);
}

/* The sources are silent, or do not agree: the same line, with what its error has grown to. */
static void publish_held(uint64_t now)
{
	const struct meridian_timemodel_data *data = &model.data;
	struct model_facts facts = {
		.root_delay_s = (double)data->root_delay_ns * 1e-9,
		.root_dispersion_s = (double)meridian_timemodel_dispersion_ns(data, now) * 1e-9 -
			fabs(model_residue(&model, now)),
		.dispersion_rate = data->dispersion_rate_ppb * 1e-9,
		.reference = {.s = data->reference_s,
			.frac64 = (uint64_t)data->reference_frac32 << 32},
		.refid = data->refid,
		.status = data->status,
		.stratum = data->stratum,
	};

	publish(now, &facts);
}

static void publish_tracked(uint64_t now, const struct source *best)
{
	struct clock_line line = published_line(now);
	double drift = drift_of(&status.combined);
	struct root_distance distance = estimator_distance(&best->estimator, &line, drift);
	struct model_facts facts = {
		.root_delay_s = distance.delay_s,
		.root_dispersion_s = distance.dispersion_s,
		.dispersion_rate = drift,
		.reference = meridian_timemodel_utc(&model.data, update_counter),
		.refid = refid_of_address(best->address.octets, best->address.family),
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = (uint8_t)(best->response.stratum + 1),
	};

	publish(now, &facts);
}

static void status_update(uint64_t now, double published_minus_combined_s)
{
	double square = published_minus_combined_s * published_minus_combined_s;

	status.last_offset_s = published_minus_combined_s;
	status.rms_offset_s = status.rms_offset_s == 0
		? fabs(published_minus_combined_s)
		: sqrt(status.rms_offset_s * status.rms_offset_s * (1 - RMS_WEIGHT) +
			  square * RMS_WEIGHT);
	if (updated)
		status.update_interval_s = seconds_since(update_counter, now);
	status.residual_frequency =
		updated ? status.combined.frequency - (model_rate(&model) - 1) : 0;
}

/* Leads the published clock to what the sources say now. */
static void update_clock(uint64_t now, const struct source *best)
{
	bool synchronised = updated && model.data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED;
	struct model_target target = {.counter = now,
		.utc = timescale_utc_add(timescale_utc(&timescale, now), status.combined.offset_s),
		.rate = 1 + status.combined.frequency,
		.slew_s = fmin(ldexp(1, best->poll_log2), seconds_since(update_counter, now)),
		.may_slew = synchronised};
	double ahead_s = timescale_utc_diff(meridian_timemodel_utc(&model.data, now), target.utc);

	status_update(now, synchronised ? ahead_s : 0);
	if (!synchronised || status.local)
		log_notice("synchronised to %s", best->config.name);
	status.local = false;
	status.best = best;
	steer(&target);
	update_counter = now;
	updated = true;
	publish_tracked(now, best);
}

static void offer(struct select_source *offered, const struct source *source, uint64_t now)
{
	const struct estimator *estimator = &source->estimator;
	struct root_distance distance;
	struct clock_line line = {.counter = now};

	*offered = (struct select_source){
		.prefer = source->config.prefer, .current = source == status.best};
	if (source->reach == 0 || source->stopped || source->config.noselect ||
		estimator->sample_count == 0 ||
		source->response.stratum >= MERIDIAN_NTP_STRATUM_MAX)
		return;
	estimator_predict(estimator, now, &offered->estimate);
	line.offset_s = offered->estimate.offset_s;
	line.frequency = offered->estimate.frequency;
	distance = estimator_distance(estimator, &line, drift_of(&offered->estimate));
	offered->distance_s = root_distance_s(&distance);
	offered->likely_s = LIKELY_DELAY * estimator->delay_min_s +
		LIKELY_SIGMA * offered->estimate.offset_sd_s;
	offered->asymmetry_sd_s = ASYMMETRY_SD * estimator->delay_min_s;
	offered->usable = offered->distance_s <= config.max_distance_s;
}

/* CLOCK_REALTIME was far off at the start: moves the timescale to where offsets are small again,
 * because a double holds billions of seconds only to a fraction of a microsecond. */
static void timescale_rebase(void)
{
	double shift_s = round(status.combined.offset_s);

	timescale.utc = timescale_utc_add(timescale.utc, shift_s);
	for (size_t i = 0; i < source_count; i++)
		estimator_shift(&sources[i].estimator, shift_s);
	follow_init(&realtime, counter, &timescale);
	status.combined.offset_s -= shift_s;
}

static const struct source *select_sources(uint64_t now)
{
	struct select_source offered[CONFIG_SOURCES_MAX];
	struct estimate combined;
	int best;

	for (size_t i = 0; i < source_count; i++)
		offer(&offered[i], &sources[i], now);
	best = select_combine(offered, source_count, &combined);
	for (size_t i = 0; i < source_count; i++) {
		if (offered[i].state == SELECT_FALSETICKER &&
			sources[i].state != SELECT_FALSETICKER)
			log_notice("%s does not agree with the majority", sources[i].config.name);
		sources[i].state = offered[i].state;
	}
	if (best < 0)
		return NULL;
	status.combined = combined;
	if (fabs(combined.offset_s) > REBASE_S)
		timescale_rebase();
	return &sources[best];
}

/* The first selection waits for everybody: the quickest server must not decide alone. */
static bool sources_settled(uint64_t now)
{
	if (updated || seconds_since(start_counter, now) > START_WAIT_S)
		return true;
	for (size_t i = 0; i < source_count; i++) {
		if (!sources[i].config.noselect && !source_settled(&sources[i]))
			return false;
	}
	return true;
}

/* What an operator wants to see of a sample: how far the clock was off when it came. */
static void note_offset(struct source *source)
{
	const struct sample *sample = estimator_sample(&source->estimator, 0);

	if (sample)
		source->original_offset_s =
			timescale_utc_diff(meridian_timemodel_utc(&model.data, sample->counter),
				timescale_utc(&timescale, sample->counter)) -
			sample->offset_s;
}

static void on_source(struct source *source)
{
	uint64_t now = counter_read(counter);
	const struct source *best = sources_settled(now) ? select_sources(now) : NULL;

	note_offset(source);
	/* Others wait for a sample of their own. */
	if (best && source->state >= SELECT_COMBINED)
		update_clock(now, best);
}

static bool model_is_live(uint64_t now)
{
	return updated && seconds_since(update_counter, now) < HOLDOVER_MAX_S &&
		model.data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED &&
		(status.local || model_distance_s(now) < config.max_distance_s);
}

static bool local_takes_over(uint64_t now)
{
	if (config.local_stratum == 0 || !sources_settled(now))
		return false;
	return status.local || !model_is_live(now) ||
		model_distance_s(now) > config.local_distance_s;
}

/* The source that is followed still agrees with the others and answers. */
static bool best_is_selected(void)
{
	return status.best && status.best->state >= SELECT_COMBINED && status.best->reach != 0;
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

static void on_tick(void *arg)
{
	uint64_t now = counter_read(counter);

	(void)arg;
	tick_timer = event_add_timer(TICK_NS, on_tick, NULL);
	renew(now);
	if (seconds_since(drift_counter, now) >= DRIFT_WRITE_S)
		drift_write(now);
}

static void timescale_start(void)
{
	struct counter_realtime now = counter_read_realtime(counter);

	timescale = (struct timescale){
		.counter = now.counter, .hz = counter->hz, .utc = counter_utc(&now.time)};
	start_counter = update_counter = drift_counter = now.counter;
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
	if (!meridian_timemodel_valid(data, start_counter))
		return;
	updated = data->refid != MERIDIAN_NTP_REFID_LOCAL;
	status.local = !updated;
	timescale.utc = meridian_timemodel_utc(data, timescale.counter);
	start->frequency = model_rate(&model) - 1;
	start->frequency_sd = fmin(start->frequency_sd, 1e-6);
	log_info("going on with the time model of the last run");
}

int track_init(const struct config *new_config, const struct counter *new_counter)
{
	struct meridian_timemodel_data adopted;
	struct drift_start start;
	int r;

	config = *new_config;
	config.rule = NULL;
	counter = new_counter;
	r = publish_init(&config, &adopted);
	if (r < 0)
		return r;
	timescale_start();
	driftfile_read(config.driftfile, counter, &start);
	model_init(&model, &timescale, counter->id, counter->precision_log2);
	adopt(&adopted, &start);
	source_count = config.server_count;
	for (size_t i = 0; i < source_count; i++)
		source_start(&sources[i], &config, i, counter, &timescale, start.frequency,
			start.frequency_sd, on_source);
	on_tick(NULL);
	return 0;
}

void track_fini(void)
{
	event_remove_timer(tick_timer);
	for (size_t i = 0; i < source_count; i++)
		source_stop(&sources[i]);
	drift_write(counter_read(counter));
	publish_fini();
}

struct track_status track_status(void)
{
	status.model = &model;
	return status;
}

const struct source *track_sources(size_t *ret_count)
{
	*ret_count = source_count;
	return sources;
}
