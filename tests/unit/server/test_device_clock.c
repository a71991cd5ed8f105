/* SPDX-License-Identifier: BSD-3-Clause */
#include "simulated_clock.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define READINGS 16
#define TURN_MS  100
#define SEEDS    40
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define RMS_MAX_NS  20.0
#define CONVERGED_S 15

/* The plainest: ns, 1 us to read at an instant that may be any of it, an ordinary oscillator. */
static const struct simulated_spec plain = {
	.hz = 1000000000, .bits = 64, .frequency = 23e-6, .wander = 1e-9, .width_s = 1e-6, .to = 1};

/* What a stamp of just now is converted to, in ns after the truth. */
struct judged {
	enum meridian_fault fault;
	double error_ns;
	uint64_t bound_ns;
};

static double ns(double ticks)
{
	return ticks * 1e9 / (double)SIMULATED_COUNTER_HZ;
}

static struct judged judge(struct simulated *device, const struct device_clock *clock)
{
	double share = simulated_random(device);
	uint64_t truth = simulated_counter(device, share), now = simulated_counter(device, 0);
	struct device_line line = device_clock_line(clock);
	struct judged judged = {
		.fault = MERIDIAN_FAULT_clock, .bound_ns = device_line_error_ns(&line, now)};
	struct device_line_span span;
	uint64_t counter = 0;

	if (judged.bound_ns == UINT64_MAX)
		return judged;
	span = device_line_span(&line, now, simulated_counter(device, 1));
	judged.fault = device_line_counter(&line, &span, simulated_stamp(device, share), &counter);
	judged.error_ns = ns((double)(int64_t)(counter - truth));
	return judged;
}

static void clock_init(struct device_clock *clock, const struct simulated_spec *spec, bool told)
{
	struct device_clock_kind kind = {.hz = told ? spec->hz : 0, .bits = (uint8_t)spec->bits};

	assert_int_equal(device_clock_init(clock, &kind, SIMULATED_COUNTER_HZ), 0);
}

/* A turn of the main thread, and a stamp after it, at any time until the next. */
static struct judged turn(struct simulated *device, struct device_clock *clock)
{
	unsigned int ms = 1 + (unsigned int)(simulated_random(device) * (TURN_MS - 2));
	struct judged judged;

	simulated_read(device, clock, READINGS);
	simulated_pass(device, ms);
	judged = judge(device, clock);
	simulated_pass(device, TURN_MS - ms);
	return judged;
}

/* Runs a world: the error is within the bound with each stamp that is believed, and at least
 * `share` of them are once the clock is known. Returns the RMS error then, in ns. */
static double run(
	const struct simulated_spec *spec, bool told, uint64_t seed, unsigned int s, double share)
{
	struct simulated device;
	struct device_clock clock;
	double sum2 = 0, n = 0, all = 0;

	simulated_init(&device, spec, seed);
	clock_init(&clock, spec, told);
	for (unsigned int i = 0; i < s * 1000 / TURN_MS; i++) {
		struct judged judged = turn(&device, &clock);

		if (judged.fault == MERIDIAN_FAULT_COUNT &&
			fabs(judged.error_ns) > (double)judged.bound_ns)
			fail_msg("seed %" PRIu64 ", %u: %.1f ns off, bound %" PRIu64, seed, i,
				judged.error_ns, judged.bound_ns);
		if (i < CONVERGED_S * 1000 / TURN_MS)
			continue;
		all++;
		if (judged.fault != MERIDIAN_FAULT_COUNT)
			continue;
		sum2 += judged.error_ns * judged.error_ns;
		n++;
	}
	if (n < share * all || (share == 1 && clock.jumps > 0))
		fail_msg("seed %" PRIu64 ": %.0f of %.0f believed, %" PRIu64 " jumps", seed, n, all,
			clock.jumps);
	return sqrt(sum2 / n);
}

static void check_rms(const char *name, const struct simulated_spec *spec, bool told)
{
	double worst = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		worst = fmax(worst, run(spec, told, seed, 60, 1));
	print_message("# %s: %.1f ns RMS\n", name, worst);
	if (worst > RMS_MAX_NS)
		fail_msg("%s: %.1f ns RMS", name, worst);
}

static void is_within_20_ns_of_the_truth(void **state)
{
	struct simulated_spec spec = plain;

	(void)state;
	check_rms("plain", &spec, true);
	spec.cycle = 1e-6;
	spec.cycle_s = 3600;
	check_rms("1 ppm of temperature in an hour's cycle", &spec, true);
	spec.frequency = -95e-6;
	spec.disturbed = 0.5;
	check_rms("half of the readings disturbed", &spec, true);
}

static void counts_in_any_unit_and_width(void **state)
{
	static const struct {
		const char *name;
		uint64_t hz;
		unsigned int bits;
		bool told;
	} kinds[] = {
		{"ns, 32 bits", 1000000000, 32, true},
		{"ns, 48 bits", 1000000000, 48, true},
		{"ns, 22 bits, which wrap every 4.2 ms", 1000000000, 22, true},
		{"156.25 MHz", 156250000, 64, true},
		{"125 MHz, 40 bits", 125000000, 40, true},
		{"5 GHz", UINT64_C(5000000000), 63, true},
		{"78.3 MHz, which nobody tells", 78300123, 64, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct simulated_spec spec = plain;

		spec.hz = kinds[i].hz;
		spec.bits = kinds[i].bits;
		check_rms(kinds[i].name, &spec, kinds[i].told);
	}
}

/* Where in a bracket the true instant is, nothing can see: it is in the bound. */
static void bounds_what_no_reading_shows(void **state)
{
	static const double ends[][2] = {{0, 0}, {1, 1}, {0.9, 1}, {0, 0.02}, {0.5, 0.5}};

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		struct simulated_spec spec = plain;

		spec.from = ends[i][0];
		spec.to = ends[i][1];
		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			run(&spec, true, seed, 30, 1);
	}
}

/* Slow buses, coarse ticks, bad oscillators. */
static void bounds_hold_in_bad_worlds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10 * SEEDS; seed++) {
		struct simulated_spec spec = plain;
		struct simulated dice;

		simulated_init(&dice, &plain, seed ^ UINT64_C(0x5eed));
		spec.frequency = (simulated_random(&dice) - 0.5) * 300e-6;
		spec.wander = pow(10, -11 + 3 * simulated_random(&dice));
		spec.cycle = 5e-6 * simulated_random(&dice);
		spec.cycle_s = 300 + 3600 * simulated_random(&dice);
		spec.width_s = pow(10, -7 + 2.4 * simulated_random(&dice));
		spec.disturbed = simulated_random(&dice) * 0.9;
		spec.from = simulated_random(&dice);
		spec.to = spec.from + (1 - spec.from) * simulated_random(&dice);
		spec.hz = seed % 3 == 0 ? 1000000 : UINT64_C(1000000000);
		spec.bits = seed % 2 == 0 ? 64 : 40;
		run(&spec, true, seed, 30, 0.9);
	}
}

/* Turns until the clock is good again; none of its stamps is wrong meanwhile. */
static unsigned int recover(struct simulated *device, struct device_clock *clock)
{
	unsigned int turns = 0;
	struct judged judged;

	do {
		judged = turn(device, clock);
		if (judged.fault == MERIDIAN_FAULT_COUNT)
			assert_true(fabs(judged.error_ns) <= (double)judged.bound_ns);
		assert_true(turns++ < 50);
	} while (device_clock_state(clock) != DEVICE_CLOCK_GOOD);
	return turns;
}

/* A clock that is set: until the next reading its stamps are in the future, or from before the
 * queue was empty; then there is no line, until there is a new one. */
static void gives_up_a_clock_that_was_set(void **state)
{
	static const double steps_s[] = {3600, -3600, 1.5, -1.5, 0.01, -0.01, 2e-3, -2e-3};

	(void)state;
	for (size_t i = 0; i < COUNT(steps_s); i++) {
		struct simulated device;
		struct device_clock clock;

		simulated_init(&device, &plain, i + 1);
		clock_init(&clock, &plain, true);
		while (device.t_s < CONVERGED_S)
			turn(&device, &clock);
		device.step_s = steps_s[i];
		simulated_pass(&device, 50);
		assert_int_equal(judge(&device, &clock).fault,
			steps_s[i] > 0 ? MERIDIAN_FAULT_future : MERIDIAN_FAULT_early);
		assert_int_equal(turn(&device, &clock).fault, MERIDIAN_FAULT_clock);
		assert_int_equal(device_clock_state(&clock), DEVICE_CLOCK_DOUBTED);
		assert_in_range(recover(&device, &clock), 5, 12);
		assert_int_equal(clock.jumps, 1);
	}
}

/* One reading that cannot be true costs a turn, and the line is what it was. */
static void survives_a_bad_reading(void **state)
{
	struct simulated device;
	struct device_clock clock;

	(void)state;
	simulated_init(&device, &plain, 1);
	clock_init(&clock, &plain, true);
	while (device.t_s < CONVERGED_S)
		turn(&device, &clock);
	device.step_s = 0.5;
	simulated_read(&device, &clock, READINGS);
	device.step_s = 0;
	assert_int_equal(judge(&device, &clock).fault, MERIDIAN_FAULT_clock);
	simulated_pass(&device, TURN_MS);
	assert_int_equal(turn(&device, &clock).fault, MERIDIAN_FAULT_COUNT);
	assert_int_equal(clock.refused, 1);
	assert_int_equal(clock.jumps, 0);
}

/* Nobody reads it any more. */
static void comes_to_its_end(void **state)
{
	struct simulated device;
	struct device_clock clock;
	struct judged fresh, late;

	(void)state;
	simulated_init(&device, &plain, 1);
	clock_init(&clock, &plain, true);
	while (device.t_s < CONVERGED_S)
		turn(&device, &clock);
	fresh = turn(&device, &clock);
	device_clock_note(&clock, NULL, 0);
	simulated_pass(&device, 500);
	late = judge(&device, &clock);
	assert_int_equal(late.fault, MERIDIAN_FAULT_COUNT);
	assert_true(late.bound_ns > fresh.bound_ns);
	assert_true(fabs(late.error_ns) <= (double)late.bound_ns);
	simulated_pass(&device, 500);
	assert_int_equal(judge(&device, &clock).fault, MERIDIAN_FAULT_clock);
	assert_true(recover(&device, &clock) < 5);
}

/* A driver that tells the wrong unit, and a bus that takes too long: no line, no wrong stamp. */
static void believes_no_nonsense(void **state)
{
	struct simulated_spec slow = plain;
	struct simulated device;
	struct device_clock clock;

	(void)state;
	simulated_init(&device, &plain, 1);
	clock_init(&clock, &plain, true);
	clock.kind.hz = 999000000;
	for (int i = 0; i < 200; i++)
		assert_int_equal(turn(&device, &clock).fault, MERIDIAN_FAULT_clock);
	assert_int_equal(clock.jumps, 0);
	slow.width_s = 250e-6;
	simulated_init(&device, &slow, 1);
	clock_init(&clock, &slow, true);
	for (int i = 0; i < 200; i++)
		assert_int_equal(turn(&device, &clock).fault, MERIDIAN_FAULT_clock);
	assert_int_equal(clock.refused, 200);
}

static void refuses_kinds_that_it_cannot_follow(void **state)
{
	static const struct device_clock_kind bad[] = {{1000000000, 0}, {1000000000, 65},
		{1000000000, 20}, {999, 64}, {UINT64_C(100000000001), 64}, {0, 63}};
	struct device_clock clock;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(device_clock_init(&clock, &bad[i], SIMULATED_COUNTER_HZ), -EINVAL);
	assert_int_equal(device_clock_init(&clock, &(struct device_clock_kind){0, 64}, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_within_20_ns_of_the_truth),
		cmocka_unit_test(counts_in_any_unit_and_width),
		cmocka_unit_test(bounds_what_no_reading_shows),
		cmocka_unit_test(bounds_hold_in_bad_worlds),
		cmocka_unit_test(gives_up_a_clock_that_was_set),
		cmocka_unit_test(survives_a_bad_reading),
		cmocka_unit_test(comes_to_its_end),
		cmocka_unit_test(believes_no_nonsense),
		cmocka_unit_test(refuses_kinds_that_it_cannot_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
