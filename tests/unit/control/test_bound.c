/* SPDX-License-Identifier: BSD-3-Clause */
#include "bound.h"
#include "path.h"
#include "select.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LIVES 1000

/* A clock that is led as control leads it: to the estimate, at every sample. */
struct life {
	const char *name;
	double delay_s, queue_s; /* of the path */
	double frequency;        /* of the counter */
	double believed;         /* what a drift file said of it, to believed_sd */
	double believed_sd;
	double burst_s; /* between the first four samples */
	double poll_s;
	unsigned int samples;
};

static const struct life lives[] = {
	{"WAN, burst", 10e-3, 1e-3, 10e-6, 0, 1e-4, 2, 64, 20},
	{"WAN, long queues", 1e-3, 5e-3, -40e-6, 0, 1e-4, 2, 64, 50},
	{"WAN, long queues, long poll", 1e-3, 5e-3, 10e-6, 0, 1e-4, 2, 1024, 20},
	{"WAN, long poll", 5e-3, 1e-3, 10e-6, 0, 1e-4, 2, 1024, 20},
	{"LAN, poll 16", 80e-6, 20e-6, 10e-6, 0, 1e-4, 2, 16, 50},
	{"LAN, poll 64", 80e-6, 20e-6, 10e-6, 0, 1e-4, 2, 64, 20},
	{"LAN, near", 10e-6, 5e-6, 50e-6, 0, 1e-4, 2, 64, 20},
	{"drift file off by 20 ppm", 80e-6, 20e-6, 10e-6, -10e-6, 1e-6, 2, 64, 20},
	{"drift file off by 80 ppm", 80e-6, 20e-6, 40e-6, -40e-6, 1e-6, 64, 64, 20},
	{"drift file off by 5 ppm, WAN", 10e-3, 1e-3, 5e-6, 10e-6, 1e-6, 64, 64, 30},
	{"drift file off by 5 ppm, near", 10e-6, 1e-6, 10e-6, 5e-6, 1e-6, 16, 16, 20},
};

static struct clock_line believed_line(const struct estimator *estimator, uint64_t counter)
{
	struct clock_line line = {.counter = counter};
	struct estimate estimate;

	estimator_predict(estimator, counter, &estimate);
	line.offset_s = estimate.offset_s;
	line.frequency = estimate.frequency;
	return line;
}

/* How far beyond its bound the line is when `seconds` have passed; negative: within. */
static double beyond(const struct path *path, const struct clock_line *line,
	const struct bound *bound, double seconds)
{
	uint64_t then = line->counter + (uint64_t)timescale_ticks(&path->timescale, seconds);
	double error_s = line->offset_s + seconds * line->frequency - path_true_offset(path, then);

	return fabs(error_s) - root_distance_s(&bound->distance) - seconds * bound->drift;
}

static bool life_holds(const struct life *life, struct path *path)
{
	struct estimator estimator;
	double next_s = 1;

	estimator_init(&estimator, &path->timescale, life->believed, life->believed_sd);
	for (unsigned int i = 0; i < life->samples; i++) {
		struct sample sample = path_sample(path, next_s);
		struct clock_line line;
		struct bound bound;

		estimator_add(&estimator, &sample);
		line = believed_line(&estimator, path_counter(path, path->true_s));
		bound = bound_of_line(&estimator, &line);
		next_s = i < 3 ? life->burst_s : life->poll_s;
		/* Now, and right before the next sample. */
		if (beyond(path, &line, &bound, 0) > 0 || beyond(path, &line, &bound, next_s) > 0)
			return false;
	}
	return true;
}

static void test_holds_from_the_first_sample_on(void **state)
{
	struct path path;
	struct seed seed = seed_init("bound");

	(void)state;
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		unsigned int broken = 0;

		for (unsigned int n = 0; n < LIVES; n++) {
			path_init(&path, seed);
			path.delay_s = lives[i].delay_s;
			path.queue_s = lives[i].queue_s;
			path.frequency = lives[i].frequency;
			broken += !life_holds(&lives[i], &path);
			seed = path.seed;
		}
		if (broken)
			print_error("%s: %u of %d lives\n", lives[i].name, broken, LIVES);
		assert_int_equal(broken, 0);
	}
}

/* An only source whose time moves: from its first sample on, the bound covers the old time and the
 * new one, and the clock follows when ESTIMATOR_DISPUTED samples say so. */
static void test_step_is_covered_and_followed(void **state)
{
	struct seed seed = seed_init("step");

	(void)state;
	for (unsigned int n = 0; n < 300; n++) {
		struct estimator estimator;
		struct path path;
		double step_s;

		path_init(&path, seed);
		/* Less than two round trips is within what the source promises. */
		step_s = copysign(1e-3 + 2 * path_random(&path), path_random(&path) - 0.5);
		estimator_init(&estimator, &path.timescale, 0, 1e-4);
		for (unsigned int i = 0; i < 60; i++) {
			struct sample sample;
			struct clock_line line;
			struct bound bound;
			double error_s;

			path.server_offset_s = i >= 40 ? step_s : 0;
			sample = path_sample(&path, 16);
			estimator_add(&estimator, &sample);
			line = believed_line(&estimator, path_counter(&path, path.true_s));
			bound = bound_of_line(&estimator, &line);
			error_s = line.offset_s - path_true_offset(&path, line.counter);
			assert_true(fabs(error_s - path.server_offset_s) <=
				root_distance_s(&bound.distance));
			if (i >= 40 && i < 40 + ESTIMATOR_DISPUTED - 1)
				assert_true(fabs(error_s) <= root_distance_s(&bound.distance));
			else
				assert_true(root_distance_s(&bound.distance) < 2e-3);
		}
		seed = path.seed;
	}
}

/* A source that ran away and came back leaves the filters somewhere absurd. */
static void test_recovers_from_a_runaway(void **state)
{
	struct estimator estimator;
	struct path path;
	struct bound bound = {.drift = 0};

	(void)state;
	path_init(&path, seed_init("runaway"));
	estimator_init(&estimator, &path.timescale, 0, 1e-4);
	for (unsigned int i = 0; i < 100; i++) {
		struct sample sample;
		struct clock_line line;

		if (i >= 40 && i < 47)
			path.server_offset_s += 1.6; /* 10 % fast */
		sample = path_sample(&path, 16);
		estimator_add(&estimator, &sample);
		line = believed_line(&estimator, sample.counter);
		bound = bound_of_line(&estimator, &line);
		if (i >= 60)
			assert_true(root_distance_s(&bound.distance) < 1e-3);
	}
	assert_true(bound.drift < 3e-6);
}

static void add_samples(struct estimator *estimator, struct path *path, unsigned int count)
{
	while (count-- > 0) {
		struct sample sample = path_sample(path, 2);

		estimator_add(estimator, &sample);
	}
}

/* A held clock, and a server that is 0.3 s off and answers first; then the three others. */
static void test_one_wrong_server_of_four(void **state)
{
	const double held_s = 1e-3;
	struct estimator estimator[4];
	struct select_source offered[4];
	struct estimate combined;
	struct path path[4];
	struct clock_line line;
	struct bound bound[4];
	int best;

	(void)state;
	for (int i = 0; i < 4; i++) {
		path_init(&path[i], seed_init("four"));
		path[i].server_offset_s = i == 0 ? 0.3 : 0;
		estimator_init(&estimator[i], &path[i].timescale, path[i].frequency, 1e-6);
	}
	add_samples(&estimator[0], &path[0], 1);
	line = believed_line(&estimator[0], path_counter(&path[0], path[0].true_s));
	line.offset_s -= 0.3; /* the clock is right */
	bound[0] = bound_of_line(&estimator[0], &line);
	assert_false(bound_outvotes(&bound[0], held_s, 1, BOUND_LONE_COUNT - 1));
	assert_true(bound_outvotes(&bound[0], held_s, 1, BOUND_LONE_COUNT));
	assert_true(bound_held_s(held_s, bound, 1) >= 0.3);

	for (int i = 1; i < 4; i++)
		add_samples(&estimator[i], &path[i], 1);
	for (int i = 0; i < 4; i++) {
		struct clock_line believed = believed_line(&estimator[i], line.counter);
		struct bound own = bound_of_line(&estimator[i], &believed);

		bound[i] = bound_of_line(&estimator[i], &line);
		offered[i] = (struct select_source){
			.usable = true, .distance_s = root_distance_s(&own.distance)};
		estimator_predict(&estimator[i], line.counter, &offered[i].estimate);
	}
	assert_true(bound_held_s(held_s, bound, 4) == held_s);
	best = select_combine(offered, 4, 1, &combined);
	assert_in_range(best, 1, 3);
	assert_int_equal(offered[0].state, SELECT_FALSETICKER);
	assert_true(bound_outvotes(&bound[best], held_s, 3, 0));
	assert_true(fabs(line.offset_s - path_true_offset(&path[1], line.counter)) <=
		root_distance_s(&bound[best].distance));
}

static void test_held(void **state)
{
	struct bound bound[] = {{.gap_s = 0.2, .distance.dispersion_s = 0.3},
		{.gap_s = 0.4, .distance.delay_s = 1}};

	(void)state;
	assert_true(bound_held_s(0.1, bound, 0) == 0.1);
	assert_true(bound_held_s(0.1, bound, 1) == 0.3);
	assert_true(bound_held_s(0.1, bound, 2) == 0.5);
	bound[1].gap_s = 0.05; /* one agrees */
	assert_true(bound_held_s(0.1, bound, 2) == 0.1);
}

/* Of those that say the least one keeps its promise, and it may be the last of them. */
static void test_of_several_some_may_lie(void **state)
{
	struct bound bound[] = {{.distance.dispersion_s = 0.3, .drift = 1e-6},
		{.distance.delay_s = 0.2, .drift = 2e-6},
		{.distance.dispersion_s = 1e-6, .drift = 5e-6}};
	struct bound sure = bound_despite(bound, 3, 1);

	(void)state;
	assert_true(sure.distance.delay_s == 0.2 && sure.distance.dispersion_s == 0);
	assert_true(sure.drift == 5e-6);
	sure = bound_despite(bound, 3, 0);
	assert_true(sure.distance.dispersion_s == 1e-6 && sure.drift == 5e-6);
	sure = bound_despite(bound, 3, 2);
	assert_true(root_distance_s(&sure.distance) == 0.3);
}

static void test_distance_includes_the_server(void **state)
{
	struct estimator estimator;
	struct path path;
	struct sample sample;
	struct clock_line line;
	struct bound bound;

	(void)state;
	path_init(&path, seed_init("server"));
	estimator_init(&estimator, &path.timescale, 0, 1e-4);
	sample = path_sample(&path, 1);
	sample.root_delay_s = 0.5;
	sample.root_dispersion_s = 0.25;
	line = (struct clock_line){.counter = sample.counter};
	estimator_add(&estimator, &sample);
	bound = bound_of_line(&estimator, &line);
	assert_true(bound.distance.delay_s == sample.delay_s + 0.5);
	assert_true(bound.distance.dispersion_s >= 0.25);
	assert_true(bound.distance.dispersion_s < 0.25 + 1e-3);
	assert_true(bound.drift >= 1e-4);
}

/* Queues of 20 ms now and then, long and short intervals: a long life. */
static void test_holds_always(void **state)
{
	struct estimator estimator;
	struct path path;

	(void)state;
	path_init(&path, seed_init("always"));
	estimator_init(&estimator, &path.timescale, 0, 1e-4);
	for (unsigned int i = 0; i < 5000; i++) {
		double next_s = 1 + 100 * path_random(&path);
		struct clock_line line;
		struct bound bound;
		struct sample sample;

		path.queue_s = path_random(&path) < 0.05 ? 20e-3 : 20e-6;
		sample = path_sample(&path, next_s);
		estimator_add(&estimator, &sample);
		assert_false(estimator.restarted);
		line = believed_line(&estimator, path_counter(&path, path.true_s));
		bound = bound_of_line(&estimator, &line);
		assert_true(beyond(&path, &line, &bound, 0) <= 0);
		assert_true(beyond(&path, &line, &bound, 101) <= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds_from_the_first_sample_on),
		cmocka_unit_test(test_holds_always),
		cmocka_unit_test(test_distance_includes_the_server),
		cmocka_unit_test(test_step_is_covered_and_followed),
		cmocka_unit_test(test_recovers_from_a_runaway),
		cmocka_unit_test(test_one_wrong_server_of_four),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_of_several_some_may_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
