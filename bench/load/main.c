/* SPDX-License-Identifier: BSD-3-Clause */

/* meridian-load: sends NTP requests on an exact schedule and judges the replies. */

#include "document.h"
#include "engine.h"
#include "kernel.h"
#include "key.h"
#include "options.h"
#include "report.h"
#include <errno.h>
#include <exit_code.h>
#include <inttypes.h>
#include <log.h>
#include <meridian/counter.h>
#include <rte_launch.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <unmap_guard.h>

#define TURN_NS 10000000

static struct load_options options;
static struct mac_key key; /* of symmetric requests */
static struct port port;
static struct traffic traffic;
static struct meter meter;
static struct engine engine;
static struct report report;
static int argument_count;
static char *const *argument_vector;

static void stop(int signal)
{
	(void)signal;
	__atomic_store_n(&engine.stop, true, __ATOMIC_RELAXED);
}

static void signals_catch(void)
{
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* --- what to send ---------------------------------------------------------------------------- */

static int target_macs(struct traffic_spec *spec)
{
	char text[ADDRESS_TEXT_SIZE];

	for (uint32_t i = 0; i < options.target_count; i++) {
		int r = 0;

		if (options.has_target_mac)
			memcpy(spec->target_mac[i], options.target_mac, 6);
		else
			r = kernel_neighbour(
				port.interface, &options.target[i], spec->target_mac[i]);
		if (r < 0)
			return log_errno(r,
				"the kernel knows no way to %s by %s (or use --target-mac)",
				address_format(&options.target[i], text), port.interface);
	}
	return 0;
}

/* Without --source the clients are the interface's own address of the family. */
static int clients_choose(struct clients *clients, bool ipv6)
{
	struct prefix own = {.length = ipv6 ? 128 : 32};
	int r = clients_init(
		clients, options.source, options.source_count, ipv6, (uint32_t)options.clients);

	if (r < 0) /* the options were checked for that */
		return r;
	for (unsigned int i = 0;
		options.source_count == 0 && clients->count == 0 && i < engine.self.address_count;
		i++) {
		own.address = engine.self.address[i];
		clients_init(clients, &own, 1, ipv6, 0);
	}
	clients->port_low = options.port_low;
	clients->port_count = (uint32_t)(options.port_high - options.port_low) + 1;
	return 0;
}

static int clients_start(void)
{
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		int r = clients_choose(&engine.self.clients[ipv6], ipv6);

		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < options.target_count; i++) {
		if (engine.self.clients[options.target[i].ipv6].count == 0) {
			log_error("no %s address to send from: --source",
				options.target[i].ipv6 ? "IPv6" : "IPv4");
			return -EADDRNOTAVAIL;
		}
	}
	return 0;
}

static int traffic_start(void)
{
	struct traffic_spec spec = {.target_count = options.target_count,
		.vlan = options.has_vlan ? (int)options.vlan : -1,
		.key = key};
	int r = target_macs(&spec);

	if (r < 0)
		return r;
	memcpy(spec.target, options.target, sizeof(spec.target));
	memcpy(spec.source_mac, engine.self.mac, sizeof(spec.source_mac));
	memcpy(spec.weight, options.weight, sizeof(spec.weight));
	memcpy(spec.clients, engine.self.clients, sizeof(spec.clients));
	if (getrandom(&spec.token_key, sizeof(spec.token_key), 0) < 0)
		return log_errno(-errno, "getrandom");
	r = traffic_init(&traffic, &spec);
	return r < 0 ? log_errno(r, "memory of clients") : 0;
}

/* What is learned from the kernel, before a port takes its packets away. */
static int names_start(void)
{
	port.interface = options.interface;
	if (port.interface[0] == '\0')
		return 0;
	engine.self.address_count =
		kernel_addresses(port.interface, engine.self.address, NEIGHBOUR_ADDRESSES);
	if (kernel_mac(port.interface, engine.self.mac) < 0) {
		log_error("--port %s: there is no interface %s", options.port, port.interface);
		return -ENODEV;
	}
	return 0;
}

static int self_start(void)
{
	int r = names_start();

	if (options.has_source_mac)
		memcpy(engine.self.mac, options.source_mac, sizeof(engine.self.mac));
	if (r == 0)
		r = clients_start();
	if (r == 0 && !options.reflect)
		r = traffic_start();
	return r;
}

/* In EAL's interrupt thread, before a dead peer's memory goes. */
static void turn_wait(void)
{
	engine_wait(&engine);
}

static int start(void)
{
	static const uint8_t no_mac[6];
	int r = self_start();

	if (r == 0)
		r = port_open(&port, &options);
	if (r < 0)
		return r;
	if (memcmp(engine.self.mac, no_mac, sizeof(no_mac)) == 0) {
		memcpy(engine.self.mac, port.mac, sizeof(port.mac));
		if (!options.reflect) { /* the templates have it */
			traffic_fini(&traffic);
			r = traffic_start();
		}
	}
	engine.port = &port;
	unmap_guard_set(turn_wait);
	engine.traffic = &traffic;
	engine.meter = &meter;
	engine.burst = (unsigned int)options.burst;
	return r;
}

/* --- measuring ------------------------------------------------------------------------------- */

/* Above that many requests a second only one in 64 is sampled. */
#define SAMPLE_ALL_MILLI UINT64_C(250000000)

static unsigned int sample_log2(void)
{
	uint64_t rate = options.search ? options.search_to_milli : options.rate_milli;

	if (options.pattern.pattern == SCHEDULE_ramp && options.pattern.ramp_to_milli > rate)
		rate = options.pattern.ramp_to_milli;
	return rate > SAMPLE_ALL_MILLI ? 6 : 0;
}

static uint64_t ms_to_ticks(uint64_t ms)
{
	return engine_hz() / 1000 * ms;
}

static struct engine_run run_of(uint64_t rate_milli)
{
	struct engine_run run = {.schedule = options.pattern,
		.warm_up_ticks = ms_to_ticks(options.warm_up_ms),
		.duration_ticks = ms_to_ticks(options.duration_ms),
		.timeout_ticks = ms_to_ticks(options.timeout_ms)};

	run.skip_ticks = engine_hz() / 1000000 * options.skip_late_us;
	run.schedule.rate_milli = rate_milli;
	run.schedule.hz = engine_hz();
	run.schedule.seed = traffic.spec.token_key;
	run.schedule.duration_ticks = run.warm_up_ticks + run.duration_ticks;
	return run;
}

/* 0 when the run was stopped during its warm-up. */
static double seconds_measured(void)
{
	if (engine.end_ticks <= engine.measure_ticks)
		return 0;
	return (double)(engine.end_ticks - engine.measure_ticks) / (double)engine_hz();
}

/* Measures at one rate, reporting meanwhile. */
static void measure(uint64_t rate_milli, struct result *ret_result)
{
	static const struct timespec pause = {.tv_nsec = TURN_NS};
	struct engine_run run = run_of(rate_milli);
	uint32_t dropped = port_dropped(&port);

	engine_prepare(&engine, &run);
	report_begin(&report, schedule_expected(&run.schedule, run.schedule.hz));
	rte_eal_remote_launch(engine_measure, &engine, port.lcore);
	while (rte_eal_get_lcore_state(port.lcore) == RUNNING) {
		nanosleep(&pause, NULL);
		report_turn(&report, &meter, __atomic_load_n(&engine.measuring, __ATOMIC_RELAXED),
			meridian_clock_ns(CLOCK_MONOTONIC));
	}
	rte_eal_wait_lcore(port.lcore);
	if (engine.measuring)
		report_end(&report, &meter);
	*ret_result = (struct result){.meter = &meter,
		.seconds = seconds_measured(),
		.receive_drops = (uint32_t)(port_dropped(&port) - dropped),
		.refused = engine.refused,
		.lag_limit_ns = options.lag_limit_ns};
	ret_result->scheduled = (double)(meter.sent + meter.skipped) + engine.unsent;
}

static int finish(const struct result *result, const struct search *search)
{
	char reason[RESULT_REASON_SIZE];
	bool limited = result_limited(result, reason);
	json_t *document;

	if (search && search->passed_milli == 0)
		limited = true;
	if (options.json) {
		document = document_new(search ? "search" : "measure", argument_count,
			argument_vector, engine_hz());
		if (search)
			document_add_search(document, search);
		document_add_results(document, result);
		if (document_print(document, stdout) < 0)
			return EXIT_START;
	} else {
		if (search)
			report_search(search, stdout);
		result_print(result, stdout);
	}
	if (report_percentiles(&report, &result->meter->round_trip) < 0)
		return EXIT_START;
	return limited || result->meter->answered == 0 ? EXIT_REFUSED : 0;
}

/* Measures until the rate has passed or has had its tries. Returns whether the generator was the
 * limit the last time. */
static bool measure_step(
	const struct search *search, uint64_t rate_milli, struct result *ret_result)
{
	char reason[RESULT_REASON_SIZE];
	uint32_t tries = 0;
	bool limited;

	do {
		measure(rate_milli, ret_result);
		limited = result_limited(ret_result, reason);
		tries++;
	} while (!engine.stop && search_again(search, tries, meter_loss(&meter), limited));
	return limited;
}

static int run_search(void)
{
	struct search search;
	struct result result = {.meter = &meter};
	uint64_t rate = 0, last = 0;
	bool limited;

	search_init(&search, options.search_loss_ppm, options.search_from_milli,
		options.search_to_milli, options.search_resolution_ppm);
	search.tries = (uint32_t)options.search_tries;
	while (!engine.stop && search_next(&search, &rate)) {
		limited = measure_step(&search, rate, &result);
		if (engine.stop)
			break; /* in the middle of a step, which says nothing */
		search_take(&search, rate, meter_loss(&meter),
			(double)meter.answered / result.seconds, limited);
		report_step(&report, &search.step[search.step_count - 1]);
		last = rate;
	}
	if (result.seconds <= 0) {
		fputs("meridian-load: stopped before the first measurement was complete\n", stderr);
		return EXIT_REFUSED;
	}
	if (!engine.stop && search.passed_milli && search.passed_milli != last)
		measure_step(
			&search, search.passed_milli, &result); /* whose results are to be shown */
	return finish(&result, &search);
}

static int run_measure(void)
{
	struct result result;

	measure(options.rate_milli, &result);
	if (result.seconds <= 0) {
		fputs("meridian-load: stopped before the measurement began\n", stderr);
		return EXIT_REFUSED;
	}
	return finish(&result, NULL);
}

static int run_reflect(void)
{
	static const struct timespec pause = {.tv_nsec = TURN_NS};
	json_t *document;

	rte_eal_remote_launch(engine_reflect, &engine, port.lcore);
	while (!__atomic_load_n(&engine.stop, __ATOMIC_RELAXED))
		nanosleep(&pause, NULL);
	rte_eal_wait_lcore(port.lcore);
	if (!options.json) {
		printf("reflected %" PRIu64 "\n", engine.reflected);
		return 0;
	}
	document = document_new("reflect", argument_count, argument_vector, engine_hz());
	json_object_set_new(document, "reflected", json_integer((json_int_t)engine.reflected));
	return document_print(document, stdout) < 0 ? EXIT_START : 0;
}

static int run(void)
{
	int status;

	if (options.reflect)
		return run_reflect();
	if (meter_init(&meter, &traffic, engine_hz(), (uint32_t)options.timeout_ms, sample_log2()) <
			0 ||
		report_init(&report, &options) < 0)
		return EXIT_START;
	status = options.search ? run_search() : run_measure();
	if (report_fini(&report) < 0)
		status = EXIT_START;
	meter_fini(&meter);
	traffic_fini(&traffic);
	return status;
}

int main(int argc, char **argv)
{
	char error[OPTIONS_ERROR_SIZE];
	int status;

	log_open("meridian-load", false, LOG_NOTICE);
	argument_count = argc;
	argument_vector = argv;
	if (options_parse(&options, argc, argv, error) < 0) {
		log_error("%s", error);
		return EXIT_USAGE;
	}
	if (options.help) {
		options_help();
		return 0;
	}
	if (options.version) {
		printf("meridian-load %s\n", MERIDIAN_VERSION);
		return 0;
	}
	if (options.key_file &&
		key_load(&key, options.key_file, (uint32_t)options.key_id, stderr) < 0)
		return EXIT_USAGE;
	if (start() < 0)
		return EXIT_START;
	signals_catch();
	status = run();
	port_close(&port);
	return status;
}
