/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/wire_stamp.h"
#include <meridian/counter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HZ     UINT64_C(2000000000)
#define KERNEL UINT64_C(500000000000)
#define MS     (HZ / 1000)

static bool fits(int64_t after_ticks, bool answer)
{
	struct meridian_wire_stamp stamp = {
		.counter = KERNEL + (uint64_t)after_ticks, .counter_id = MERIDIAN_COUNTER_TSC};

	return wire_stamp_fits(&stamp, MERIDIAN_COUNTER_TSC, HZ, KERNEL, answer);
}

/* A question leaves after the kernel had it, an answer comes before. */
static void order(void **state)
{
	const int64_t ms = MS;

	(void)state;
	assert_true(fits(ms, false));
	assert_false(fits(-ms, false));
	assert_true(fits(-ms, true));
	assert_false(fits(ms, true));
	assert_true(fits(-ms / 20, false)); /* clocks are compared */
	assert_true(fits(ms / 20, true));
}

static void not_too_far_away(void **state)
{
	const int64_t most = (int64_t)(WIRE_STAMP_APART_MAX_S * HZ);

	(void)state;
	assert_true(fits(most - 1, false));
	assert_false(fits(most + 1, false));
	assert_true(fits(-most + 1, true));
	assert_false(fits(-most - 1, true));
	assert_false(fits(INT64_MAX, false));
	assert_false(fits(INT64_MIN, true));
	assert_false(fits(INT64_MIN, false));
}

static void of_our_counter(void **state)
{
	struct meridian_wire_stamp stamp = {
		.counter = KERNEL, .counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW};

	(void)state;
	assert_false(wire_stamp_fits(&stamp, MERIDIAN_COUNTER_TSC, HZ, KERNEL, false));
	assert_true(wire_stamp_fits(&stamp, MERIDIAN_COUNTER_MONOTONIC_RAW, HZ, KERNEL, false));
}

static void known_well_enough(void **state)
{
	struct meridian_wire_stamp stamp = {.counter = KERNEL,
		.counter_id = MERIDIAN_COUNTER_TSC,
		.error_ns = (uint32_t)(WIRE_STAMP_APART_MAX_S * 1e9)};

	(void)state;
	assert_true(wire_stamp_fits(&stamp, MERIDIAN_COUNTER_TSC, HZ, KERNEL, true));
	stamp.error_ns++;
	assert_false(wire_stamp_fits(&stamp, MERIDIAN_COUNTER_TSC, HZ, KERNEL, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(not_too_far_away),
		cmocka_unit_test(of_our_counter),
		cmocka_unit_test(known_well_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
