/* SPDX-License-Identifier: BSD-3-Clause */
#include <device_line.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A counter of 3 GHz, a device that counts ns, read at counter value 10^15 a second ago. */
#define PER_NS 3
#define ANCHOR UINT64_C(1000000000000000)
#define DEVICE UINT64_C(0xffffffffff000000)
#define NOW    (ANCHOR + PER_NS * UINT64_C(900000000))
#define MARGIN UINT64_C(3000)
#define NS(n)  ((uint64_t)(n)*PER_NS)

static struct device_line line_make(uint64_t bits)
{
	return (struct device_line){.counter = ANCHOR,
		.device = DEVICE,
		.counter_ticks_frac32 = UINT64_C(3) << 32,
		.device_ticks_frac32 = (UINT64_C(1) << 32) / 3,
		.fresh_until_counter = NOW - 1,
		.until_counter = NOW + 1,
		.error_ns = 100,
		.late_error_ns = 1000,
		.ahead_max_ticks = MARGIN,
		.counter_hz = PER_NS * UINT64_C(1000000000),
		.ns_per_tick_frac32 = (UINT64_C(1) << 32) / PER_NS,
		.bits = bits};
}

static enum meridian_fault convert(
	const struct device_line *line, uint64_t since_ns, int64_t age_ns, uint64_t *ret_counter)
{
	struct device_line_span span = device_line_span(line, NOW, NOW - NS(since_ns));

	return device_line_counter(line, &span, DEVICE + 900000000 - (uint64_t)age_ns, ret_counter);
}

static void converts_stamps_of_any_width(void **state)
{
	static const uint64_t widths[] = {64, 63, 48, 32, 24};

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		struct device_line line = line_make(widths[i]);
		uint64_t counter = 0;

		for (int64_t age_ns = 0; age_ns <= 1000000; age_ns += 333) {
			assert_int_equal(
				convert(&line, 1000000, age_ns, &counter), MERIDIAN_FAULT_COUNT);
			assert_int_equal(counter, NOW - NS(age_ns));
		}
	}
}

static void refuses_what_cannot_be(void **state)
{
	struct device_line line = line_make(64);
	uint64_t counter = 7;
	const int64_t most_ns = 1000 + MARGIN / PER_NS;

	(void)state;
	assert_int_equal(convert(&line, 1000, most_ns + 1, &counter), MERIDIAN_FAULT_early);
	assert_int_equal(convert(&line, 1000, -1001, &counter), MERIDIAN_FAULT_future);
	assert_int_equal(convert(&line, 1000, INT64_MAX, &counter), MERIDIAN_FAULT_early);
	assert_int_equal(convert(&line, 1000, -5000000000, &counter), MERIDIAN_FAULT_future);
	assert_int_equal(counter, 7);
	assert_int_equal(convert(&line, 1000, most_ns, &counter), MERIDIAN_FAULT_COUNT);
	assert_int_equal(counter, NOW - NS(most_ns));
	/* As far ahead as the line may be off, it is now: T2 is never later. */
	assert_int_equal(convert(&line, 1000, -1000, &counter), MERIDIAN_FAULT_COUNT);
	assert_int_equal(counter, NOW);
}

/* 24 bits of ns are 16.8 ms: a queue not looked at for 8 ms may hold stamps of either. */
static void refuses_stamps_that_may_have_wrapped(void **state)
{
	struct device_line line = line_make(24);
	uint64_t counter;

	(void)state;
	assert_int_equal(convert(&line, 8380000, 10, &counter), MERIDIAN_FAULT_COUNT);
	assert_int_equal(convert(&line, 8400000, 10, &counter), MERIDIAN_FAULT_ambiguous);
	line.bits = 25;
	assert_int_equal(convert(&line, 8400000, 10, &counter), MERIDIAN_FAULT_COUNT);
}

static void tells_its_error(void **state)
{
	struct device_line line = line_make(64);

	(void)state;
	assert_int_equal(device_line_error_ns(&line, NOW - 2), 100);
	assert_int_equal(device_line_error_ns(&line, NOW - 1), 1000);
	assert_int_equal(device_line_error_ns(&line, NOW + 1), UINT64_MAX);
	line.bits = 0;
	assert_int_equal(device_line_error_ns(&line, NOW - 2), UINT64_MAX);
}

/* Either way, of a second as of an hour. */
static void knows_ticks_and_nanoseconds(void **state)
{
	static const int64_t ns[] = {0, 1, -1, 250000, -250000, 1000000000, -1000000000};
	struct device_line line = line_make(64);
	const int64_t hour_ns = 3600 * INT64_C(1000000000);

	(void)state;
	for (size_t i = 0; i < sizeof(ns) / sizeof(ns[0]); i++) {
		assert_int_equal(device_line_ticks(&line, ns[i]), ns[i] * PER_NS);
		assert_int_equal(device_line_ns(&line, ns[i] * PER_NS), ns[i]);
	}
	assert_in_range(device_line_ns(&line, hour_ns * PER_NS), hour_ns - 1000, hour_ns);
}

#define PUBLICATIONS 200000

static void *publish(void *argument)
{
	struct device_line line;

	for (uint64_t i = 1; i <= PUBLICATIONS; i++) {
		uint64_t word[DEVICE_LINE_WORDS];

		for (size_t w = 0; w < DEVICE_LINE_WORDS; w++)
			word[w] = i;
		memcpy(&line, word, sizeof(line));
		device_line_publish(argument, &line);
	}
	return NULL;
}

/* While one thread publishes, what another takes is whole, and never older than what it had. */
static void is_taken_whole(void **state)
{
	static struct device_line_shared shared;
	struct device_line_copy copy = {.seq = 0};
	pthread_t thread;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, publish, &shared), 0);
	while (last < PUBLICATIONS) {
		uint64_t word[DEVICE_LINE_WORDS];

		device_line_take(&copy, &shared);
		memcpy(word, &copy.line, sizeof(word));
		assert_true(word[0] >= last);
		for (size_t w = 1; w < DEVICE_LINE_WORDS; w++)
			assert_int_equal(word[w], word[0]);
		if (word[0] == last)
			sched_yield();
		last = word[0];
	}
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converts_stamps_of_any_width),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(refuses_stamps_that_may_have_wrapped),
		cmocka_unit_test(tells_its_error),
		cmocka_unit_test(knows_ticks_and_nanoseconds),
		cmocka_unit_test(is_taken_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
