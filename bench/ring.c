/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The whole worker loop over a ring in memory: a generator on one core, a worker with receive
 * stamps, access rules, rate limiter and statistics on another. How fast it is, how that changes
 * with the number of clients and rules, and what becomes of it at three times what it can do.
 */

#include "measure.h"
#include "ring_generator.h"
#include "ring_port.h"
#include "world.h"
#include <exit_code.h>
#include <fixture.h>
#include <math.h>
#include <meridian/counter.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <units.h>
#include <worker.h>

#define WORKER_CORE    0
#define GENERATOR_CORE 1
#define WARM_UP_MS     60
#define FILL_MS        400 /* to fill the limiter's table */
#define WINDOW_MS      50
#define WINDOW_TRIES   20

/* As the main thread sets it at the full speed of a worker. */
#define SAMPLE_STRIDE 1024

#define INTERLEAVE_ENTRIES (1u << 20)
#define KIND_SHARE_MIN     0.5

/* No client is held back, however few there are: 2^26 requests per second each. */
static const struct limit_rate open_rate = {.interval_log2 = -26, .burst = 255};

/* Without a `ratelimit` line in the config. */
static const struct limit_rate default_rate = {.interval_log2 = -5, .burst = 128, .rollup_log2 = 3};

/* `ratelimit` without words: one in 8 s, 8 at once. Entries of the limiter's table stay in use:
 * with more clients than entries, each request has to look for one to take. */
static const struct limit_rate slow_rate = {.interval_log2 = 3, .burst = 8};

struct scenario {
	const char *key, *text;
	uint32_t clients;
	uint32_t rules; /* access rules; 0: everybody is allowed by one */
	enum ring_kind kind;
	const struct limit_rate *rate; /* NULL: open_rate */
	bool counted;                  /* it is written down who asks */
};

static const struct scenario scenarios[] = {
	{"ring", "10^5 clients, 10^3 access rules", 100000, 1000, RING_IPV4, NULL, false},
	{"ring_clients_1", "1 client, no rules", 1, 0, RING_IPV4, NULL, false},
	{"ring_clients_1e3", "10^3 clients, no rules", 1000, 0, RING_IPV4, NULL, false},
	{"ring_clients_1e5", "10^5 clients, no rules", 100000, 0, RING_IPV4, NULL, false},
	{"ring_clients_1e7", "10^7 clients, no rules", 10000000, 0, RING_IPV4, NULL, false},
	{"ring_rules_1e3", "10^3 clients, 10^3 rules", 1000, 1000, RING_IPV4, NULL, false},
	{"ring_rules_1e5", "10^3 clients, 10^5 rules", 1000, 100000, RING_IPV4, NULL, false},
	{"ring_rules_1e6", "10^3 clients, 10^6 rules", 1000, 1000000, RING_IPV4, NULL, false},
	{"ring_counted", "10^3 clients, no rules, clients counted", 1000, 0, RING_IPV4, NULL, true},
	{"ring_ipv6", "10^5 IPv6 clients, no rules", 100000, 0, RING_IPV6, NULL, false},
	{"ring_ipv6_1e7", "10^7 IPv6 clients, no rules", 10000000, 0, RING_IPV6, NULL, false},
	{"ring_interleaved", "2048 clients, no rules, interleaved", RING_SLOTS, 0, RING_INTERLEAVED,
		NULL, false},
	{"ring_aes128", "10^3 clients, no rules, signed by AES-CMAC", 1000, 0, RING_SIGNED, NULL,
		false},
	{"ring_default_limit", "10^7 clients, the default rate limit", 10000000, 0, RING_IPV4,
		&default_rate, false},
	{"ring_full_limiter", "10^7 clients, the limiter's table full", 10000000, 0, RING_IPV4,
		&slow_rate, false},
	{"ring_both", "10^7 clients, 10^5 rules", 10000000, 100000, RING_IPV4, NULL, false},
};

#define SCENARIO_COUNT (sizeof(scenarios) / sizeof(scenarios[0]))

struct bench {
	struct ring_port ring;
	struct ring_generator generator;
	struct worker worker;
	struct collector collector;
	struct meridian_stats_worker stats;
	struct meridian_timemodel model;
	struct server_view view;
	struct responder_policy *policy;
	struct interleave *interleave;
	struct keyring *keyring;
	pthread_t thread;
	double hz;
	bool echo_stop;       /* written by the main thread, read by the echo's */
	double offered_per_s; /* 0: as fast as the worker takes them */
};

static struct bench bench;

/* Everybody, but for `count` single addresses among the clients'. */
static struct meridian_policy_access *rules_make(uint32_t count)
{
	struct meridian_policy_access *rule = calloc((size_t)count + 1, sizeof(*rule));
	uint32_t state = 1;

	if (rule == NULL)
		return NULL;
	rule[0] = (struct meridian_policy_access){.family = MERIDIAN_FAMILY_IPV4, .allow = 1};
	for (uint32_t i = 1; i <= count; i++) {
		state = state * 1664525 + 1013904223; /* each value once: no rule stands twice */
		rule[i].family = MERIDIAN_FAMILY_IPV4;
		rule[i].prefix_len = 32;
		rule[i].octets[0] = RING_CLIENT_NET;
		rule[i].octets[1] = (uint8_t)(state >> 24);
		rule[i].octets[2] = (uint8_t)(state >> 16);
		rule[i].octets[3] = (uint8_t)(state >> 8);
	}
	return rule;
}

static int policy_make(uint32_t rules, const struct limit_rate *rate)
{
	struct meridian_policy_access *rule = rules_make(rules);
	int r = -1;

	bench.policy = fixture_policy();
	bench.policy->rate = *rate;
	if (rule != NULL && rules > 0) {
		access_fini(&bench.policy->access);
		r = access_init(&bench.policy->access, rule, (size_t)rules + 1);
		bench.policy->open_ipv4 = false;
	} else if (rule != NULL) {
		r = 0;
	}
	free(rule);
	return r;
}

static void *worker_thread(void *argument)
{
	worker_run(argument);
	return NULL;
}

/* Does nothing but what no worker can spare: it touches both lines of each frame and hands it back.
 */
static void *echo_thread(void *argument)
{
	struct port_queue *queue = &bench.ring.base;
	struct port_packet packet[PORT_BURST];

	(void)argument;
	while (!__atomic_load_n(&bench.echo_stop, __ATOMIC_RELAXED)) {
		unsigned int count = queue->operations->receive(queue, packet);

		for (unsigned int i = 0; i < count; i++) {
			packet[i].data[0] ^= packet[i].data[RING_FRAME_SIZE - 1];
			packet[i].data[RING_FRAME_SIZE - 1] = 0;
		}
		if (count > 0)
			queue->operations->transmit(queue, packet, count);
		meridian_stats_add(&bench.stats.tx_packets, count);
	}
	return NULL;
}

static void scenario_begin(const struct scenario *scenario)
{
	memset(&bench.stats, 0, sizeof(bench.stats));
	bench.keyring = scenario->kind == RING_SIGNED ? fixture_keyring() : NULL;
	if (policy_make(scenario->rules, scenario->rate ? scenario->rate : &open_rate) < 0 ||
		interleave_new(&bench.interleave, INTERLEAVE_ENTRIES, 1) < 0 ||
		ring_port_init(&bench.ring, pkt_server_mac) < 0 ||
		ring_generator_init(&bench.generator, &bench.ring, &bench.model.live.data,
			bench.keyring, scenario->clients, scenario->kind) < 0) {
		fprintf(stderr, "bench-ring: no memory\n");
		exit(EXIT_START);
	}
	world_model_publish(&bench.model, bench.hz);
	bench.policy->interleave = bench.interleave;
	bench.view = (struct server_view){.policy = bench.policy,
		.keyring = bench.keyring,
		.model = &bench.model,
		.counter_id = MERIDIAN_COUNTER_TSC};
	if (worker_init(&bench.worker, &bench.stats, WORKER_CORE, &bench.view) < 0) {
		fprintf(stderr, "bench-ring: no memory for a worker\n");
		exit(EXIT_START);
	}
	bench.collector.stride = SAMPLE_STRIDE;
	bench.worker.server.collector = scenario->counted ? &bench.collector : NULL;
	worker_add(&bench.worker, &bench.ring.base);
	pthread_create(&bench.thread, NULL, worker_thread, &bench.worker);
	world_core_take("bench-ring", bench.thread, WORKER_CORE);
}

static void scenario_end(void)
{
	worker_set_phase(&bench.worker, WORKER_STOP);
	pthread_join(bench.thread, NULL);
	worker_fini(&bench.worker);
	ring_generator_fini(&bench.generator);
	ring_port_fini(&bench.ring);
	interleave_free(bench.interleave);
	keyring_free(bench.keyring);
	responder_policy_free(bench.policy);
}

/* What the generator and the worker counted in a window. */
struct window {
	double replies_per_s;
	double worker_ticks; /* for each request, while there was something to do */
	double answered_share;
	double room_share; /* of the generator's looks found room in the ring */
	bool served;       /* more replies than of a burst that began before: the rest is known */
};

static struct window window_run(double ms)
{
	uint64_t replies = meridian_stats_get(&bench.stats.tx_packets);
	uint64_t requests = meridian_stats_get(&bench.stats.rx_packets);
	uint64_t busy_ns = meridian_stats_get(&bench.stats.busy_ns);
	uint64_t start = measure_ticks();
	struct window window;
	double seconds;

	ring_generator_run(&bench.generator, bench.offered_per_s / bench.hz,
		start + (uint64_t)(ms * bench.hz / 1000));
	seconds = (double)(measure_ticks() - start) / bench.hz;
	replies = meridian_stats_get(&bench.stats.tx_packets) - replies;
	requests = meridian_stats_get(&bench.stats.rx_packets) - requests;
	busy_ns = meridian_stats_get(&bench.stats.busy_ns) - busy_ns;
	window.replies_per_s = (double)replies / seconds;
	window.worker_ticks = (double)busy_ns / NS_PER_SECOND * bench.hz / (double)requests;
	window.answered_share = (double)replies / (double)requests;
	window.room_share = ring_generator_room_share(&bench.generator);
	window.served = replies > PORT_BURST;
	return window;
}

/* Where others had the worker's core all the time, a window says nothing of the worker. */
static struct window window_measure(void)
{
	for (unsigned int try = 0; try < WINDOW_TRIES; try++) {
		struct window window = window_run(WINDOW_MS);

		if (window.served)
			return window;
	}
	fprintf(stderr, "bench-ring: CPU %d answered nothing in %d windows of %d ms\n", WORKER_CORE,
		WINDOW_TRIES, WINDOW_MS);
	exit(1);
}

/* What a scenario's windows gave, over all rounds. */
struct result {
	double replies_per_s[MEASURE_PASSES_MAX], worker_ticks[MEASURE_PASSES_MAX];
	double room_share[MEASURE_PASSES_MAX], answered_share[MEASURE_PASSES_MAX];
	double kind_share[MEASURE_PASSES_MAX];
	unsigned int count;
};

static void window_add(struct result *result)
{
	struct window window = window_measure();
	unsigned int i = result->count++;

	result->replies_per_s[i] = window.replies_per_s;
	result->worker_ticks[i] = window.worker_ticks;
	result->room_share[i] = window.room_share;
	result->answered_share[i] = window.answered_share;
}

/* Wrong replies end the program: no figure of theirs is worth anything. */
static void replies_check(void)
{
	const struct ring_checks *checks = &bench.generator.checks;

	if (checks->wrong == 0)
		return;
	fprintf(stderr, "bench-ring: %llu of %llu replies looked at are wrong: %s\n",
		(unsigned long long)checks->wrong, (unsigned long long)checks->seen,
		checks->reason);
	exit(1);
}

/* Of a run's replies, how many are interleaved or signed where all ought to be. One whose reply
 * before was sent in an interrupted call cannot be interleaved. */
static double kind_share(const struct scenario *scenario)
{
	const struct meridian_stats_worker *stats = &bench.stats;
	double replies = (double)stats->tx_packets;

	if (scenario->kind == RING_INTERLEAVED)
		return (double)stats->interleaved / replies;
	if (scenario->kind == RING_SIGNED)
		return (double)stats->authenticated / replies;
	return 1;
}

/* Nor is a figure that is mostly of something else. */
static void kind_check(const struct scenario *scenario, double share)
{
	if (share >= KIND_SHARE_MIN)
		return;
	fprintf(stderr, "bench-ring: %s: only %.3f of the replies are of that kind\n",
		scenario->key, share);
	exit(1);
}

static void scenario_run(const struct scenario *scenario, struct result *result)
{
	bench.offered_per_s = 0;
	scenario_begin(scenario);
	window_run(scenario->rate ? FILL_MS : WARM_UP_MS);
	window_add(result);
	scenario_end();
	replies_check();
	result->kind_share[result->count - 1] = kind_share(scenario);
	kind_check(scenario, result->kind_share[result->count - 1]);
}

static void scenario_report(
	struct measure_report *report, const struct scenario *scenario, struct result *result)
{
	struct measure_summary replies = measure_summarise(result->replies_per_s, result->count);
	struct measure_summary ticks = measure_summarise(result->worker_ticks, result->count);
	struct measure_summary room = measure_summarise(result->room_share, result->count);
	char key[64];

	snprintf(key, sizeof(key), "%s_replies_per_s", scenario->key);
	measure_report_value(report, key, replies.median, scenario->text);
	snprintf(key, sizeof(key), "%s_replies_per_s_max", scenario->key);
	measure_report_value(report, key, replies.max, "  best window");
	snprintf(key, sizeof(key), "%s_worker_ticks", scenario->key);
	measure_report_summary(report, key, ticks, "  ticks of the worker for each");
	snprintf(key, sizeof(key), "%s_room_share", scenario->key);
	measure_report_value(report, key, room.median,
		"  looks that found room: near 1, the generator was the limit");
	if (scenario->kind == RING_INTERLEAVED) {
		snprintf(key, sizeof(key), "%s_share", scenario->key);
		measure_report_value(report, key,
			measure_summarise(result->kind_share, result->count).median,
			"  of the replies interleaved");
	}
	if (scenario->rate == NULL)
		return;
	snprintf(key, sizeof(key), "%s_answered_share", scenario->key);
	measure_report_value(report, key,
		measure_summarise(result->answered_share, result->count).median,
		"  answered, the rest is rate-limited");
}

/* The scenarios take turns, because the machine's speed moves. */
static void scenarios_measure(struct measure_report *report, const char *only, unsigned int rounds)
{
	static struct result result[SCENARIO_COUNT];

	for (unsigned int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < SCENARIO_COUNT; i++) {
			if (only == NULL || strcmp(only, scenarios[i].key) == 0)
				scenario_run(&scenarios[i], &result[i]);
		}
	}
	for (size_t i = 0; i < SCENARIO_COUNT; i++) {
		if (result[i].count > 0)
			scenario_report(report, &scenarios[i], &result[i]);
	}
}

/* What the ring and the generator let through when nothing is computed. */
static void echo_measure(struct measure_report *report, unsigned int passes)
{
	static struct result result;
	pthread_t thread;

	memset(&bench.stats, 0, sizeof(bench.stats));
	bench.offered_per_s = 0;
	if (ring_port_init(&bench.ring, pkt_server_mac) < 0 ||
		ring_generator_init(&bench.generator, &bench.ring, NULL, NULL, 1000, RING_IPV4) <
			0) {
		fprintf(stderr, "bench-ring: no memory\n");
		exit(EXIT_START);
	}
	pthread_create(&thread, NULL, echo_thread, NULL);
	world_core_take("bench-ring", thread, WORKER_CORE);
	window_run(WARM_UP_MS);
	for (unsigned int i = 0; i < passes; i++)
		window_add(&result);
	measure_report_value(report, "ring_echo_per_s",
		measure_summarise(result.replies_per_s, result.count).median,
		"an echo that computes nothing: the ring's own ceiling");
	__atomic_store_n(&bench.echo_stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ring_generator_fini(&bench.generator);
	ring_port_fini(&bench.ring);
}

/* Three times the capacity, and the capacity itself, in turn, because the machine's speed moves.
 * The most is of a ring that is kept full and of one that gets just as much as that. */
static void overload_measure(struct measure_report *report, unsigned int passes)
{
	static double share[MEASURE_PASSES_MAX];

	scenario_begin(&scenarios[0]);
	window_run(WARM_UP_MS);
	for (unsigned int i = 0; i < passes; i++) {
		double full, paced, over;

		bench.offered_per_s = 0;
		full = window_measure().replies_per_s;
		bench.offered_per_s = 3 * full;
		over = window_run(WINDOW_MS).replies_per_s;
		bench.offered_per_s = full;
		paced = window_run(WINDOW_MS).replies_per_s;
		share[i] = over / (full > paced ? full : paced);
	}
	scenario_end();
	replies_check();
	measure_report_value(report, "overload_3x_share_of_max",
		measure_summarise(share, passes).median,
		"answered at 3 times the capacity, as a share of it");
	measure_report_value(report, "overload_lost_share",
		(double)bench.generator.missed /
			(double)(bench.generator.missed + bench.generator.sent),
		"  of all requests of these windows found the ring full");
	measure_report_value(report, "overload_receive_error_ns_max",
		bench.generator.checks.receive_error_ns_max,
		"  greatest error of T2 against the stamp, ns");
}

static void only_check(const char *only)
{
	for (size_t i = 0; i < SCENARIO_COUNT; i++) {
		if (only == NULL || strcmp(only, scenarios[i].key) == 0)
			return;
	}
	fprintf(stderr, "bench-ring: --only %s: no such scenario; there are", only);
	for (size_t i = 0; i < SCENARIO_COUNT; i++)
		fprintf(stderr, " %s", scenarios[i].key);
	fprintf(stderr, "\n");
	exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	struct measure_options options = {.passes = 21, .core = GENERATOR_CORE, .scenarios = true};
	struct measure_report report;

	measure_options_parse(&options, "bench-ring",
		"The worker loop over a ring in memory: CPU 0 answers, CPU 1 asks.", argc, argv);
	only_check(options.only);
	bench.hz = measure_ticks_hz();
	measure_report_begin(&report, "ring", options.json);
	scenarios_measure(&report, options.only, options.passes);
	if (options.only == NULL) {
		overload_measure(&report, options.passes);
		echo_measure(&report, options.passes);
	}
	return measure_report_end(&report) == 0 ? 0 : EXIT_START;
}
