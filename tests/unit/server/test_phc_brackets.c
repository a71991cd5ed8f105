/* SPDX-License-Identifier: BSD-3-Clause */
#include "phc_brackets.h"
#include "simulated_clock.h"
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SEEDS       20
#define SECONDS     40
#define CONVERGED_S 15
#define TURN_MS     100
#define RMS_MAX_NS  20.0

/* A NIC's clock that counts ns, read within 1 us, at any instant of it. */
static const struct simulated_spec nic = {.hz = 1000000000,
	.bits = 64,
	.frequency = -31e-6,
	.wander = 1e-9,
	.width_s = 1e-6,
	.to = 1};

/* A clock of the kernel that somebody slews, and may set in the middle of a turn. */
struct kernel {
	double slew;
	double step_s; /* from share STEP_SHARE of the millisecond on */
};

#define EPOCH_NS   UINT64_C(1700000000000000000)
#define STEP_SHARE 0.97

/* Shares of the last millisecond, the larger the earlier. */
static uint64_t kernel_ns(const struct kernel *kernel, double share)
{
	double since_s = (1 - share) * 1e-3;
	double step_s = share < STEP_SHARE ? kernel->step_s : 0;

	return EPOCH_NS + (uint64_t)(int64_t)floor((since_s * (1 + kernel->slew) + step_s) * 1e9);
}

/* The kernel's clock is read within some 60 ns, at any instant of that. */
static struct device_clock_reading kernel_reading(
	struct simulated *device, const struct kernel *kernel, double share)
{
	double width = (30 + 30 * simulated_random(device)) * 1e-6; /* shares: 1 ns is 1e-6 */

	return (struct device_clock_reading){.before = simulated_counter(device, share),
		.device = kernel_ns(kernel, share - width * simulated_random(device)),
		.after = simulated_counter(device, share - width)};
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

/* A turn of readings as the kernel makes them, 2 us each; `truth` are the counters at which the
 * NIC's clock was really read. */
struct turn {
	struct device_clock_reading begin, end;
	struct phc_readings readings;
	uint64_t truth[PHC_READINGS];
};

static void turn_make(struct turn *turn, struct simulated *device, const struct kernel *kernel)
{
	double width = device->spec.width_s * 1e3;

	*turn = (struct turn){.begin = kernel_reading(device, kernel, 1)};
	for (size_t i = 0; i < PHC_READINGS; i++) {
		double from = 0.99 - 2e-3 * (double)i;
		double at = from - width * simulated_random(device);
		uint64_t before_ns = kernel_ns(kernel, from);

		turn->truth[i] = simulated_counter(device, at);
		turn->readings.bracket[i] = (struct phc_bracket){.before = timespec_of(before_ns),
			.width_ns = (int64_t)(kernel_ns(kernel, from - width) - before_ns),
			.device = timespec_of(simulated_device(device, at))};
	}
	turn->readings.count = PHC_READINGS;
	turn->end = kernel_reading(device, kernel, 0.96);
}

static struct stamp_rate rate;

/* As the kernel's clock runs, as far as that is known. */
static struct stamp_rate rate_slewed(double slew)
{
	struct stamp_rate slewed = rate;

	slewed.ticks_per_ns_frac32 = (uint64_t)((double)rate.ticks_per_ns_frac32 / (1 + slew));
	return slewed;
}

static size_t turn_place(const struct turn *turn, const struct stamp_rate *slewed,
	struct device_clock_reading reading[PHC_READINGS])
{
	return phc_brackets(&turn->readings, &turn->begin, &turn->end, slewed, reading);
}

/* Whatever the slew, the truth is in each bracket, and it is not much wider than the kernel's. */
static void keeps_the_truth_in_its_brackets(void **state)
{
	static const struct {
		double slew, known;
	} slews[] = {{0, 0}, {1e-6, 0}, {-1e-6, 0}, {500e-6, 0}, {-500e-6, 0}, {990e-6, 0},
		{-990e-6, 0}, {0.0833, 0.0833}, {0.0833, 0.0829}, {-0.0833, -0.0829}};
	const double most_s =
		nic.width_s + 110e-9; /* a reading of the kernel's clock at each end */

	(void)state;
	for (size_t s = 0; s < sizeof(slews) / sizeof(slews[0]); s++) {
		struct kernel kernel = {.slew = slews[s].slew};
		struct stamp_rate slewed = rate_slewed(slews[s].known);
		struct simulated device;

		simulated_init(&device, &nic, s + 1);
		device.first_device = EPOCH_NS;
		for (int i = 0; i < 500; i++, simulated_pass(&device, 7)) {
			struct device_clock_reading reading[PHC_READINGS];
			struct turn turn;

			turn_make(&turn, &device, &kernel);
			assert_int_equal(turn_place(&turn, &slewed, reading), PHC_READINGS);
			for (size_t k = 0; k < PHC_READINGS; k++) {
				uint64_t width = reading[k].after - reading[k].before;

				assert_in_range(turn.truth[k], reading[k].before, reading[k].after);
				assert_true((double)width <= most_s * (double)SIMULATED_COUNTER_HZ);
			}
		}
	}
}

/* A turn that is not known to have one pace is left out: the first two, the one in which a slew
 * began or ended, and the one after it, unless that lies at the very end. */
static void knows_the_pace_from_turn_to_turn(void **state)
{
	static const double slews[] = {400e-6, 0.0833, -0.0833, 0};
	struct stamp_pace pace = {0};
	double kernel_s = 1e6, counter_s = 1e6;
	unsigned int unknown = 0;

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		double slew = slews[i / 10];
		uint64_t counter = (uint64_t)(counter_s * (double)SIMULATED_COUNTER_HZ);
		struct device_clock_reading begin = {.before = counter,
			.after = counter + 60,
			.device = (uint64_t)(kernel_s * 1e9)};
		struct stamp_rate slewed, right = rate_slewed(slew);

		if (!phc_brackets_rate(&pace, &rate, &begin, &slewed)) {
			assert_in_range(i % 10, 0, 2);
			unknown++;
		} else {
			double off = (double)slewed.ticks_per_ns_frac32 /
					(double)right.ticks_per_ns_frac32 -
				1;

			assert_true(fabs(off) < 10e-6);
		}
		/* Where the pace changes, it does so in the middle. */
		counter_s += 0.1;
		kernel_s += 0.1 + 0.05 * slew + 0.05 * (i < 39 ? slews[(i + 1) / 10] : slew);
	}
	assert_int_equal(unknown, 2 + 3 * 2);
}

/* A clock that was set in between is of no use, forwards or backwards, by much or by little. */
static void takes_nothing_while_the_clock_is_set(void **state)
{
	static const double steps_s[] = {1e-6, -1e-6, 30e-6, -30e-6, 1e-3, -1e-3, 3600, -3600};

	(void)state;
	for (size_t s = 0; s < sizeof(steps_s) / sizeof(steps_s[0]); s++) {
		struct kernel kernel = {.step_s = steps_s[s]};
		struct device_clock_reading reading[PHC_READINGS];
		struct simulated device;
		struct turn turn;

		simulated_init(&device, &nic, s + 1);
		turn_make(&turn, &device, &kernel);
		assert_int_equal(turn_place(&turn, &rate, reading), 0);
	}
}

/* Readings that lie outside of both cannot be placed; the others are. */
static void leaves_out_what_is_not_in_between(void **state)
{
	struct kernel kernel = {.slew = 0};
	struct device_clock_reading reading[PHC_READINGS];
	struct simulated device;
	struct turn turn;

	(void)state;
	simulated_init(&device, &nic, 1);
	device.first_device = EPOCH_NS;
	turn_make(&turn, &device, &kernel);
	turn.readings.bracket[0].before.tv_sec--;
	turn.readings.bracket[PHC_READINGS - 1].width_ns += 1000000;
	assert_int_equal(turn_place(&turn, &rate, reading), PHC_READINGS - 2);
	assert_in_range(turn.truth[1], reading[0].before, reading[0].after);
}

/* A stamp of just now: how far it is converted from the truth, in ns, and the bound. */
static double converted_error_ns(
	struct simulated *device, const struct device_clock *clock, uint64_t *ret_bound_ns)
{
	double share = 0.5 * simulated_random(device);
	uint64_t now = simulated_counter(device, 0), truth = simulated_counter(device, share);
	struct device_line line = device_clock_line(clock);
	struct device_line_span span;
	uint64_t counter = 0;

	*ret_bound_ns = device_line_error_ns(&line, now);
	assert_int_not_equal(*ret_bound_ns, UINT64_MAX);
	span = device_line_span(&line, now, simulated_counter(device, 1));
	assert_int_equal(
		device_line_counter(&line, &span, simulated_device(device, share), &counter),
		MERIDIAN_FAULT_COUNT);
	return (double)(int64_t)(counter - truth) * 1e9 / (double)SIMULATED_COUNTER_HZ;
}

/* From the NIC's stamp to the counter, by way of a slewed kernel clock. */
static double run(uint64_t seed, double slew)
{
	const struct device_clock_kind kind = {.hz = nic.hz, .bits = 64};
	struct kernel kernel = {.slew = slew};
	struct simulated device;
	struct device_clock clock;
	double sum2 = 0;
	unsigned int n = 0;

	simulated_init(&device, &nic, seed);
	device.first_device = EPOCH_NS;
	assert_int_equal(device_clock_init(&clock, &kind, SIMULATED_COUNTER_HZ), 0);
	for (unsigned int i = 0; i < SECONDS * 1000 / TURN_MS; i++) {
		struct device_clock_reading reading[PHC_READINGS];
		uint64_t bound_ns;
		struct turn turn;
		double error_ns;

		turn_make(&turn, &device, &kernel);
		device_clock_note(&clock, reading, turn_place(&turn, &rate, reading));
		simulated_pass(&device, TURN_MS);
		if (i < DEVICE_CLOCK_NOTES_MIN)
			continue;
		error_ns = converted_error_ns(&device, &clock, &bound_ns);
		if (fabs(error_ns) > (double)bound_ns)
			fail_msg("seed %" PRIu64 ", %u: %.1f ns off, bound %" PRIu64, seed, i,
				error_ns, bound_ns);
		if (i < CONVERGED_S * 1000 / TURN_MS)
			continue;
		sum2 += error_ns * error_ns;
		n++;
	}
	return sqrt(sum2 / n);
}

static void stamps_are_within_20_ns_of_the_truth(void **state)
{
	double worst = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		worst = fmax(worst, run(seed, seed % 2 ? 400e-6 : -20e-6));
	print_message("# by way of the kernel's clock: %.1f ns RMS\n", worst);
	if (worst > RMS_MAX_NS)
		fail_msg("%.1f ns RMS", worst);
}

static int setup(void **state)
{
	(void)state;
	stamp_rate_set(&rate, SIMULATED_COUNTER_HZ);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_truth_in_its_brackets),
		cmocka_unit_test(knows_the_pace_from_turn_to_turn),
		cmocka_unit_test(takes_nothing_while_the_clock_is_set),
		cmocka_unit_test(leaves_out_what_is_not_in_between),
		cmocka_unit_test(stamps_are_within_20_ns_of_the_truth),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
