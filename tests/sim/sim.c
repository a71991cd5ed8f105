/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * sim [-s FIRST[-LAST]] [-v] [SCENARIO...]: simulates the tracker and judges the clock it
 * publishes. sim -r FIRST[-LAST] [-v]: the same in random worlds with these numbers.
 *
 * Each scenario runs once for each seed, in a process of its own. A line "figure:" tells how good
 * the clock was, as medians over the seeds; a broken bound, a jump, a liar that is believed or a
 * figure above its limit fails. -v prints each seed's figures and what the tracker logs.
 */

#include "config.h"
#include "judge.h"
#include "random_scenario.h"
#include "track.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEDS_MAX       64
#define SEEDS           3
#define LIAR_SAMPLES    5
#define LOST_ERROR      0.15 /* of the time without synchronisation */
#define SUSPEND_GRACE_S 2.0  /* until the tracker has noticed */
#define PATH_LIMIT_S    10   /* of a cold start */
#define WANTED_SHARE    0.98 /* of the time in which a random world can be heard */
#define JUMP_GRACE      5.0  /* longest poll intervals */
#define START_POLLS     4.0  /* poll intervals, until it is synchronised for certain */

struct run {
	struct judge_result result;
	unsigned int asked; /* bits of servers that are sources in the end */
	double liar_s;      /* when a liar was believed; -1: never */
};

static struct config config;
static struct counter counter;
static const struct scenario *scenario;
static uint64_t liar_polls[WORLD_SERVERS_MAX];
static double liar_believed_s, reachable_from_s;
static int wanted_poll_log2;

static void server_write(FILE *file, size_t server)
{
	int poll_log2 = scenario->poll_log2[server];

	fprintf(file, "server 192.0.2.%zu %s minpoll %d maxpoll %d", server + 1,
		scenario->options ? scenario->options : "iburst",
		poll_log2 > 0 ? poll_log2 : scenario->minpoll_log2,
		poll_log2 > 0 ? poll_log2 : scenario->maxpoll_log2);
	if (scenario->filter[server] > 0)
		fprintf(file, " filter %d", scenario->filter[server]);
	if (scenario->option[server])
		fprintf(file, " %s", scenario->option[server]);
	fprintf(file, "\n");
}

static void config_write(FILE *file)
{
	fprintf(file, "counter monotonic-raw\nclockprecision %g\ncmdport 0\n",
		scenario->precision_s > 0 ? scenario->precision_s : 1e-7);
	if (scenario->config)
		fprintf(file, "%s\n", scenario->config);
	if (scenario->world.name)
		fprintf(file, "pool %s %s minpoll %d maxpoll %d\n", scenario->world.name,
			scenario->options, scenario->minpoll_log2, scenario->maxpoll_log2);
	for (size_t i = 0; i < scenario->world.server_count && !scenario->world.name; i++)
		server_write(file, i);
}

static void configure(void)
{
	char path[] = "/tmp/meridian-sim-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		abort();
	config_write(file);
	fclose(file);
	if (config_load(&config, path, stderr) < 0)
		abort();
	unlink(path);
}

/* A liar has to be out from its LIAR_SAMPLES-th answer as such on. */
static void watch_liars(void)
{
	for (size_t i = 0; i < track_source_count(); i++) {
		const struct source *source = track_source(i);
		size_t server = host_server_of(source->address.octets);

		if (!(scenario->liars >> server & 1))
			continue;
		if (world_now_s() < scenario->world.server[server].error_from_s)
			liar_polls[server] = source->polls;
		else if (source->polls > liar_polls[server] + LIAR_SAMPLES &&
			source->state >= SELECT_COMBINED && liar_believed_s < 0)
			liar_believed_s = world_now_s();
	}
}

static unsigned int servers_asked(void)
{
	unsigned int asked = 0;

	for (size_t i = 0; i < track_source_count(); i++) {
		if (track_source(i)->address.family != 0)
			asked |= 1u << host_server_of(track_source(i)->address.octets);
	}
	return asked;
}

static bool is_judged(double second)
{
	const struct world_suspend *suspend = &scenario->world.suspend;
	const struct world_jump *jump = &scenario->world.jump;
	double asleep_s = second - suspend->start_s, jumped_s = second - jump->at_s;

	return !(suspend->length_s > 0 && asleep_s >= 0 &&
		       asleep_s <= suspend->length_s + SUSPEND_GRACE_S) &&
		!(jump->by_s != 0 && jumped_s >= 0 &&
			jumped_s <= ldexp(JUMP_GRACE, scenario->maxpoll_log2));
}

/* From START_POLLS poll intervals after the start or an outage on: these may have grown by then. */
static bool is_wanted_synchronised(void)
{
	if (!world_is_reachable()) {
		reachable_from_s = world_now_s() + 1;
		wanted_poll_log2 = scenario->maxpoll_log2;
	}
	return world_now_s() >= reachable_from_s + ldexp(START_POLLS, wanted_poll_log2);
}

static double path_half_s(void)
{
	const struct world_server *server = &scenario->world.server[0];

	return (server->there.least_s + server->back.least_s) / 2;
}

static void tracker_start(void)
{
	if (counter_init(&counter, &config) < 0 || track_init(&config, &counter) < 0)
		abort();
}

static struct run simulate(uint64_t number)
{
	struct seed seed = {.state = number * UINT64_C(0x2545f4914f6cdd1d)};
	double probe_s = scenario->probe_s > 0 ? scenario->probe_s : scenario->duration_s - 1;
	struct run run;

	configure();
	liar_believed_s = -1;
	reachable_from_s = 0;
	wanted_poll_log2 = scenario->minpoll_log2;
	judge_start(scenario->duration_s,
		scenario->score_from_s > 0 ? scenario->score_from_s : scenario->duration_s / 4,
		probe_s);
	host_start(&scenario->world, seed, judge_publication);
	tracker_start();
	for (double second = 0; second < scenario->duration_s; second++) {
		host_run(second);
		if (second > 0 && second == scenario->restart_s) {
			track_fini();
			tracker_start();
		}
		judge_second(is_judged(second), is_wanted_synchronised(),
			track_status().combined.offset_sd_s);
		watch_liars();
	}
	run = (struct run){.result = judge_end(path_half_s()),
		.asked = servers_asked(),
		.liar_s = liar_believed_s};
	track_fini();
	config_free(&config);
	return run;
}

/* The tracker is one for a process: each run has its own. */
static struct run run_apart(uint64_t seed, bool verbose)
{
	struct run run;
	int ends[2], status;
	pid_t child;

	fflush(stdout);
	if (pipe(ends) < 0 || (child = fork()) < 0)
		abort();
	if (child == 0) {
		if (!verbose && !freopen("/dev/null", "w", stderr))
			_exit(1);
		run = simulate(seed);
		if (write(ends[1], &run, sizeof(run)) != (ssize_t)sizeof(run))
			_exit(1);
		fflush(NULL);
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &run, sizeof(run)) != (ssize_t)sizeof(run)) {
		fprintf(stderr, "%s, seed %d: no result\n", scenario->name, (int)seed);
		exit(1);
	}
	close(ends[0]);
	waitpid(child, &status, 0);
	return run;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median of the doubles at `offset` in each result. */
static double median(const struct run *run, size_t count, size_t offset)
{
	double value[SEEDS_MAX];

	for (size_t i = 0; i < count; i++)
		memcpy(&value[i], (const char *)&run[i].result + offset, sizeof(double));
	qsort(value, count, sizeof(value[0]), compare_double);
	return value[count / 2];
}

#define MEDIAN(field) median(run, count, offsetof(struct judge_result, field))

static void print_run(uint64_t seed, const struct run *run)
{
	const struct judge_result *r = &run->result;

	printf("# %s seed %d: rms %.6g max %.6g us, probe %.4g us, bound %.4g us, rate %.2g, "
	       "1 ms %.0f s, 100 us %.0f s, path %.0f s, %d requests\n",
		scenario->name, (int)seed, r->rms_s * 1e6, r->max_s * 1e6, r->probe_s * 1e6,
		r->bound_s * 1e6, r->rate_rms, r->within_ms_s, r->within_100us_s, r->within_path_s,
		(int)r->requests);
}

static double mean_requests(const struct run *run, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (double)run[i].result.requests;
	return sum / (double)count;
}

static void print_figure(const struct run *run, size_t count)
{
	double max_s = 0;

	for (size_t i = 0; i < count; i++)
		max_s = fmax(max_s, run[i].result.max_s);
	printf("figure: %-14s rms %9.3f us, max %9.2f, at the probe %8.2f, bound %8.1f, "
	       "rate %.1e, of the line %.1e, %.1f sigma, in 1 ms after %.0f s, 100 us %.0f s, "
	       "RTT/2 %.0f s, %.0f "
	       "requests\n",
		scenario->name, MEDIAN(rms_s) * 1e6, max_s * 1e6, MEDIAN(probe_s) * 1e6,
		MEDIAN(bound_s) * 1e6, MEDIAN(rate_rms), MEDIAN(line_rms), MEDIAN(sigma_rms),
		MEDIAN(within_ms_s), MEDIAN(within_100us_s), MEDIAN(within_path_s),
		mean_requests(run, count));
}

static bool fail(uint64_t seed, const char *what, double value)
{
	printf("%s, seed %d: %s %g\n", scenario->name, (int)seed, what, value);
	return false;
}

static bool check(const struct run *run, uint64_t seed)
{
	const struct judge_result *r = &run->result;
	bool ok = true;

	if (r->violations > 0 && !scenario->broken_promise) {
		ok = fail(seed, "the bound does not hold, first at", r->violation_s);
		fail(seed, "seconds without the bound:", r->violations);
	}
	if (r->breaks > 0)
		ok = fail(seed, "jumps that are not said:", r->breaks);
	if (r->disruptions > 0 && !scenario->may_step)
		ok = fail(seed, "steps:", r->disruptions);
	if (scenario->lost_s > 0 &&
		fabs(r->unsynchronised - scenario->lost_s) > LOST_ERROR * scenario->lost_s)
		ok = fail(seed, "seconds without synchronisation, not as many as wanted:",
			r->unsynchronised);
	if (scenario->lost_s > 0 && r->returns != scenario->comes)
		ok = fail(seed, "times that synchronisation came back, not as often as wanted:",
			r->returns);
	if (r->unsynchronised > 0 && !scenario->may_lose)
		ok = fail(seed, "seconds without synchronisation:", r->unsynchronised);
	if (run->asked & scenario->replaced)
		ok = fail(seed, "servers of the pool that should not be asked any more:",
			run->asked & scenario->replaced);
	if (run->liar_s >= 0)
		ok = fail(seed, "a server that lies is believed at", run->liar_s);
	return ok;
}

/* Never, or later than that. */
static bool is_late(double after_s, double limit_s)
{
	return after_s < 0 || after_s > limit_s;
}

static bool check_cold_start(const struct run *run, size_t count, uint64_t first)
{
	bool ok = true;

	if (scenario->cold_limit_s <= 0)
		return true;
	if (is_late(MEDIAN(within_path_s), PATH_LIMIT_S))
		ok = fail(first, "not soon enough within half a round trip: after s",
			MEDIAN(within_path_s));
	if (is_late(MEDIAN(within_ms_s), scenario->cold_limit_s))
		ok = fail(first, "not soon enough within 1 ms: after s", MEDIAN(within_ms_s));
	return ok;
}

static bool check_figures(const struct run *run, size_t count, uint64_t first)
{
	bool ok = check_cold_start(run, count, first);

	if (MEDIAN(rms_s) > scenario->rms_limit_s)
		ok = fail(first, "the error is above the limit of", scenario->rms_limit_s);
	if (scenario->rate_limit > 0 && MEDIAN(line_rms) > scenario->rate_limit)
		ok = fail(first, "the error of the rate is above", scenario->rate_limit);
	if (!(MEDIAN(bound_s) <= scenario->bound_limit_s))
		ok = fail(first, "the bound is above the limit of", scenario->bound_limit_s);
	if (mean_requests(run, count) > scenario->requests_limit)
		ok = fail(first, "more requests than", scenario->requests_limit);
	return ok;
}

static bool run_scenario(uint64_t first, uint64_t last, bool verbose)
{
	struct run run[SEEDS_MAX];
	size_t count = 0;
	bool ok = true;

	for (uint64_t seed = first; seed <= last && count < SEEDS_MAX; seed++, count++) {
		run[count] = run_apart(seed, verbose);
		if (verbose)
			print_run(seed, &run[count]);
		ok &= check(&run[count], seed);
	}
	print_figure(run, count);
	return check_figures(run, count, first) && ok;
}

/* A clock that is never synchronised, or has a bound that says nothing, breaks no promise. */
static bool check_world(const struct run *run, uint64_t number)
{
	const struct judge_result *r = &run->result;

	if (scenario->tied)
		return true;
	if (r->wanted_share < WANTED_SHARE)
		return fail(
			number, "synchronised in a share of the time, too low:", r->wanted_share);
	if (r->wanted_bound_s > scenario->bound_limit_s)
		return fail(number, "the bound is above what the paths allow:", r->wanted_bound_s);
	return true;
}

/* Of what every scenario promises, nothing is left out. */
static bool run_random(uint64_t first, uint64_t last, bool verbose)
{
	unsigned int broken = 0;

	for (uint64_t number = first; number <= last; number++) {
		struct run run;
		bool ok, likely;

		scenario = random_scenario(number);
		run = run_apart(number, verbose);
		if (verbose)
			print_run(number, &run);
		ok = check(&run, number);
		likely = check_world(&run, number);
		ok = ok && likely; /* after both have said what is wrong */
		if (!ok || verbose)
			random_scenario_print(scenario);
		broken += !ok;
	}
	printf("figure: %d random worlds, %u broken\n", (int)(last - first + 1), broken);
	return broken == 0;
}

static bool is_wanted(char **names, int count)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(names[i], scenario->name) == 0)
			return true;
	}
	return count == 0;
}

static int help(void)
{
	printf("usage: sim [-s FIRST[-LAST]] [-v] [SCENARIO...]\n"
	       "       sim -r FIRST[-LAST] [-v]\n");
	for (size_t i = 0; i < scenario_count; i++)
		printf("  %-16s %s\n", scenarios[i].name, scenarios[i].text);
	return 0;
}

static int refuse(const char *word, const char *text)
{
	fprintf(stderr, "sim: '%s' is %s; see sim -h\n", word, text);
	return 2;
}

/* FIRST, or FIRST-LAST. */
static bool seeds_parse(const char *text, unsigned long *ret_first, unsigned long *ret_last)
{
	int end = 0;

	if (sscanf(text, "%lu%n-%lu%n", ret_first, &end, ret_last, &end) == 1)
		*ret_last = *ret_first;
	return end > 0 && text[end] == '\0' && isdigit((unsigned char)text[0]) &&
		*ret_last >= *ret_first;
}

static const char *unknown_name(char **names, int count)
{
	for (int i = 0; i < count; i++) {
		size_t k = 0;

		while (k < scenario_count && strcmp(names[i], scenarios[k].name) != 0)
			k++;
		if (k == scenario_count)
			return names[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long first = 1, last = 0;
	bool verbose = false, ok = true, random = false;
	const char *unknown;
	int option;

	while ((option = getopt(argc, argv, "hr:s:v")) != -1) {
		if (option == 'h')
			return help();
		if (option == '?')
			return 2;
		if (option == 'v')
			verbose = true;
		else if (!seeds_parse(optarg, &first, &last))
			return refuse(optarg, "no seed FIRST or seeds FIRST-LAST");
		random |= option == 'r';
	}
	unknown = unknown_name(argv + optind, argc - optind);
	if (unknown != NULL)
		return refuse(unknown, "no scenario");
	if (random)
		return run_random(first, last, verbose) ? 0 : 1;
	for (size_t i = 0; i < scenario_count; i++) {
		scenario = &scenarios[i];
		if (!is_wanted(argv + optind, argc - optind))
			continue;
		ok &= run_scenario(first,
			last                      ? last
				: scenario->seeds ? scenario->seeds
						  : SEEDS,
			verbose);
	}
	return ok ? 0 : 1;
}
