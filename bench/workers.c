/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What two workers do together of what one does alone. Each has a core, a port that feeds itself
 * (recycle_port.h) and a rate limiter; they share the time model, the policy and the machine.
 */

#include "measure.h"
#include "recycle_port.h"
#include "world.h"
#include <exit_code.h>
#include <fixture.h>
#include <meridian/counter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <units.h>
#include <worker.h>

#define WORKERS    2
#define WARM_UP_NS 20000000
#define WINDOW_NS  60000000

/* No client is held back. */
static const struct limit_rate rate = {.interval_log2 = -26, .burst = 255};

struct one {
	struct recycle_port port;
	struct worker worker;
	struct meridian_stats_worker stats;
	pthread_t thread;
};

struct bench {
	struct meridian_timemodel model;
	struct server_view view;
	struct responder_policy *policy;
	struct one one[WORKERS];
};

static struct bench bench;

static void *worker_thread(void *argument)
{
	worker_run(argument);
	return NULL;
}

static void one_start(struct one *one, int core)
{
	memset(&one->stats, 0, sizeof(one->stats));
	if (recycle_port_init(&one->port, false) < 0 ||
		worker_init(&one->worker, &one->stats, (uint32_t)core, &bench.view) < 0) {
		fprintf(stderr, "bench-workers: no memory\n");
		exit(EXIT_START);
	}
	worker_add(&one->worker, &one->port.base);
	pthread_create(&one->thread, NULL, worker_thread, &one->worker);
	world_core_take("bench-workers", one->thread, core);
}

/* A request that was not answered ends the program: no figure of such a run is worth anything. */
static void one_stop(struct one *one)
{
	worker_set_phase(&one->worker, WORKER_STOP);
	pthread_join(one->thread, NULL);
	worker_fini(&one->worker);
	if (one->port.lost > 0) {
		fprintf(stderr, "bench-workers: %llu requests were not answered\n",
			(unsigned long long)one->port.lost);
		exit(1);
	}
	recycle_port_fini(&one->port);
}

static uint64_t replies(int count)
{
	uint64_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += meridian_stats_get(&bench.one[i].stats.tx_packets);
	return sum;
}

/* Replies a second of the first `count` workers. The main thread sleeps meanwhile. */
static double workers_run(int count)
{
	static const struct timespec warm_up = {.tv_nsec = WARM_UP_NS};
	static const struct timespec window = {.tv_nsec = WINDOW_NS};
	uint64_t before, start_ns, end_ns;

	for (int i = 0; i < count; i++)
		one_start(&bench.one[i], i);
	nanosleep(&warm_up, NULL);
	before = replies(count);
	start_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	nanosleep(&window, NULL);
	before = replies(count) - before;
	end_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	for (int i = 0; i < count; i++)
		one_stop(&bench.one[i]);
	return (double)before * NS_PER_SECOND / (double)(end_ns - start_ns);
}

/* In turn, because the machine's speed moves. */
static void measure(struct measure_report *report, unsigned int passes)
{
	static double one[MEASURE_PASSES_MAX], two[MEASURE_PASSES_MAX], ratio[MEASURE_PASSES_MAX];

	for (unsigned int i = 0; i < passes; i++) {
		one[i] = workers_run(1);
		two[i] = workers_run(WORKERS);
		ratio[i] = two[i] / one[i];
	}
	measure_report_value(report, "workers_1_replies_per_s",
		measure_summarise(one, passes).median, "one worker, fed by its own port");
	measure_report_value(report, "workers_2_replies_per_s",
		measure_summarise(two, passes).median, "two of them, on two cores");
	measure_report_summary(report, "workers_2_ratio", measure_summarise(ratio, passes),
		"  times what one does");
}

int main(int argc, char **argv)
{
	struct measure_options options = {.passes = 21, .core = -1};
	struct measure_report report;
	double hz;

	measure_options_parse(&options, "bench-workers",
		"What two workers do of what one does, without a generator.", argc, argv);
	hz = measure_ticks_hz();
	bench.policy = fixture_policy();
	bench.policy->rate = rate;
	world_model_publish(&bench.model, hz);
	bench.view = (struct server_view){
		.policy = bench.policy, .model = &bench.model, .counter_id = MERIDIAN_COUNTER_TSC};
	measure_report_begin(&report, "workers", options.json);
	measure(&report, options.passes);
	responder_policy_free(bench.policy);
	return measure_report_end(&report) == 0 ? 0 : EXIT_START;
}
