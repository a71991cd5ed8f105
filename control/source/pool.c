/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"
#include "config_server.h"
#include "ntp_poll.h"
#include <log.h>
#include <math.h>
#include <meridian/ntp.h>
#include <string.h>
#include <sys/random.h>

#define START_WAIT_S  10 /* for the first answer of every source, */
#define FEW_WAIT_S    20 /* and as long as those that are heard may all be liars */
#define SILENCE_POLLS 2  /* poll intervals: one more than may be between two answers */
#define DOUBT_WAIT_S  10 /* for who is asked once more, before it loses its vote */
#define LIKELY_SIGMA  4.0
#define LIKELY_DELAY  0.25 /* of a path's delay: asymmetry that is seen now and then */
#define ASYMMETRY_SD  0.01 /* of a path's delay: asymmetry that is always there */

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void pool_add(struct pool *pool, struct source *source)
{
	pool->source[pool->count++] = source;
}

static void server_add(struct pool *pool, struct ntp_name *name)
{
	size_t index = pool->servers.count++;
	struct ntp_server *server = &pool->server[index];

	ntp_server_start(server, pool->context, name, index);
	pool->servers.server[index] = server;
	pool_add(pool, &server->source);
}

/* A `server` or `pool` line. */
static void name_add(struct pool *pool, size_t index)
{
	const struct config_server *config = &pool->context->config->server[index];

	ntp_name_init(&pool->name[index], config, &pool->servers);
	for (size_t i = 0; i < config_server_sources(config); i++)
		server_add(pool, &pool->name[index]);
}

static void refclocks_start(struct pool *pool, const struct source_context *context)
{
	const struct config *config = context->config;

	for (size_t i = 0; i < config->refclock_count; i++) {
		const struct config_refclock *clock = &config->refclock[i];
		const struct refclock *lock = NULL;

		for (size_t k = 0; k < config->refclock_count && clock->lock_refid != 0; k++) {
			if (config->refclock[k].refid == clock->lock_refid)
				lock = &pool->refclock[k];
		}
		refclock_start(&pool->refclock[i], context, clock, lock);
		pool_add(pool, &pool->refclock[i].source);
	}
}

/* Without entropy yet the time has to do. */
static void reference_id_make(struct pool *pool)
{
	uint64_t now = meridian_clock_ns(CLOCK_REALTIME);

	memcpy(pool->reference_id, &now, sizeof(now));
	(void)!getrandom(pool->reference_id, sizeof(pool->reference_id), GRND_NONBLOCK);
	pool->reference_ids = (struct reference_ids){.filter = {0}};
	reference_ids_add(&pool->reference_ids, pool->reference_id);
	pool->selected = false;
}

/* Of those that were selected. */
static void reference_ids_collect(struct pool *pool)
{
	struct reference_ids *ids = &pool->reference_ids;

	*ids = (struct reference_ids){.filter = {0}};
	pool->selected = true;
	reference_ids_add(ids, pool->reference_id);
	for (size_t i = 0; i < pool->count; i++) {
		const struct source *source = pool->source[i];

		if (source->state < SELECT_COMBINED)
			continue;
		if (source->address.family != 0)
			reference_ids_add_server(
				ids, source->address.octets, source->address.family);
		else
			reference_ids_add_clock(ids, source->refid);
	}
}

void pool_start(struct pool *pool, const struct source_context *context)
{
	const struct config *config = context->config;

	pool->context = context;
	pool->count = pool->servers.count = 0;
	pool->start_counter = counter_read(context->counter);
	pool->settled = pool->outage = pool->after_outage = false;
	reference_id_make(pool);
	for (size_t i = 0; i < config->server_count; i++)
		name_add(pool, i);
	for (size_t i = 0; i < config->server_count; i++)
		ntp_name_start(&pool->name[i]);
	refclocks_start(pool, context);
}

void pool_stop(struct pool *pool)
{
	for (size_t i = 0; i < pool->count; i++)
		pool->source[i]->kind->stop(pool->source[i]);
}

/* Others were heard since it fell silent. While they were not, it is the network that is silent,
 * not this source: who was asked a little later must not outvote it by that. */
static bool is_outlived(const struct pool *pool, const struct source *source)
{
	const struct timescale *timescale = source->context->timescale;
	double silence_s = SILENCE_POLLS * ldexp(1, source->poll_log2);

	for (size_t i = 0; i < pool->count; i++) {
		const struct source *other = pool->source[i];

		if (other != source && other->reach != 0 &&
			timescale_seconds(timescale, source->heard, other->heard) > silence_s)
			return true;
	}
	return false;
}

static bool has_said_something(const struct source *source)
{
	return !source->stopped && !source->config->select.noselect &&
		estimator_sample(&source->estimator, 0) != NULL &&
		source->stratum < MERIDIAN_NTP_STRATUM_MAX;
}

static bool is_reached(const struct source *source)
{
	return source->reach != 0 && has_said_something(source);
}

/* True when this source has something to say. */
static bool is_heard(const struct pool *pool, const struct source *source)
{
	return has_said_something(source) &&
		(source->reach != 0 || source->spared || !is_outlived(pool, source));
}

/* Who is outlived may have been asked last when the network was down. */
static void spare_outlived(struct pool *pool, uint64_t now)
{
	for (size_t i = 0; i < pool->servers.count; i++) {
		struct ntp_server *server = pool->servers.server[i];
		struct source *source = &server->source;

		if (source->reach != 0 || !is_outlived(pool, source)) {
			source->outlived = 0;
		} else if (source->outlived == 0) {
			source->outlived = now;
			ntp_poll_ask_again(server, i);
		}
		source->spared = source->outlived != 0 &&
			timescale_seconds(pool->context->timescale, source->outlived, now) <=
				DOUBT_WAIT_S;
	}
}

/* Of a source that has nothing to say. */
static enum select_state silence_reason(const struct source *source)
{
	if (source->config->select.noselect)
		return SELECT_NOSELECT;
	if (source->leap == MERIDIAN_NTP_LI_UNKNOWN || source->stratum >= MERIDIAN_NTP_STRATUM_MAX)
		return SELECT_UNSYNCHRONISED;
	return SELECT_UNUSABLE;
}

/* Of one that has; SELECT_BEST: none. */
static enum select_state refusal_reason(
	const struct config *config, const struct select_source *offered, double jitter_s)
{
	if (!(offered->distance_s <= config->max_distance_s))
		return SELECT_DISTANT;
	return jitter_s <= config->max_jitter_s ? SELECT_BEST : SELECT_JITTERY;
}

static void offer(const struct pool *pool, struct select_source *offered,
	const struct source *source, bool current, uint64_t now)
{
	const struct estimator *estimator = &source->estimator;
	struct clock_line line = {.counter = now};
	struct bound bound;

	*offered = (struct select_source){.prefer = source->config->select.prefer,
		.trust = source->config->select.trust,
		.require = source->config->select.require,
		.current = current,
		.state = silence_reason(source)};
	if (!is_heard(pool, source))
		return;
	estimator_predict(estimator, now, &offered->estimate);
	line.offset_s = offered->estimate.offset_s;
	line.frequency = offered->estimate.frequency;
	bound = bound_of_line(estimator, &line);
	offered->distance_s = root_distance_s(&bound.distance);
	offered->likely_s = LIKELY_DELAY * estimator->delay_min_s +
		LIKELY_SIGMA * offered->estimate.offset_sd_s;
	offered->asymmetry_sd_s = ASYMMETRY_SD * estimator->delay_min_s;
	offered->state =
		refusal_reason(pool->context->config, offered, estimator_noise_sd(estimator));
	offered->usable = offered->state == SELECT_BEST;
}

/* A selection may use it. */
static bool has_vote(const struct pool *pool, const struct source *source, uint64_t now)
{
	struct select_source offered;

	offer(pool, &offered, source, false, now);
	return offered.usable;
}

static bool is_awaited(const struct pool *pool, const struct source *source)
{
	if (source->config->select.noselect || source->stopped || source->absent ||
		source->follower || source->reach != 0)
		return false;
	return pool->after_outage || !source_settled(source);
}

/* The address is of a server. */
static bool is_vouched(const struct source *source)
{
	return source->config->select.trust || source->config->select.prefer ||
		source->address.family == 0;
}

/* It may be silent now, but it could have a say. */
static bool is_witness(const struct source *source)
{
	return !source->config->select.noselect && !source->absent && !source->follower;
}

/* How many of those that were configured may lie: fewer than half, and none of two. */
static size_t liars_possible(const struct pool *pool)
{
	size_t witnesses = 0;

	for (size_t i = 0; i < pool->count; i++)
		witnesses += is_witness(pool->source[i]);
	return witnesses > 2 ? (witnesses - 1) / 2 : 0;
}

/* Somebody is heard, but most of those that have a vote may be liars. */
static bool are_few(const struct pool *pool, uint64_t now)
{
	size_t heard = 0, votes = 0;

	for (size_t i = 0; i < pool->count; i++) {
		const struct source *source = pool->source[i];

		heard += is_heard(pool, source);
		if (!has_vote(pool, source, now))
			continue;
		if (is_vouched(source))
			return false;
		votes++;
	}
	return heard > 0 && votes < 2 * liars_possible(pool);
}

bool pool_is_settled(const struct pool *pool, uint64_t now)
{
	bool few;

	if (pool->settled)
		return true;
	few = are_few(pool, now);
	if (timescale_seconds(pool->context->timescale, pool->start_counter, now) >
		(few ? FEW_WAIT_S : START_WAIT_S))
		return true;
	if (few)
		return false;
	for (size_t i = 0; i < pool->count; i++) {
		if (is_awaited(pool, pool->source[i]))
			return false;
	}
	return true;
}

static bool any_heard(const struct pool *pool)
{
	for (size_t i = 0; i < pool->count; i++) {
		if (is_reached(pool->source[i]))
			return true;
	}
	return false;
}

bool pool_settle(struct pool *pool, uint64_t now)
{
	spare_outlived(pool, now);
	if (!any_heard(pool)) {
		/* Who was waited for in vain gets a chance when there is a network. */
		pool->outage = pool->outage || pool_is_settled(pool, now);
		pool->settled = false;
		return false;
	}
	if (pool->outage) {
		pool->start_counter = now;
		pool->after_outage = true;
	}
	pool->outage = false;
	pool->settled = pool_is_settled(pool, now);
	return pool->settled;
}

const struct source *pool_select(
	struct pool *pool, const struct source *best, uint64_t now, struct estimate *ret_combined)
{
	struct select_source offered[POOL_SOURCES_MAX];
	int selected;

	for (size_t i = 0; i < pool->count; i++) {
		struct source *source = pool->source[i];

		offer(pool, &offered[i], source, source == best, now);
	}
	selected = select_combine(
		offered, pool->count, pool->context->config->min_sources, ret_combined);
	for (size_t i = 0; i < pool->count; i++) {
		struct source *source = pool->source[i];

		if (offered[i].state == SELECT_FALSETICKER && source->state != SELECT_FALSETICKER)
			log_notice("%s does not agree with the majority", source->label);
		source->state = offered[i].state;
		source->refuted = offered[i].refuted;
	}
	if (selected < 0)
		return NULL;
	reference_ids_collect(pool);
	return pool->source[selected];
}

const struct reference_ids *pool_reference_ids(const struct pool *pool)
{
	return pool->selected || !pool->context->goes_on ? &pool->reference_ids : NULL;
}

size_t pool_agreeing(const struct pool *pool)
{
	size_t count = 0;

	for (size_t i = 0; i < pool->count; i++)
		count += pool->source[i]->state >= SELECT_UNSELECTED;
	return count;
}

struct leap_votes pool_leap_votes(const struct pool *pool)
{
	struct leap_votes votes = {.voters = 0};

	for (size_t i = 0; i < pool->count; i++) {
		const struct source *source = pool->source[i];

		if (source->state < SELECT_UNSELECTED || source->leapless ||
			!is_heard(pool, source))
			continue;
		votes.voters++;
		votes.insert += source->leap == MERIDIAN_NTP_LI_INSERT;
		votes.delete += source->leap == MERIDIAN_NTP_LI_DELETE;
	}
	return votes;
}

size_t pool_bounds(const struct pool *pool, const struct clock_line *line,
	struct bound bound[POOL_SOURCES_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < pool->count; i++) {
		if (is_heard(pool, pool->source[i]))
			bound[count++] = bound_of_line(&pool->source[i]->estimator, line);
	}
	return count;
}

/* It was among those that the last selection chose from. */
static bool is_usable(const struct pool *pool, const struct source *source)
{
	return source->state >= SELECT_FALSETICKER && is_heard(pool, source);
}

struct bound pool_bound(
	const struct pool *pool, const struct source *best, const struct clock_line *line)
{
	struct bound bound[POOL_SOURCES_MAX];
	size_t count = 0, usable = 0, refuted = 0, liars;

	for (size_t i = 0; i < pool->count; i++) {
		usable += is_usable(pool, pool->source[i]);
		refuted += is_usable(pool, pool->source[i]) && pool->source[i]->refuted;
	}
	liars = min_size(liars_possible(pool), usable / 2);
	/* Where half may lie, nobody is refuted by the others. */
	if (2 * liars == usable)
		refuted = 0;
	if (is_vouched(best) || liars <= refuted)
		return bound_of_line(&best->estimator, line);
	for (size_t i = 0; i < pool->count; i++) {
		if (is_usable(pool, pool->source[i]) && !(refuted > 0 && pool->source[i]->refuted))
			bound[count++] = bound_of_line(&pool->source[i]->estimator, line);
	}
	return bound_despite(bound, count, liars - refuted);
}

void pool_shift(struct pool *pool, double seconds)
{
	for (size_t i = 0; i < pool->count; i++)
		source_shift(pool->source[i], seconds);
}
