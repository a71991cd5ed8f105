/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario.h"

#define US   1e-6
#define MS   1e-3
#define HOUR 3600.0

/* A plain quartz: 10 ppm off, and 1e-9 / sqrt(s) of random walk. */
#define QUARTZ                                                                                     \
	{                                                                                          \
		.frequency = 10e-6, .walk = 1e-9                                                   \
	}
#define STEADY .frequency = 10e-6, .walk = 1e-10

#define QUEUE(least, mean)                                                                         \
	{                                                                                          \
		.least_s = (least), .law = {{LAW_EXPONENTIAL, (mean), 0, 0}},                      \
	}
#define QUEUES(least, mean) .there = QUEUE(least, mean), .back = QUEUE(least, mean)
#define BOTH(...)           .there = {__VA_ARGS__}, .back = {__VA_ARGS__}
#define WAN                 QUEUES(10 * MS, 1 * MS)
#define LAN                 QUEUES(80 * US, 20 * US)

#define ONE_SERVER(...) .server_count = 1, .server = {{__VA_ARGS__}}

/* 80 % of the requests and 40 % of the answers meet a queue with a heavy tail. */
#define HEAVY_TAIL                                                                                 \
	.there = {.least_s = 5 * MS,                                                               \
		.law = {{LAW_EXPONENTIAL, 100 * US, 0, 0}, {LAW_PARETO, 2 * MS, 1.3, 0.8}}},       \
	.back = {.least_s = 5 * MS,                                                                \
		.law = {{LAW_EXPONENTIAL, 100 * US, 0, 0}, {LAW_PARETO, 1 * MS, 1.3, 0.4}}}

#define START .clock_error_s = 0.1, .oscillator = QUARTZ

const struct scenario scenarios[] = {
	{"wan", "10 ms + exp(1 ms) each way", 40000, 6, 10, .rms_limit_s = 600 * US,
		.bound_limit_s = 19 * MS, .requests_limit = 95, .world = {START, ONE_SERVER(WAN)}},
	{"wan-64", "the same, polled every 64 s", 40000, 6, 6, .rms_limit_s = 120 * US,
		.bound_limit_s = 17 * MS, .requests_limit = 790, .world = {START, ONE_SERVER(WAN)}},
	{"falseticker", "three servers and one that is 50 ms off", 40000, 6, 10,
		.rms_limit_s = 400 * US, .bound_limit_s = 19 * MS, .requests_limit = 390,
		.liars = 8,
		.world = {START, .server_count = 4,
			.server = {{WAN}, {QUEUES(15 * MS, 1 * MS)}, {QUEUES(25 * MS, 1 * MS)},
				{QUEUES(12 * MS, 1 * MS), .error_s = 50 * MS}}}},
	{"lan-16", "80 us + exp(20 us), polled every 16 s", 40000, 4, 4, .rms_limit_s = 5 * US,
		.bound_limit_s = 170 * US, .requests_limit = 3200, .seeds = 1,
		.world = {START, ONE_SERVER(LAN)}},
	{"lan", "80 us + exp(20 us)", 40000, 6, 10, .rms_limit_s = 60 * US,
		.bound_limit_s = 550 * US, .requests_limit = 150,
		.world = {START, ONE_SERVER(LAN)}},
	{"close", "10 us + normal(100 ns), polled every second", 4000, 0, 0, .rms_limit_s = 60e-9,
		.bound_limit_s = 17 * US, .requests_limit = 5000, .precision_s = 1e-9,
		.world = {START, ONE_SERVER(BOTH(10 * US, {{LAW_NORMAL, 100e-9, 0, 0}}))}},
	{"asymmetry", "answers take 2 ms longer from 20000 s on, poll 64 s", 40000, 6, 6,
		.score_from_s = 30000, .rms_limit_s = 900 * US, .bound_limit_s = 20 * MS,
		.requests_limit = 790,
		.world = {START, ONE_SERVER(WAN, .change = {{20000, 0, 2 * MS}})}},
	{"heavy-tail", "5 ms + Pareto queues, unlike each way", 40000, 6, 10, .rms_limit_s = 2 * MS,
		.bound_limit_s = 13 * MS, .requests_limit = 94,
		.world = {START, ONE_SERVER(HEAVY_TAIL)}},
	{"heavy-tail-64", "the same, polled every 64 s", 40000, 6, 6, .rms_limit_s = 500 * US,
		.bound_limit_s = 9.2 * MS, .requests_limit = 790,
		.world = {START, ONE_SERVER(HEAVY_TAIL)}},
	{"outage", "a WAN that is down for 6 h", 80000, 6, 10, .score_from_s = 40000,
		.probe_s = 61600, .rms_limit_s = 4 * MS, .bound_limit_s = 32 * MS,
		.requests_limit = 160,
		.world = {START, ONE_SERVER(WAN, .outage = {40000, 6 * HOUR, 0})}},
	{"holdover", "the same with a holdover of 2 h", 80000, 6, 10, .score_from_s = 70000,
		.rms_limit_s = 4 * MS, .bound_limit_s = 19 * MS, .requests_limit = 160,
		.config = "holdover 7200", .may_step = true, .may_lose = true, .lost_s = 4 * HOUR,
		.comes = 1, .world = {START, ONE_SERVER(WAN, .outage = {40000, 6 * HOUR, 0})}},
	{"maxerror", "the same, and no time that may be off by 25 ms", 80000, 6, 10,
		.score_from_s = 70000, .rms_limit_s = 4 * MS, .bound_limit_s = 19 * MS,
		.requests_limit = 160, .config = "maxerror 0.025", .may_step = true,
		.may_lose = true, .lost_s = 18500, .comes = 1,
		.world = {START, ONE_SERVER(WAN, .outage = {40000, 6 * HOUR, 0})}},
	{"intermittent", "a WAN that is up 1200 s of each 10000 s", 100000, 6, 10,
		.rms_limit_s = 3 * MS, .bound_limit_s = 30 * MS, .requests_limit = 200,
		.world = {START, ONE_SERVER(WAN, .outage = {1200, 8800, 10000})}},
	{"temperature", "0.2 ppm of a two-hour cycle, poll 64 s", 40000, 6, 6,
		.rms_limit_s = 200 * US, .bound_limit_s = 17 * MS, .requests_limit = 790,
		.world = {.clock_error_s = 0.1,
			.oscillator = {STEADY, .cycle = 0.2e-6, .cycle_s = 7200},
			ONE_SERVER(WAN)}},
	{"frequency-jump", "1 ppm at 20000 s, LAN, poll 16 s", 40000, 4, 4, .seeds = 1,
		.rms_limit_s = 8 * US, .bound_limit_s = 170 * US, .requests_limit = 3200,
		.world = {.clock_error_s = 0.1,
			.oscillator = {STEADY, .jump = 1e-6, .jump_s = 20000},
			ONE_SERVER(LAN)}},
	{"lying-minority", "two of five servers agree on 20 ms too much", 40000, 6, 10,
		.rms_limit_s = 400 * US, .bound_limit_s = 11 * MS, .requests_limit = 510,
		.liars = 3,
		.world = {START, .server_count = 5,
			.server = {{QUEUES(2 * MS, 0.2 * MS), .error_s = 20 * MS,
					   .error_from_s = 10000},
				{QUEUES(2 * MS, 0.2 * MS), .error_s = 20 * MS,
					.error_from_s = 10000},
				{WAN}, {QUEUES(15 * MS, 1 * MS)}, {QUEUES(5 * MS, 1 * MS)}}}},
	{"distance-lies", "a near server that is wrong, and one that claims 2 s", 40000, 6, 10,
		.rms_limit_s = 400 * US, .bound_limit_s = 18 * MS, .requests_limit = 440,
		.liars = 1,
		.world = {START, .server_count = 4,
			.server = {{QUEUES(100 * US, 20 * US), .error_s = 30 * MS},
				{WAN, .error_s = 500 * MS, .root_delay_s = 2}, {WAN},
				{QUEUES(8 * MS, 2 * MS)}}}},
	{"backwards", "all servers agree and go 5 ms back", 40000, 6, 10, .rms_limit_s = 20 * MS,
		.bound_limit_s = 390 * US, .requests_limit = 510, .broken_promise = true,
		.may_step = true,
		.world = {START, .server_count = 3,
			.server = {{LAN, .error_s = -5 * MS, .error_from_s = 20000},
				{LAN, .error_s = -5 * MS, .error_from_s = 20000},
				{LAN, .error_s = -5 * MS, .error_from_s = 20000}}}},
	{"drifting-liar", "one of three servers drifts away by 20 ppm", 40000, 6, 10,
		.rms_limit_s = 800 * US, .bound_limit_s = 19 * MS, .requests_limit = 300,
		.world = {START, .server_count = 3,
			.server = {{QUEUES(1 * MS, 0.1 * MS), .error_from_s = 5000,
					   .error_rate = 20e-6},
				{WAN}, {QUEUES(12 * MS, 1 * MS)}}}},
	{"lognormal", "30 ms + lognormal(2 ms, 1)", 40000, 6, 10, .rms_limit_s = 2 * MS,
		.bound_limit_s = 55 * MS, .requests_limit = 95,
		.world = {START, ONE_SERVER(BOTH(30 * MS, {{LAW_LOGNORMAL, 2 * MS, 1.0, 0}}))}},
	{"two-paths", "each way one of two paths, 3 ms apart", 40000, 6, 10, .rms_limit_s = 2 * MS,
		.bound_limit_s = 37 * MS, .requests_limit = 95,
		.world = {START,
			ONE_SERVER(BOTH(20 * MS,
				{{LAW_EXPONENTIAL, 0.3 * MS, 0, 0},
					{LAW_CONSTANT, 3 * MS, 0, 0.5}}))}},
	{"congestion", "busy half of the time, for 20 minutes at once", 80000, 6, 10,
		.rms_limit_s = 2 * MS, .bound_limit_s = 18 * MS, .requests_limit = 170,
		.world = {START,
			ONE_SERVER(BOTH(8 * MS,
				{{LAW_EXPONENTIAL, 0.2 * MS, 0, 0},
					{LAW_CONGESTION, 8 * MS, 1200, 0}}))}},
	{"upload", "only the requests queue, exp(5 ms)", 40000, 6, 10, .rms_limit_s = 2 * MS,
		.bound_limit_s = 21 * MS, .requests_limit = 94,
		.world = {START,
			ONE_SERVER(QUEUES(10 * MS, 0.1 * MS),
				.there.law[1] = {LAW_EXPONENTIAL, 5 * MS, 0, 0})}},
	{"flicker", "an oscillator with white noise of 50 ppb, aging, LAN", 40000, 4, 8,
		.rms_limit_s = 30 * US, .bound_limit_s = 310 * US, .requests_limit = 310,
		.world = {.clock_error_s = -0.3,
			.oscillator = {.frequency = -25e-6,
				.flicker = 50e-9,
				.walk = 0.3e-9,
				.aging = 1e-13},
			ONE_SERVER(LAN)}},
	{"rubidium", "an oscillator that hardly moves, WAN", 100000, 6, 10, .rms_limit_s = 400 * US,
		.bound_limit_s = 19 * MS, .requests_limit = 200,
		.world = {.clock_error_s = 0.1,
			.oscillator = {.frequency = 1e-9, .walk = 1e-13},
			ONE_SERVER(WAN)}},
	{"hot-box", "2 ppm of a 20-minute cycle and three WAN servers", 40000, 4, 10,
		.rms_limit_s = 2 * MS, .bound_limit_s = 19 * MS, .requests_limit = 370,
		.world = {.clock_error_s = 2.5,
			.oscillator =
				{.frequency = 40e-6, .walk = 1e-9, .cycle = 2e-6, .cycle_s = 1200},
			.server_count = 3,
			.server = {{WAN}, {WAN}, {QUEUES(20 * MS, 2 * MS)}}}},
	{"path-flaps", "both ways 4 ms longer, then back, then one way", 60000, 6, 8,
		.rms_limit_s = 2500 * US, .bound_limit_s = 21 * MS, .requests_limit = 430,
		.world = {START,
			ONE_SERVER(WAN,
				.change = {{10000, 4 * MS, 4 * MS}, {25000, -4 * MS, -4 * MS},
					{40000, 3 * MS, 0}})}},
	{"warm-restart", "control is started anew, poll 64 s", 40000, 6, 6, .rms_limit_s = 120 * US,
		.bound_limit_s = 17 * MS, .requests_limit = 790, .restart_s = 20000,
		.world = {START, ONE_SERVER(WAN)}},
	{"suspend", "the host sleeps for two hours", 40000, 6, 10, .rms_limit_s = 600 * US,
		.bound_limit_s = 19 * MS, .requests_limit = 110, .may_step = true, .may_lose = true,
		.score_from_s = 25000, .world = {START, ONE_SERVER(WAN), .suspend = {15000, 7200}}},
	{"kiss", "the server asks once for fewer requests", 40000, 4, 6, .rms_limit_s = 600 * US,
		.bound_limit_s = 17 * MS, .requests_limit = 1000,
		.world = {START, ONE_SERVER(WAN, .kiss = true)}},
};

const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);
