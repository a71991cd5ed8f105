/* SPDX-License-Identifier: BSD-3-Clause */
#include "refclock.h"
#include "config_refclock.h"
#include "core/model.h"
#include "core/pulse.h"
#include "core/refid.h"
#include "event.h"
#include "leap_file.h"
#include <log.h>
#include <math.h>
#include <meridian/ntp.h>
#include <stdio.h>
#include <string.h>
#include <units.h>

#define FUTURE_S      1e-3 /* a stamp may be so much ahead, by its own error */
#define AGE_MAX_S     INT64_C(1000000)
#define FIRST_JITTERS 6 /* known, and the first sample does not wait for the end of a poll */
#define UTC_MAX_S     (INT64_C(1) << 40) /* what is beyond is no time but garbage */

static const struct refclock_driver *const drivers[] = {
	[CONFIG_REFCLOCK_SHM] = &refclock_shm,
	[CONFIG_REFCLOCK_SOCK] = &refclock_sock,
	[CONFIG_REFCLOCK_PHC] = &refclock_phc,
	[CONFIG_REFCLOCK_PPS] = &refclock_pps,
};

bool refclock_stamp(
	struct refclock *refclock, const struct timespec *stamp, struct refclock_reading *reading)
{
	struct counter_realtime now = counter_read_realtime(refclock->source.context->counter);
	int64_t age_s;

	if (stamp_clock_note(&refclock->realtime, &now) < 0)
		return false;
	if (__builtin_sub_overflow(now.time.tv_sec, stamp->tv_sec, &age_s) || age_s < -1 ||
		age_s > AGE_MAX_S)
		return false;
	reading->counter = stamp_clock_convert(&refclock->realtime, &now, stamp, &reading->error_s);
	return true;
}

/* Not of the future, and not from before the last poll. */
static bool is_recent(const struct refclock *refclock, uint64_t counter)
{
	const struct source_context *context = refclock->source.context;
	double age_s =
		timescale_seconds(context->timescale, counter, counter_read(context->counter));

	return age_s >= -FUTURE_S && age_s <= ldexp(2, refclock->config->poll_log2);
}

/* The last reading of the clock that this one is locked to. */
static bool guess_by_lock(const struct refclock *refclock, const struct refclock_reading *reading,
	struct pulse_guess *ret_guess)
{
	const struct timescale *timescale = refclock->source.context->timescale;
	const struct config_refclock *config = refclock->config;
	const struct median *median = &refclock->lock->median;
	const struct median_reading *last = median_last(median);

	if (last == NULL ||
		fabs(timescale_seconds(timescale, last->counter, reading->counter)) >=
			(double)config->max_lock_age / config->rate_hz)
		return false;
	ret_guess->utc =
		timescale_utc_add(timescale_utc(timescale, reading->counter), last->offset_s);
	ret_guess->distance_s = last->error_s + median_noise_s(median) + reading->error_s;
	return true;
}

static bool guess_by_clock(const struct refclock *refclock, const struct refclock_reading *reading,
	struct pulse_guess *ret_guess)
{
	const struct model *model = refclock->source.context->model;
	uint64_t now = counter_read(refclock->source.context->counter);

	if (!meridian_timemodel_valid(&model->data, now))
		return false;
	ret_guess->utc = meridian_timemodel_utc(&model->data, reading->counter);
	ret_guess->distance_s = model_distance_s(model, now);
	return true;
}

/* A pulse that only keeps the time of this host is no better than that: it stays at the stratum
 * that `local` gave it. */
static void note_stratum_of_clock(struct refclock *refclock)
{
	const struct meridian_timemodel_data *data = &refclock->source.context->model->data;
	struct source *source = &refclock->source;
	bool kept = data->refid == MERIDIAN_NTP_REFID_LOCAL || data->refid == source->refid;

	source->stratum = kept ? (uint8_t)(data->stratum - 1) : refclock->config->stratum;
	source->leap = data->leap;
}

/* The offset that a pulse shows, in the time that goes on without a jump across a leap second;
 * false when its second is not known. */
static bool pulse_complete(const struct refclock *refclock, const struct refclock_reading *reading,
	double *ret_offset_s)
{
	const struct config_refclock *config = refclock->config;
	struct pulse_signal signal = {.rate_hz = config->rate_hz, .width_s = config->width_s};
	double phase_s = ldexp((double)reading->utc.frac64, -64) + config->source.offset_s;
	struct pulse_guess guess = {.distance_s = INFINITY};
	double moved_s;

	if (!(refclock->lock ? guess_by_lock : guess_by_clock)(refclock, reading, &guess))
		return false;
	moved_s = pulse_snap(&signal, phase_s, &guess);
	*ret_offset_s = timescale_utc_diff(
		guess.utc, timescale_utc(refclock->source.context->timescale, reading->counter));
	return (refclock->lock ? pulse_is_near : pulse_is_sure)(&signal, &guess, moved_s);
}

static void pulse_note_source(struct refclock *refclock)
{
	if (refclock->lock == NULL) {
		note_stratum_of_clock(refclock);
		return;
	}
	refclock->source.stratum = refclock->config->stratum;
	refclock->source.leap = refclock->lock->source.leap;
}

/* From TAI to UTC. */
static bool tai_to_utc(struct refclock *refclock, struct meridian_utc *time)
{
	const struct leap_list *list = leap_file_list(time->s);
	int32_t tai_offset_s = list ? leap_list_of_tai(list, time->s) : 0;

	if (tai_offset_s == 0 && !refclock->tai_unknown)
		log_warning("%s: not used, no list of leap seconds tells TAI - UTC now",
			refclock->source.label);
	refclock->tai_unknown = tai_offset_s == 0;
	time->s -= tai_offset_s;
	return !refclock->tai_unknown;
}

static bool is_sane(const struct refclock_reading *reading)
{
	return reading->error_s >= 0 && reading->utc.s >= 0 && reading->utc.s <= UTC_MAX_S;
}

/* The offset that a reading with all of the time shows. */
static bool time_complete(
	struct refclock *refclock, const struct refclock_reading *reading, double *ret_offset_s)
{
	struct source *source = &refclock->source;
	struct sample sample = {.counter = reading->counter};
	struct meridian_utc utc = reading->utc;

	if (refclock->config->tai && !tai_to_utc(refclock, &utc))
		return false;
	sample.offset_s = timescale_utc_diff(
		utc, timescale_utc(source->context->timescale, reading->counter));
	if (!source_admit(source, reading->counter, reading->counter, &sample))
		return false;
	*ret_offset_s = sample.offset_s;
	return true;
}

void refclock_take(struct refclock *refclock, const struct refclock_reading *reading)
{
	const struct config_refclock *config = refclock->config;
	const struct source_context *context = refclock->source.context;
	bool pulse = reading->pulse || config->pps;
	double precision_s =
		config->precision_s > 0 ? config->precision_s : context->counter->precision_s;
	struct median_reading taken = {
		.counter = reading->counter, .error_s = reading->error_s + precision_s};

	if (!is_recent(refclock, reading->counter) || !is_sane(reading))
		return;
	if (!(pulse ? pulse_complete(refclock, reading, &taken.offset_s)
		    : time_complete(refclock, reading, &taken.offset_s)))
		return;
	if (!median_add(&refclock->median, context->timescale, &taken))
		return;
	source_hear(&refclock->source);
	if (pulse) {
		pulse_note_source(refclock);
	} else {
		refclock->source.stratum = config->stratum;
		refclock->source.leap = reading->leap;
	}
}

/* Says what fails once, and that it works again. */
static void try_start(struct refclock *refclock)
{
	int r = refclock->driver->start(refclock);

	refclock->started = r == 0;
	if (r < 0 && r != refclock->failure)
		log_errno(r, "%s: cannot be opened, trying again", refclock->source.label);
	else if (r == 0 && refclock->failure < 0)
		log_notice("%s: open now", refclock->source.label);
	refclock->failure = r;
}

static void driver_poll(struct refclock *refclock)
{
	int r;

	if (!refclock->started)
		return;
	r = refclock->driver->poll(refclock);
	if (r >= 0)
		return;
	log_errno(r, "%s: lost, trying to open it again", refclock->source.label);
	refclock->driver->stop(refclock);
	refclock->started = false;
	refclock->failure = r;
}

static void sample_take(struct refclock *refclock)
{
	const struct config_refclock *config = refclock->config;
	const struct source_context *context = refclock->source.context;
	struct sample sample;

	if (!median_take(&refclock->median, context->timescale, &sample))
		return;
	if (config->max_dispersion_s > 0 &&
		median_noise_s(&refclock->median) > config->max_dispersion_s)
		return;
	sample.delay_s = config->delay_s;
	source_add(&refclock->source, &sample, counter_read(context->counter));
	source_tell(&refclock->source);
}

static bool first_is_ready(const struct refclock *refclock)
{
	return refclock->source.estimator.sample_count == 0 &&
		refclock->median.jitter_count >= FIRST_JITTERS;
}

static void on_poll(void *arg)
{
	struct refclock *refclock = arg;
	const struct config_refclock *config = refclock->config;
	uint64_t interval_ns = (uint64_t)(ldexp(1, config->dpoll_log2) * NS_PER_SECOND);

	refclock->poll_timer = event_add_timer(interval_ns, on_poll, refclock);
	if (refclock->poll_timer < 0)
		log_errno(
			refclock->poll_timer, "%s: no timer, polling ends", refclock->source.label);
	driver_poll(refclock);
	if (++refclock->driver_polls < 1u << (config->poll_log2 - config->dpoll_log2) &&
		!first_is_ready(refclock))
		return;
	refclock->driver_polls = 0;
	sample_take(refclock);
	source_begin_poll(&refclock->source);
	if (!refclock->started)
		try_start(refclock);
}

static void stop(struct source *source)
{
	struct refclock *refclock = (struct refclock *)source;

	event_remove_timer(refclock->poll_timer);
	if (refclock->started)
		refclock->driver->stop(refclock);
	refclock->started = false;
}

static enum source_activity activity(const struct source *source)
{
	(void)source;
	return SOURCE_NOT_COUNTED;
}

static void shift(struct source *source, double seconds)
{
	struct refclock *refclock = (struct refclock *)source;

	median_shift(&refclock->median, seconds);
}

static const struct source_kind kind = {.stop = stop, .activity = activity, .shift = shift};

void refclock_start(struct refclock *refclock, const struct source_context *context,
	const struct config_refclock *config, const struct refclock *lock)
{
	struct source *source = &refclock->source;

	memset(refclock, 0, sizeof(*refclock));
	source_init(source, &kind, context, &config->source);
	refclock->config = config;
	refclock->driver = config->extpps ? &refclock_phc_pulse : drivers[config->driver];
	refclock->lock = lock;
	source->refid = config->refid;
	source->poll_log2 = config->poll_log2;
	source->follower = config->pps && lock == NULL;
	source->leapless = lock == NULL && (config->pps || config->driver == CONFIG_REFCLOCK_PHC);
	refid_text(config->refid, refclock->name);
	source->name = refclock->name;
	snprintf(source->label, sizeof(source->label), "%s %s (%s)",
		config_refclock_driver_name(config->driver), config->parameter, refclock->name);
	stamp_clock_init(&refclock->realtime, context->counter);
	median_init(&refclock->median, config->filter);
	try_start(refclock);
	on_poll(refclock);
}
