/* SPDX-License-Identifier: BSD-3-Clause */
#include "simulated_clock.h"
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <transmit_delay.h>

#include <cmocka.h>

#define READINGS  16
#define TURN_MS   100
#define SEEDS     20
#define LEARN     80 /* turns until the clock and the delay are known */
#define TURNS     600
#define MS        1e-3
#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define MEDIAN_NS 150.0 /* off the true one, beside the clock's error, */
#define SIGMAS    5     /* and what the median of 64 scatters */
#define SHARE_MAX 0.04  /* of replies outside the error that is told */

/* How long replies take. */
struct way {
	double least_s, scatter_s;  /* exponential */
	double queues, queue_max_s; /* share of the replies behind others, uniform */
	double stops, stop_max_s;   /* share whose thread was interrupted, uniform */
};

static const struct simulated_spec plain = {
	.hz = 1000000000, .bits = 64, .frequency = 23e-6, .wander = 1e-9, .width_s = 1e-6, .to = 1};

static const struct way quiet = {.least_s = 1.8e-6, .scatter_s = 100e-9};

struct world {
	struct simulated device;
	struct device_clock clock;
	struct transmit_delay delay;
	double truth_ns; /* of the last reply */
	struct device_line line;
	uint64_t handed, now, stamp; /* what is seen of it */
};

static void world_init(struct world *world, const struct simulated_spec *spec, uint64_t seed)
{
	struct device_clock_kind kind = {.hz = spec->hz, .bits = (uint8_t)spec->bits};

	*world = (struct world){.truth_ns = 0};
	simulated_init(&world->device, spec, seed);
	assert_int_equal(device_clock_init(&world->clock, &kind, SIMULATED_COUNTER_HZ), 0);
}

static double way_draw(struct simulated *device, const struct way *way)
{
	double s = way->least_s - way->scatter_s * log(1 - simulated_random(device));

	if (simulated_random(device) < way->queues)
		s += way->queue_max_s * simulated_random(device);
	if (simulated_random(device) < way->stops)
		s += way->stop_max_s * simulated_random(device);
	return s;
}

/* A reply at any time of a turn; the clock is read, and then its stamp, when the turn ends. */
static void reply(struct world *world, const struct way *way)
{
	struct simulated *device = &world->device;
	unsigned int ms = 1 + (unsigned int)(simulated_random(device) * (TURN_MS - 2));
	double took_s = fmin(way_draw(device, way), 0.9 * MS);
	double at = 1 - simulated_random(device) * (1 - took_s / MS);

	simulated_pass(device, ms);
	world->handed = simulated_counter(device, at);
	world->stamp = simulated_stamp(device, at - took_s / MS);
	world->truth_ns = took_s * 1e9;
	simulated_pass(device, TURN_MS - ms);
	simulated_read(device, &world->clock, READINGS);
	world->line = device_clock_line(&world->clock);
	world->now = simulated_counter(device, 0);
}

static bool note(struct world *world)
{
	return transmit_delay_note(
		&world->delay, &world->line, world->handed, world->now, world->stamp);
}

static int ascending(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median_draw(const struct way *way)
{
	static double s[4001];
	struct simulated device;

	simulated_init(&device, &plain, 77);
	for (size_t i = 0; i < COUNT(s); i++)
		s[i] = way_draw(&device, way);
	qsort(s, COUNT(s), sizeof(s[0]), ascending);
	return s[COUNT(s) / 2] * 1e9;
}

/* Of a seed: returns the share of the replies after LEARN that the error does not hold. */
static double run(const struct simulated_spec *spec, const struct way *way, uint64_t seed)
{
	double median_ns = median_draw(way), outside = 0, n = 0;
	double scatter_ns = SIGMAS * way->scatter_s * 1e9 / sqrt(TRANSMIT_DELAY_SAMPLES);
	struct transmit_delay_known known;
	struct world world;

	world_init(&world, spec, seed);
	for (unsigned int i = 0; i < TURNS; i++) {
		known = transmit_delay_known(&world.delay);
		reply(&world, way);
		note(&world);
		if (i < LEARN)
			continue;
		assert_true(known.known);
		n++;
		outside += fabs(world.truth_ns - known.delay_ns) > known.error_ns;
		if (fabs(known.delay_ns - median_ns) >
			MEDIAN_NS + scatter_ns + (double)world.line.error_ns)
			fail_msg("seed %" PRIu64 ": %d ns for %.0f", seed, known.delay_ns,
				median_ns);
	}
	return outside / n;
}

static void check(const char *name, const struct simulated_spec *spec, const struct way *way)
{
	double worst = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		worst = fmax(worst, run(spec, way, seed));
	print_message("# %s: at most %.1f %% outside\n", name, worst * 100);
	if (worst > SHARE_MAX)
		fail_msg("%s: %.1f %% outside the error", name, worst * 100);
}

static void knows_how_long_replies_take(void **state)
{
	static const struct way ways[] = {
		{.least_s = 1.8e-6, .scatter_s = 100e-9},
		{.least_s = 600e-9, .scatter_s = 5e-9},
		{.least_s = 2.5e-6, .scatter_s = 300e-9, .queues = 0.2, .queue_max_s = 12e-6},
		{.least_s = 25e-6, .scatter_s = 2e-6},
		{.least_s = 1.8e-6, .scatter_s = 100e-9, .stops = 0.02, .stop_max_s = 500e-6},
	};
	char name[] = "way 0";

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		name[4] = (char)('0' + i);
		check(name, &plain, &ways[i]);
	}
}

static void works_with_clocks_of_any_kind(void **state)
{
	struct simulated_spec spec[] = {plain, plain, plain, plain};
	char name[] = "clock 0";

	(void)state;
	spec[0].bits = 32;
	spec[1].hz = 62500000; /* igb: 16 ns */
	spec[1].bits = 40;
	spec[2].hz = 78125000;
	spec[2].frequency = -87e-6;
	spec[3].width_s = 20e-6; /* as slow to read as in a virtual machine */
	for (size_t i = 0; i < COUNT(spec); i++) {
		name[6] = (char)('0' + i);
		check(name, &spec[i], &quiet);
	}
}

static void learn(struct world *world, const struct way *way, uint64_t seed)
{
	world_init(world, &plain, seed);
	for (unsigned int i = 0; i < LEARN; i++) {
		reply(world, way);
		note(world);
	}
	assert_true(transmit_delay_known(&world->delay).known);
}

static void needs_some_samples(void **state)
{
	struct world world;
	unsigned int taken = 0;

	(void)state;
	world_init(&world, &plain, 1);
	for (unsigned int i = 0; i < LEARN && taken < TRANSMIT_DELAY_SAMPLES_MIN; i++) {
		assert_false(transmit_delay_known(&world.delay).known);
		reply(&world, &quiet);
		taken += note(&world);
	}
	assert_int_equal(taken, TRANSMIT_DELAY_SAMPLES_MIN);
	assert_true(transmit_delay_known(&world.delay).known);
	assert_int_equal(world.delay.taken, TRANSMIT_DELAY_SAMPLES_MIN);
}

/* Until the device's clock is known, no stamp can be placed. */
static void believes_no_stamp_without_a_line(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, &plain, 2);
	reply(&world, &quiet);
	assert_int_equal(world.line.bits, 0);
	assert_false(note(&world));
	assert_int_equal(world.delay.refused, 1);
	learn(&world, &quiet, 8);
	reply(&world, &quiet);
	world.now = world.line.until_counter; /* it is void by then */
	assert_false(note(&world));
}

/* The register still has what came before: the packet is on the wire before it is handed over. */
static void refuses_the_stamp_of_another_packet(void **state)
{
	struct transmit_delay_known before;
	struct world world;
	uint64_t stale;

	(void)state;
	learn(&world, &quiet, 3);
	before = transmit_delay_known(&world.delay);
	reply(&world, &quiet);
	stale = world.stamp;
	reply(&world, &quiet);
	world.stamp = stale;
	assert_false(note(&world));
	world.stamp = 0;
	assert_false(note(&world));
	reply(&world, &quiet);
	world.stamp -= 5000; /* of the burst before, to this reply's handing over */
	assert_false(note(&world));
	assert_int_equal(transmit_delay_known(&world.delay).delay_ns, before.delay_ns);
	assert_true(transmit_delay_known(&world.delay).known);
}

/* A reply whose thread was interrupted says nothing of the others. */
static void refuses_what_was_interrupted(void **state)
{
	static const struct way stopped = {.least_s = 1e-9 * TRANSMIT_DELAY_MAX_NS + 5e-6};
	static const struct way late = {.least_s = 1e-9 * TRANSMIT_DELAY_MAX_NS - 5e-6};
	struct world world;

	(void)state;
	learn(&world, &quiet, 7);
	reply(&world, &stopped);
	assert_false(note(&world));
	reply(&world, &late);
	assert_true(note(&world));
}

static void gives_up_what_is_contradicted(void **state)
{
	struct world world;

	(void)state;
	learn(&world, &quiet, 4);
	for (unsigned int i = 0; i < TRANSMIT_DELAY_REFUSED_MAX; i++) {
		assert_true(transmit_delay_known(&world.delay).known);
		reply(&world, &quiet);
		world.stamp -= 1000000;
		assert_false(note(&world));
	}
	assert_false(transmit_delay_known(&world.delay).known);
	assert_int_equal(
		world.delay.refused, TRANSMIT_DELAY_REFUSED_MAX + LEARN - world.delay.taken);
}

/* A step of the device's clock that comes between the reply and the reading is in the sample. */
static void serves_no_wrong_delay_when_a_clock_is_set(void **state)
{
	static const double steps_s[] = {-3600, -1, -150e-6, 150e-6, 1, 3600};

	(void)state;
	for (size_t i = 0; i < COUNT(steps_s); i++) {
		struct world world;

		learn(&world, &quiet, 10 + i);
		world.device.step_s += steps_s[i];
		for (unsigned int turn = 0; turn < LEARN; turn++) {
			struct transmit_delay_known known;

			reply(&world, &quiet);
			note(&world);
			known = transmit_delay_known(&world.delay);
			if (known.known)
				assert_in_range(known.delay_ns, 1000, 3000);
		}
		assert_true(transmit_delay_known(&world.delay).known);
	}
}

static void follows_a_way_that_changes(void **state)
{
	static const struct way longer = {.least_s = 9e-6, .scatter_s = 100e-9};
	struct world world;

	(void)state;
	learn(&world, &quiet, 5);
	for (unsigned int i = 0; i < TRANSMIT_DELAY_SAMPLES; i++) {
		struct transmit_delay_known known;

		reply(&world, &longer);
		assert_true(note(&world));
		known = transmit_delay_known(&world.delay);
		assert_true(fabs(world.truth_ns - known.delay_ns) <= known.error_ns);
	}
	assert_in_range(transmit_delay_known(&world.delay).delay_ns, 8900, 9300);
}

static void begins_anew_with_another_link(void **state)
{
	struct world world;
	uint64_t taken;

	(void)state;
	learn(&world, &quiet, 6);
	taken = world.delay.taken;
	transmit_delay_restart(&world.delay);
	assert_false(transmit_delay_known(&world.delay).known);
	assert_int_equal(transmit_delay_known(&world.delay).delay_ns, 0);
	assert_int_equal(world.delay.taken, taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_how_long_replies_take),
		cmocka_unit_test(works_with_clocks_of_any_kind),
		cmocka_unit_test(needs_some_samples),
		cmocka_unit_test(believes_no_stamp_without_a_line),
		cmocka_unit_test(refuses_the_stamp_of_another_packet),
		cmocka_unit_test(refuses_what_was_interrupted),
		cmocka_unit_test(gives_up_what_is_contradicted),
		cmocka_unit_test(serves_no_wrong_delay_when_a_clock_is_set),
		cmocka_unit_test(follows_a_way_that_changes),
		cmocka_unit_test(begins_anew_with_another_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
