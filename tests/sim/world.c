/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"
#include <math.h>
#include <meridian/ntp.h>
#include <string.h>
#include <units.h>

#define PI          3.14159265358979323846
#define LAW_DELAY_S 1.0 /* no queue is longer */
#define DAY_S       86400

static const struct world *world;
static struct seed seed;
static double now_s;
static double phase_s; /* what the oscillator has counted at now_s */
static double walked;  /* random part of the frequency */
static double frequency;
static double slept_s;

/* Congestion of each direction: when it changes next. */
static struct congestion {
	bool on;
	double until_s;
} congestion[2 * WORLD_SERVERS_MAX][WORLD_LAWS_MAX], clock_congestion[WORLD_CLOCKS];

double world_random(void)
{
	return (double)(seed_next(&seed) >> 11) / 0x1p53;
}

static double random_exponential(double mean)
{
	return -mean * log(1 - world_random());
}

static double random_normal(void)
{
	double radius = sqrt(-2 * log(1 - world_random()));

	return radius * cos(2 * PI * world_random());
}

/* The frequency of the second that begins. */
static void oscillate(double second)
{
	const struct world_oscillator *o = &world->oscillator;

	walked += o->walk * random_normal();
	frequency = o->frequency + walked + o->aging * second;
	if (o->flicker > 0)
		frequency += o->flicker * random_normal();
	if (o->cycle_s > 0)
		frequency += o->cycle * sin(2 * PI * second / o->cycle_s);
	if (o->jump != 0 && second >= o->jump_s)
		frequency += o->jump;
}

void world_start(const struct world *new_world, struct seed new_seed)
{
	world = new_world;
	seed = new_seed;
	now_s = phase_s = walked = slept_s = 0;
	memset(congestion, 0, sizeof(congestion));
	memset(clock_congestion, 0, sizeof(clock_congestion));
	oscillate(0);
}

bool world_is_suspended(double at_s)
{
	const struct world_suspend *suspend = &world->suspend;

	return at_s >= suspend->start_s && at_s < suspend->start_s + suspend->length_s;
}

/* The next instant at which something changes by itself. */
static double next_change(double at_s)
{
	const struct world_suspend *suspend = &world->suspend;
	double next_s = floor(at_s) + 1;

	if (suspend->start_s > at_s)
		next_s = fmin(next_s, suspend->start_s);
	if (world->jump.at_s > at_s)
		next_s = fmin(next_s, world->jump.at_s);
	if (suspend->start_s + suspend->length_s > at_s)
		next_s = fmin(next_s, suspend->start_s + suspend->length_s);
	return next_s;
}

void world_advance(double true_s)
{
	while (now_s < true_s) {
		double second = floor(now_s), end_s = fmin(next_change(now_s), true_s);

		if (world_is_suspended(now_s))
			slept_s += end_s - now_s;
		else
			phase_s += (end_s - now_s) * (1 + frequency);
		now_s = end_s;
		if (end_s == world->jump.at_s)
			phase_s += world->jump.by_s;
		if (end_s == second + 1)
			oscillate(end_s);
	}
}

double world_now_s(void)
{
	return now_s;
}

bool world_is_in_leap(double at_s)
{
	return world->leap.kind != MERIDIAN_NTP_LI_NONE && at_s >= world->leap.at_s &&
		at_s < world->leap.at_s + 1;
}

struct world_utc world_utc(double at_s)
{
	double second = floor(at_s);
	struct world_utc utc = {
		.s = (world->start_s ? world->start_s : WORLD_START_S) + (int64_t)second,
		.fraction = at_s - second};

	if (world->leap.kind != MERIDIAN_NTP_LI_NONE && at_s >= world->leap.at_s)
		utc.s += world->leap.kind == MERIDIAN_NTP_LI_INSERT ? -1 : 1;
	return utc;
}

uint8_t world_leap_indicator(double at_s)
{
	const struct world_leap *leap = &world->leap;

	return at_s < leap->at_s && at_s >= leap->at_s - DAY_S ? leap->kind : MERIDIAN_NTP_LI_NONE;
}

uint64_t world_counter(void)
{
	return WORLD_START_TICK + (uint64_t)llround(phase_s * NS_PER_SECOND);
}

int64_t world_suspended_ns(void)
{
	return llround(slept_s * NS_PER_SECOND);
}

double world_frequency(void)
{
	return frequency;
}

static bool congested(struct congestion *state, double mean_s)
{
	while (state->until_s <= now_s) {
		state->on = !state->on;
		state->until_s += random_exponential(mean_s);
	}
	return state->on;
}

static double law_delay(const struct world_law *law, struct congestion *state)
{
	if (law->kind == LAW_NONE || (law->probability > 0 && world_random() >= law->probability))
		return 0;
	switch (law->kind) {
	case LAW_EXPONENTIAL:
		return random_exponential(law->scale_s);
	case LAW_PARETO:
		return law->scale_s * pow(1 - world_random(), -1 / law->shape);
	case LAW_NORMAL:
		return law->scale_s * random_normal();
	case LAW_LOGNORMAL:
		return law->scale_s * exp(law->shape * random_normal());
	case LAW_CONSTANT:
		return law->scale_s;
	case LAW_CONGESTION:
		return congested(state, law->shape) ? random_exponential(law->scale_s) : 0;
	case LAW_WEIBULL:
		return law->scale_s * pow(-log(1 - world_random()), 1 / law->shape);
	case LAW_DIURNAL:
		return random_exponential(law->scale_s * (1 - cos(2 * PI * now_s / law->shape)));
	default:
		return 0;
	}
}

static double direction_delay(const struct world_direction *direction, struct congestion *state)
{
	double delay_s = direction->least_s;

	for (size_t i = 0; i < WORLD_LAWS_MAX; i++)
		delay_s += fmin(law_delay(&direction->law[i], &state[i]), LAW_DELAY_S);
	return fmax(delay_s, 0);
}

static bool is_down(const struct world_outage *outage)
{
	double since_s = now_s - outage->start_s;

	if (outage->length_s <= 0 || since_s < 0)
		return false;
	if (outage->period_s > 0)
		since_s = fmod(since_s, outage->period_s);
	return since_s < outage->length_s;
}

/* The network comes later than the host, or is down. */
static bool is_cut(void)
{
	const struct world_suspend *suspend = &world->suspend;
	double awake_s = now_s - suspend->start_s - suspend->length_s;

	return now_s < world->late_s || is_down(&world->outage) ||
		(suspend->length_s > 0 && awake_s >= 0 && awake_s < world->late_s);
}

static double server_error(const struct world_server *server, double at_s)
{
	if (at_s < server->error_from_s)
		return 0;
	return server->error_s + server->error_rate * (at_s - server->error_from_s);
}

bool world_passage(size_t index, struct world_passage *ret_passage)
{
	const struct world_server *server = &world->server[index];
	double there_s = direction_delay(&server->there, congestion[2 * index]);
	double back_s = direction_delay(&server->back, congestion[2 * index + 1]);

	for (size_t i = 0; i < WORLD_CHANGES_MAX; i++) {
		if (server->change[i].at_s <= now_s) {
			there_s += server->change[i].there_s;
			back_s += server->change[i].back_s;
		}
	}
	ret_passage->arrival_s = now_s + there_s;
	ret_passage->server_s =
		ret_passage->arrival_s + server_error(server, ret_passage->arrival_s);
	ret_passage->late_s = server->late_s > 0 ? random_exponential(server->late_s) : 0;
	ret_passage->return_s = ret_passage->arrival_s + ret_passage->late_s + back_s;
	if (server->loss > 0 && world_random() < server->loss)
		return false;
	return !is_down(&server->outage) && !is_cut() && !world_is_suspended(ret_passage->return_s);
}

bool world_is_reachable(void)
{
	for (size_t i = 0; i < world->server_count; i++) {
		if (!is_down(&world->server[i].outage))
			return !is_cut() && !world_is_suspended(now_s);
	}
	return false;
}

bool world_clock_read(enum world_clocks index, double *ret_late_s)
{
	const struct world_clock *clock = &world->clock[index];

	*ret_late_s = clock->least_s + law_delay(&clock->law, &clock_congestion[index]);
	return !is_down(&clock->outage);
}

bool world_clock_is_old(void)
{
	return world->clock[WORLD_CLOCK_PHC].old_kernel;
}
