/* SPDX-License-Identifier: BSD-3-Clause */
#include "random_scenario.h"
#include <math.h>
#include <meridian/ntp.h>
#include <stdio.h>
#include <string.h>

#define US 1e-6
#define MS 1e-3

#define JULY_S      INT64_C(1814400000) /* 2027-07-01 */
#define WANDER      1e-6                /* the default of maxclockerror */
#define REQUESTS    700                 /* of a source, about */
#define LATEST      20                  /* scales of a law: no reading is as late */
#define LAST_CHANGE 0.9                 /* of the duration */
#define BOUND_RATIO 2                   /* of a bound to what its worst path and poll allow */

static struct seed seed;
static struct scenario made;
static char config[256], clocks[256];

static double uniform(double low, double high)
{
	return low + (high - low) * (double)(seed_next(&seed) >> 11) / 0x1p53;
}

/* Evenly by its logarithm. */
static double magnitude(double low, double high)
{
	return exp(uniform(log(low), log(high)));
}

static double either_sign(double value)
{
	return uniform(-1, 1) < 0 ? -value : value;
}

static bool chance(double probability)
{
	return uniform(0, 1) < probability;
}

static uint32_t below(uint32_t limit)
{
	return seed_below(&seed, limit);
}

static struct world_law random_law(double least_s)
{
	struct world_law law = {.scale_s = least_s * magnitude(1e-3, 3) + 50e-9,
		.probability = chance(0.3) ? uniform(0.05, 1) : 0};

	switch (below(9)) {
	case 0:
		law.kind = LAW_PARETO;
		law.shape = uniform(1.1, 3);
		break;
	case 1:
		law.kind = LAW_NORMAL;
		law.scale_s = fmin(law.scale_s, least_s / 8);
		break;
	case 2:
		law.kind = LAW_LOGNORMAL;
		law.shape = uniform(0.3, 2);
		break;
	case 3:
		law.kind = LAW_CONSTANT;
		law.probability = uniform(0.1, 0.9);
		break;
	case 4:
		law.kind = LAW_CONGESTION;
		law.shape = magnitude(100, 10000);
		break;
	case 5:
		law.kind = LAW_WEIBULL;
		law.shape = uniform(0.4, 3);
		break;
	case 6:
		law.kind = LAW_DIURNAL;
		law.shape = magnitude(1000, 86400);
		break;
	default:
		law.kind = LAW_EXPONENTIAL;
	}
	return law;
}

static struct world_direction random_direction(double least_s)
{
	struct world_direction direction = {.least_s = least_s, .law = {random_law(least_s)}};

	if (chance(0.4))
		direction.law[1] = random_law(least_s);
	return direction;
}

/* A path gets longer, and some time later what it was. */
static void random_changes(struct world_server *server, double least_s)
{
	double at_s = 0;

	for (size_t i = 0; i + 1 < WORLD_CHANGES_MAX && chance(0.4); i += 2) {
		double step_s = least_s * magnitude(0.01, 2);
		double there_s = chance(0.6) ? step_s : 0;
		double back_s = there_s == 0 || chance(0.3) ? step_s : 0;

		at_s = uniform(at_s, LAST_CHANGE * made.duration_s);
		server->change[i] = (struct world_change){at_s, there_s, back_s};
		if (chance(0.3))
			break;
		at_s = uniform(at_s, LAST_CHANGE * made.duration_s);
		server->change[i + 1] = (struct world_change){at_s, -there_s, -back_s};
	}
}

/* Off, but within what it promises. */
static void honest_error(struct world_server *server)
{
	if (chance(0.6))
		return;
	server->root_delay_s = chance(0.7) ? magnitude(10 * US, 300 * MS) : 0;
	server->root_dispersion_s = magnitude(10 * US, 100 * MS);
	server->error_s = either_sign(uniform(0, 0.98) *
		(floor(server->root_delay_s * 65536) / 131072 +
			floor(server->root_dispersion_s * 65536) / 65536));
	if (chance(0.3))
		server->error_from_s = uniform(0, made.duration_s);
}

static void lie(struct world_server *server)
{
	server->root_delay_s = chance(0.3) ? magnitude(10 * US, 2) : 0;
	server->root_dispersion_s = chance(0.3) ? magnitude(10 * US, 1) : 0;
	if (chance(0.6))
		server->error_from_s = uniform(0, made.duration_s);
	if (chance(0.7))
		server->error_s = either_sign(magnitude(10 * US, 10));
	if (server->error_s == 0 || chance(0.3))
		server->error_rate = either_sign(magnitude(1e-9, 1e-3));
}

static void random_server(struct world_server *server, bool liar)
{
	double least_s = magnitude(10 * US, 150 * MS);
	double asymmetry = chance(0.5) ? 1 : uniform(0.3, 1);

	server->there = random_direction(least_s);
	server->back = chance(0.4) ? server->there : random_direction(least_s);
	server->there.least_s *= chance(0.5) ? asymmetry : 1;
	server->back.least_s *= asymmetry;
	random_changes(server, least_s);
	if (chance(0.2))
		server->outage = (struct world_outage){.start_s = uniform(0, made.duration_s),
			.length_s = magnitude(100, made.duration_s),
			.period_s = 0};
	if (chance(0.1))
		server->outage.period_s = server->outage.length_s * uniform(1.2, 4);
	if (chance(0.3))
		server->loss = magnitude(0.001, 0.7);
	server->stratum = (uint8_t)(1 + below(4));
	if (chance(0.2))
		server->late_s = least_s * magnitude(1e-2, 1);
	if (liar)
		lie(server);
	else
		honest_error(server);
}

static void always_heard(struct world_server *server)
{
	server->outage.length_s = 0;
	server->loss = 0;
}

/* Where there are liars, all are heard always but for one honest server. Returns how many they are.
 */
static size_t random_servers(void)
{
	struct world *world = &made.world;
	size_t liars;

	world->server_count = chance(0.4) ? 1 : 2 + below(WORLD_SERVERS_MAX - 1);
	liars = chance(0.6) ? below((uint32_t)(world->server_count + 1) / 2) : 0;
	for (size_t i = 0; i < world->server_count; i++) {
		random_server(&world->server[i], i < liars);
		if (liars > 0 && i != liars)
			always_heard(&world->server[i]);
	}
	made.tied = liars > 0 && 2 * liars + 1 == world->server_count;
	return liars;
}

/* What it may do once its frequency is known is WANDER. */
static void random_oscillator(struct world_oscillator *oscillator)
{
	*oscillator = (struct world_oscillator){.frequency = uniform(-90e-6, 90e-6)};
	if (chance(0.8))
		oscillator->walk =
			fmin(magnitude(1e-13, 3e-9), 0.2 * WANDER / sqrt(made.duration_s));
	if (chance(0.3))
		oscillator->flicker = magnitude(1e-11, 1e-7);
	if (chance(0.4)) {
		oscillator->cycle_s = magnitude(60, 86400);
		oscillator->cycle = WANDER * magnitude(1e-3, 0.2);
	}
	if (chance(0.2)) {
		oscillator->jump = either_sign(WANDER * magnitude(1e-2, 0.4));
		oscillator->jump_s = uniform(0, made.duration_s);
	}
	if (chance(0.2))
		oscillator->aging = either_sign(0.2 * WANDER / made.duration_s);
}

/* Everybody who is honest announces it, and is heard. */
static void random_leap(size_t liars)
{
	struct world *world = &made.world;
	double at_s = floor(uniform(0.1, LAST_CHANGE) * made.duration_s);
	bool insert = chance(0.6);

	world->start_s = (insert ? JULY_S : JULY_S - 1) - (int64_t)at_s;
	world->leap =
		(struct world_leap){at_s, insert ? MERIDIAN_NTP_LI_INSERT : MERIDIAN_NTP_LI_DELETE};
	for (size_t i = 0; i < world->server_count; i++) {
		always_heard(&world->server[i]);
		world->server[i].no_leap = i < liars && chance(0.7);
	}
}

static void random_options(void)
{
	static const char *const options[] = {"iburst", "burst", "maxdelaydevratio 2",
		"maxdelayratio 2", "asymmetry 0.3", "presend 6", "xleave"};
	size_t count = sizeof(options) / sizeof(options[0]), length = 0;

	config[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (chance(i == 0 ? 0.7 : 0.06))
			length += (size_t)snprintf(
				config + length, sizeof(config) - length, " %s", options[i]);
	}
	made.options = config;
}

/* Some are slower to speak than others. */
static void random_filters(void)
{
	if (!chance(0.2))
		return;
	for (size_t i = 0; i < made.world.server_count; i++)
		made.filter[i] = chance(0.6) ? (uint8_t)(2 + below(7)) : 0;
}

/* Who answers first then could lead alone. */
static void random_late_network(void)
{
	struct world_outage *outage = &made.world.outage;

	if (chance(0.3))
		made.world.late_s = uniform(5, 60);
	if (chance(0.3) && made.world.leap.kind == MERIDIAN_NTP_LI_NONE)
		outage->start_s = uniform(0, LAST_CHANGE * made.duration_s);
	outage->length_s = outage->start_s > 0 ? magnitude(100, made.duration_s) : 0;
	if (chance(0.3))
		outage->period_s = outage->length_s * uniform(1.2, 4);
}

/* What the operator knows: how late it can be. A card's clock tells it by itself. */
static void refclock_configure(enum world_clocks driver, const struct world_clock *clock)
{
	static const char *const name[] = {
		"SHM 0", "PPS /dev/pps0", "SOCK /run/sim.sock", "PHC /dev/ptp0"};
	int length = snprintf(clocks, sizeof(clocks), "refclock %s refid CLK poll %u", name[driver],
		2 + below(5));

	if (driver != WORLD_CLOCK_PHC)
		snprintf(clocks + length, sizeof(clocks) - (size_t)length,
			" offset %.9f delay %.9f", clock->least_s, 2 * LATEST * clock->law.scale_s);
	made.config = clocks;
}

/* Beside the servers. */
static void random_refclock(void)
{
	static const enum world_law_kind kind[] = {
		LAW_NORMAL, LAW_EXPONENTIAL, LAW_CONSTANT, LAW_CONGESTION};
	enum world_clocks driver = (enum world_clocks)below(WORLD_CLOCKS);
	struct world_clock *clock = &made.world.clock[driver];
	struct world_law *law = &clock->law;
	bool near = driver == WORLD_CLOCK_PPS || driver == WORLD_CLOCK_PHC;

	if (!chance(0.2))
		return;
	law->kind = kind[below(4)];
	law->scale_s = near ? magnitude(10e-9, 100 * US) : magnitude(10 * US, 10 * MS);
	law->shape = magnitude(100, 10000);
	law->probability = chance(0.3) ? uniform(0.05, 1) : 0;
	clock->least_s = law->scale_s * (8 + magnitude(0.1, 10));
	clock->old_kernel = chance(0.5);
	if (chance(0.3))
		clock->outage = (struct world_outage){
			uniform(0, made.duration_s), magnitude(10, made.duration_s), 0};
	refclock_configure(driver, clock);
}

/* What a bound has to hold because of this path: half of its round trip, and what it is told. */
static double server_bound_s(const struct world_server *server)
{
	double round_s = server->there.least_s + server->back.least_s + server->root_delay_s;

	for (size_t i = 0; i < WORLD_CHANGES_MAX; i++)
		round_s += fmax(0, server->change[i].there_s) + fmax(0, server->change[i].back_s);
	for (size_t i = 0; i < WORLD_LAWS_MAX; i++)
		round_s += server->there.law[i].scale_s + server->back.law[i].scale_s;
	return round_s / 2 + server->root_dispersion_s + server->late_s;
}

/* That of the worst path to who is honest, and of the clock in the time between samples: halfway
 * through, its frequency is not known better than the paths show it. Liars come first. */
static double paths_bound_s(size_t liars)
{
	double worst_s = 0, drift;
	int longest = 1;

	for (size_t i = liars; i < made.world.server_count; i++) {
		worst_s = fmax(worst_s, server_bound_s(&made.world.server[i]));
		longest = made.filter[i] > longest ? made.filter[i] : longest;
	}
	drift = WANDER + 4 * worst_s / made.duration_s;
	return worst_s + drift * longest * ldexp(1, made.maxpoll_log2);
}

const struct scenario *random_scenario(uint64_t number)
{
	size_t liars;

	/* Numbers that follow each other would draw the same, one later. */
	seed.state = number;
	seed.state = seed_next(&seed);
	made = (struct scenario){.name = "random", .minpoll_log2 = (int8_t)(below(8))};
	made.maxpoll_log2 =
		(int8_t)(made.minpoll_log2 + (int8_t)below(11 - (uint32_t)made.minpoll_log2));
	made.duration_s =
		fmin(ldexp(REQUESTS, chance(0.5) ? made.minpoll_log2 : made.maxpoll_log2), 80000);
	liars = random_servers();
	random_oscillator(&made.world.oscillator);
	random_options();
	random_filters();
	made.precision_s = chance(0.5) ? 1e-9 : 0;
	made.world.clock_error_s = chance(0.3) ? either_sign(magnitude(1e-3, 1e5)) : 0.1;
	if (chance(0.1))
		made.world.suspend = (struct world_suspend){
			uniform(0, 0.8) * made.duration_s, magnitude(2, 20000)};
	else if (chance(0.1))
		random_leap(liars);
	if (chance(0.1))
		made.restart_s = floor(uniform(10, made.duration_s));
	if (liars > 0)
		random_late_network();
	random_refclock();
	made.may_lose = made.may_step = true;
	made.bound_limit_s = BOUND_RATIO * paths_bound_s(liars);
	return &made;
}

static void print_direction(const char *name, const struct world_direction *direction)
{
	printf("    %s: %.4g us", name, direction->least_s * 1e6);
	for (size_t i = 0; i < WORLD_LAWS_MAX; i++)
		printf(", law %d scale %.4g us shape %.3g p %.2g", (int)direction->law[i].kind,
			direction->law[i].scale_s * 1e6, direction->law[i].shape,
			direction->law[i].probability);
	printf("\n");
}

static void print_server(const struct world_server *server, int filter)
{
	printf("  server: filter %d, error %.4g us from %.0f s, rate %.2g, root delay %.4g us "
	       "dispersion %.4g "
	       "us, loss %.2g, outage %.0f+%.0f/%.0f\n",
		filter, server->error_s * 1e6, server->error_from_s, server->error_rate,
		server->root_delay_s * 1e6, server->root_dispersion_s * 1e6, server->loss,
		server->outage.start_s, server->outage.length_s, server->outage.period_s);
	print_direction("there", &server->there);
	print_direction("back", &server->back);
	for (size_t i = 0; i < WORLD_CHANGES_MAX; i++) {
		if (server->change[i].at_s > 0)
			printf("    at %.0f s: %.4g %.4g us\n", server->change[i].at_s,
				server->change[i].there_s * 1e6, server->change[i].back_s * 1e6);
	}
}

void random_scenario_print(const struct scenario *scenario)
{
	const struct world *world = &scenario->world;
	const struct world_oscillator *o = &world->oscillator;

	if (world->leap.kind != MERIDIAN_NTP_LI_NONE)
		printf("  leap second %d at %.0f s\n", (int)world->leap.kind, world->leap.at_s);
	printf("  %.0f s, poll %d-%d,%s precision %g, restart %.0f, suspend %.0f+%.0f, "
	       "network after %.0f s, down %.0f+%.0f/%.0f, clock %g\n"
	       "  oscillator %.3g, walk %.2g, flicker %.2g, cycle %.2g / %.0f s, jump %.2g at %.0f "
	       "s, aging %.2g\n",
		scenario->duration_s, scenario->minpoll_log2, scenario->maxpoll_log2,
		scenario->options, scenario->precision_s, scenario->restart_s,
		world->suspend.start_s, world->suspend.length_s, world->late_s,
		world->outage.start_s, world->outage.length_s, world->outage.period_s,
		world->clock_error_s, o->frequency, o->walk, o->flicker, o->cycle, o->cycle_s,
		o->jump, o->jump_s, o->aging);
	if (scenario->config)
		printf("  %s\n", scenario->config);
	for (size_t i = 0; i < world->server_count; i++)
		print_server(&world->server[i], scenario->filter[i]);
}
