/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <schedule.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

__extension__ typedef unsigned __int128 u128;

#define HZ    UINT64_C(2599998140)
#define START UINT64_C(123456789012)

/* 10^9 requests: each of the last million is due at exactly its time. The billion is reached by
 * way of the same additions. */
static void never_drifts(void **state)
{
	struct schedule_spec spec = {.rate_milli = UINT64_C(10964912281), .hz = HZ};
	struct schedule schedule;

	(void)state;
	schedule_init(&schedule, &spec, START);
	for (uint64_t n = 0; n < 1000000000; n++) {
		if (n < 1000000 || n >= 999000000) {
			uint64_t exact = (uint64_t)((u128)n * HZ * 1000 / spec.rate_milli);

			if (schedule.next_ticks != START + exact)
				assert_int_equal(schedule.next_ticks, START + exact);
		}
		schedule_advance(&schedule);
	}
}

static void keeps_slow_rates(void **state)
{
	struct schedule_spec spec = {.rate_milli = 1, .hz = HZ};
	struct schedule schedule;

	(void)state;
	schedule_init(&schedule, &spec, START);
	assert_int_equal(schedule.next_ticks, START);
	schedule_advance(&schedule);
	assert_int_equal(schedule.next_ticks, START + 1000 * HZ);
}

static void groups_bursts(void **state)
{
	struct schedule_spec spec = {
		.pattern = SCHEDULE_burst, .burst = 7, .rate_milli = 3333333, .hz = HZ};
	struct schedule schedule;

	(void)state;
	schedule_init(&schedule, &spec, START);
	for (uint64_t n = 0; n < 100000; n++) {
		uint64_t exact = (uint64_t)((u128)(n - n % 7) * HZ * 1000 / spec.rate_milli);

		assert_int_equal(schedule.next_ticks, START + exact);
		schedule_advance(&schedule);
	}
}

/* Mean and variance of the gaps, the share of gaps longer than the mean (1/e), and of those
 * longer than seven times it (e^-7). */
static void spreads_poisson(void **state)
{
	struct schedule_spec spec = {
		.pattern = SCHEDULE_poisson, .rate_milli = 100000000, .hz = HZ, .seed = 42};
	const double mean = (double)HZ / 100000;
	double sum = 0, squares = 0;
	unsigned int longer = 0, much_longer = 0;
	const unsigned int count = 4000000;
	struct schedule schedule;
	uint64_t last;

	(void)state;
	schedule_init(&schedule, &spec, START);
	last = schedule.next_ticks;
	for (unsigned int n = 0; n < count; n++) {
		double gap;

		schedule_advance(&schedule);
		gap = (double)(schedule.next_ticks - last) / mean;
		last = schedule.next_ticks;
		sum += gap;
		squares += gap * gap;
		longer += gap > 1;
		much_longer += gap > 7;
	}
	assert_true(fabs(sum / count - 1) < 0.003);
	assert_true(fabs(squares / count - 2) < 0.02);
	assert_true(fabs((double)longer / count - exp(-1)) < 0.002);
	assert_true(fabs((double)much_longer / count / exp(-7) - 1) < 0.1);
}

static uint64_t count_until(struct schedule *schedule, uint64_t end)
{
	uint64_t count = 0;

	for (; schedule->next_ticks < end; count++)
		schedule_advance(schedule);
	return count;
}

/* A tenth of the time carries what the line says, up and down. */
static void climbs_a_ramp(void **state)
{
	static const uint64_t ends[2][2] = {{1000000, 100000000}, {100000000, 1000000}};

	(void)state;
	for (int way = 0; way < 2; way++) {
		struct schedule_spec spec = {.pattern = SCHEDULE_ramp,
			.ramp_from_milli = ends[way][0],
			.ramp_to_milli = ends[way][1],
			.duration_ticks = 10 * HZ,
			.hz = HZ};
		double from = (double)ends[way][0] / 1e3, to = (double)ends[way][1] / 1e3;
		struct schedule schedule;
		double total = 0;

		schedule_init(&schedule, &spec, START);
		for (unsigned int s = 0; s < 10; s++) {
			double exact = from + (to - from) * (s + 0.5) / 10;
			double count = (double)count_until(&schedule, START + (s + 1) * HZ);

			assert_true(fabs(count - exact) < 0.005 * exact + 2);
			total += count;
		}
		assert_true(
			fabs(total - schedule_expected(&spec, spec.duration_ticks)) < 1e-4 * total);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_drifts),
		cmocka_unit_test(keeps_slow_rates),
		cmocka_unit_test(groups_bursts),
		cmocka_unit_test(spreads_poisson),
		cmocka_unit_test(climbs_a_ramp),
	};

	return cmocka_run_group_tests_name("load-schedule", tests, NULL, NULL);
}
