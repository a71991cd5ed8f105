/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <meridian/counter.h>
#include <setjmp.h>
#include <stamp.h>
#include <stdarg.h>
#include <stddef.h>
#include <units.h>

#include <cmocka.h>

static struct stamp_clock now = {.counter = UINT64_C(1) << 50, .clock_ns = 50 * NS_PER_SECOND};

/* The age of a stamp is taken off the counter, at the counter's rate. */
static void places_a_stamp_by_its_age(void **state)
{
	static const uint64_t rates_hz[] = {1000000, NS_PER_SECOND, 2399987654, 5 * NS_PER_SECOND};

	(void)state;
	for (size_t i = 0; i < sizeof(rates_hz) / sizeof(rates_hz[0]); i++) {
		struct stamp_rate rate = {0};
		struct stamp_pace pace = {0};
		uint64_t counter;

		stamp_rate_set(&rate, rates_hz[i]);
		stamp_pace_note(&pace, &rate, &now);
		assert_true(stamp_counter(&now, now.clock_ns, &counter));
		assert_int_equal(counter, now.counter);
		assert_true(stamp_counter(&now, now.clock_ns - STAMP_AGE_MAX_NS, &counter));
		assert_in_range(now.counter - counter, rates_hz[i] / 4 - 2, rates_hz[i] / 4);
		assert_true(stamp_counter(&now, now.clock_ns + STAMP_AHEAD_MAX_NS, &counter));
		assert_int_equal(counter, now.counter);
	}
}

static void refuses_what_cannot_be(void **state)
{
	uint64_t counter = 7;

	(void)state;
	assert_false(stamp_counter(&now, now.clock_ns + STAMP_AHEAD_MAX_NS + 1, &counter));
	assert_false(stamp_counter(&now, now.clock_ns - STAMP_AGE_MAX_NS - 1, &counter));
	assert_false(stamp_counter(&now, 0, &counter));
	assert_false(stamp_counter(&now, UINT64_MAX, &counter));
	assert_int_equal(counter, 7);
}

static void follows_the_rate(void **state)
{
	struct stamp_rate rate = {0};

	(void)state;
	stamp_rate_set(&rate, NS_PER_SECOND);
	assert_int_equal(stamp_rate_ns(&rate, 12345), 12345);
	stamp_rate_set(&rate, 2 * NS_PER_SECOND);
	assert_int_equal(stamp_rate_ns(&rate, 12345), 6172);
	stamp_rate_set(&rate, 1000000);
	assert_int_equal(stamp_rate_ns(&rate, UINT64_MAX), UINT64_MAX);
}

/* The two readings belong together: what one clock says of itself lies around now. */
static void reads_both_clocks_at_once(void **state)
{
	struct stamp_rate rate = {0};
	struct stamp_pace pace = {0};
	struct stamp_clock read;
	uint64_t before, after;

	(void)state;
	stamp_rate_set(&rate, NS_PER_SECOND);
	before = meridian_clock_ns(CLOCK_MONOTONIC_RAW);
	stamp_clock_read(&read, &pace, CLOCK_MONOTONIC_RAW, MERIDIAN_COUNTER_MONOTONIC_RAW, &rate);
	after = meridian_clock_ns(CLOCK_MONOTONIC_RAW);
	assert_in_range(read.counter, before, after);
	assert_in_range(read.clock_ns, before, after);
}

#define COUNTER_HZ  UINT64_C(2399987654)
#define READ_MAX_NS 100 /* how far apart the two clocks of a reading may be */
#define EPOCH_NS    (50 * NS_PER_SECOND)

/* A clock of the kernel that somebody slews: each second at another pace. All times are those of
 * the truth, in ns. */
struct slewed {
	const double *pace; /* beyond 1 */
	size_t paces;
	uint64_t random;
};

static double random_share(struct slewed *slewed)
{
	slewed->random =
		slewed->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(slewed->random >> 11) / 9007199254740992.0;
}

static uint64_t slewed_ns(const struct slewed *slewed, double at_ns)
{
	double ns = 0, second_ns = 0;

	for (size_t i = 0; second_ns < at_ns; i++, second_ns += 1e9) {
		double part = at_ns - second_ns < 1e9 ? at_ns - second_ns : 1e9;

		ns += part * (1 + slewed->pace[i % slewed->paces]);
	}
	return EPOCH_NS + (uint64_t)ns;
}

static uint64_t counter_at(double at_ns)
{
	return (UINT64_C(1) << 40) + (uint64_t)(at_ns * (double)COUNTER_HZ / 1e9);
}

static struct stamp_clock slewed_read(
	struct slewed *slewed, struct stamp_pace *pace, const struct stamp_rate *rate, double at_ns)
{
	double off_ns = READ_MAX_NS * (random_share(slewed) - 0.5);
	struct stamp_clock read = {
		.counter = counter_at(at_ns), .clock_ns = slewed_ns(slewed, at_ns + off_ns)};

	stamp_pace_note(pace, rate, &read);
	return read;
}

/* What became of the stamps of a run. */
struct judged {
	double worst_ns;       /* beyond what was told, and beyond the reading */
	double worst_known_ns; /* of those that were told to be good */
	double worst_told_ns;
	unsigned int known, told;
};

static void judge(
	struct judged *judged, const struct stamp_clock *read, uint64_t stamp_ns, double arrival_ns)
{
	uint64_t counter, told_ns = stamp_error_ns(read, stamp_ns);
	double error_ns;

	assert_true(stamp_counter(read, stamp_ns, &counter));
	error_ns = fabs((double)(int64_t)(counter - counter_at(arrival_ns)) / (double)COUNTER_HZ) *
		1e9;
	judged->worst_ns = fmax(
		judged->worst_ns, error_ns - (double)(told_ns + STAMP_READING_NS + READ_MAX_NS));
	judged->worst_told_ns = fmax(judged->worst_told_ns, (double)told_ns);
	if (told_ns > 0) {
		judged->told++;
		return;
	}
	judged->known++;
	judged->worst_known_ns = fmax(judged->worst_known_ns, error_ns);
}

/* Bursts up to `gap_ns` apart, of stamps up to `age_ns` old, for `seconds`. */
static struct judged serve(struct slewed *slewed, double gap_ns, double age_ns, double seconds)
{
	struct stamp_rate rate = {0};
	struct stamp_pace pace = {0};
	struct judged judged = {.worst_ns = -1e9};

	stamp_rate_set(&rate, COUNTER_HZ);
	for (double at_ns = 1e8; at_ns < seconds * 1e9;
		at_ns += 1 + gap_ns * random_share(slewed)) {
		struct stamp_clock read = slewed_read(slewed, &pace, &rate, at_ns);
		double arrival_ns = at_ns - 200 - age_ns * random_share(slewed);

		judge(&judged, &read, slewed_ns(slewed, arrival_ns), arrival_ns);
	}
	return judged;
}

static const double steady[] = {0.0833}, none[] = {-17e-6};
/* As steerclock does it, a quarter each second of what is left, and as chrony starts and ends. */
static const double quarters[] = {0.08, 0.06, 0.045, 0.034, 0.025, 0.019, 0.014, 0.011};
static const double both_ways[] = {0, 0.0833, 0.0833, 0, -0.0833, -0.0833, -0.0833};

/* A clock that is slewed all the time places stamps as well as one that is not, and says so, but
 * for the first 20 ms, in which that is not known yet. */
static void follows_a_slewed_clock(void **state)
{
	static const struct slewed clocks[] = {{none, 1, 1}, {steady, 1, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct slewed slewed = clocks[i];
		struct judged judged = serve(&slewed, 20000, 200000, 2);

		print_message("# pace %g: %u stamps, %.0f ns off at most; %u with an error told\n",
			slewed.pace[0], judged.known, judged.worst_known_ns, judged.told);
		assert_true(judged.worst_ns <= 0);
		assert_true(judged.worst_known_ns <= READ_MAX_NS);
		assert_in_range(judged.told, 1000, 4000); /* of 190000 */
	}
}

/* However the pace changes, and however rarely somebody asks, the truth is within what is told. */
static void tells_how_far_off_a_slew_can_be(void **state)
{
	static const struct {
		double gap_ns, age_ns, seconds;
	} loads[] = {{20000, 200000, 9}, {1e6, 4e6, 30}, {3e9, 20000, 3000}};

	(void)state;
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct slewed slewed[] = {{quarters, 8, i + 3}, {both_ways, 7, i + 5}};

		for (size_t k = 0; k < 2; k++) {
			struct judged judged = serve(
				&slewed[k], loads[i].gap_ns, loads[i].age_ns, loads[i].seconds);

			print_message("# at most %.1f us apart and %.0f us old: told %.1f us at "
				      "most, %.2f %% of the time\n",
				loads[i].gap_ns / 1000, loads[i].age_ns / 1000,
				judged.worst_told_ns / 1000,
				100.0 * judged.told / (judged.told + judged.known));
			if (judged.worst_ns > 0)
				fail_msg("%.0f ns beyond what was told", judged.worst_ns);
			assert_true(judged.worst_told_ns <= loads[i].age_ns / 3 + 1000);
		}
	}
}

/* Nor is a clock that was set, by less or by more than any slew, a clock with another pace. */
static void takes_no_step_for_a_pace(void **state)
{
	static const int64_t steps_ns[] = {20000000, -20000000, 3600 * (int64_t)NS_PER_SECOND};
	struct stamp_rate rate = {0};

	(void)state;
	stamp_rate_set(&rate, COUNTER_HZ);
	for (size_t i = 0; i < 3; i++) {
		struct slewed slewed = {none, 1, 7};
		struct stamp_pace pace = {0};
		struct stamp_clock read;

		for (double at_ns = 0; at_ns < 1e9; at_ns += 11e6)
			(void)slewed_read(&slewed, &pace, &rate, at_ns);
		read = (struct stamp_clock){.counter = counter_at(1e9 + 11e6),
			.clock_ns = slewed_ns(&slewed, 1e9 + 11e6) + (uint64_t)steps_ns[i]};
		stamp_pace_note(&pace, &rate, &read);
		assert_true(read.strayed_ns >= 19000000);
		assert_int_equal(read.ticks_per_ns_frac32, rate.ticks_per_ns_frac32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_a_stamp_by_its_age),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(follows_the_rate),
		cmocka_unit_test(reads_both_clocks_at_once),
		cmocka_unit_test(follows_a_slewed_clock),
		cmocka_unit_test(tells_how_far_off_a_slew_can_be),
		cmocka_unit_test(takes_no_step_for_a_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
