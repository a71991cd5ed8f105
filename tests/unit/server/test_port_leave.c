/* SPDX-License-Identifier: BSD-3-Clause */
#include <port_leave.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HALF  128 /* of 256 */
#define CALLS 5000

/* Calls of which one in `every` takes `rare` ticks, the others `often`. Returns what is thought of
 * the next one of `rare`. */
static struct port_leave_times learn(unsigned int every, uint64_t rare, uint64_t often)
{
	struct port_leave leave = {0};

	for (unsigned int call = 1; call < CALLS; call++)
		port_leave_learn(&leave, 1, call % every == 0 ? rare : often, HALF);
	return port_leave_learn(&leave, 1, rare, HALF);
}

static void the_first_call_is_believed(void **state)
{
	struct port_leave leave = {0};
	struct port_leave_times times = port_leave_learn(&leave, 1, 1000, HALF);

	(void)state;
	assert_int_equal(times.first_ticks, 500);
	assert_int_equal(times.step_ticks, 1000);
}

/* The way to the wire is no longer because a call is: half of the calls wake somebody. */
static void long_calls_leave_like_short_ones(void **state)
{
	struct port_leave_times times = learn(2, 30000, 8000);

	(void)state;
	assert_in_range(times.first_ticks, 3600, 4400);
}

/* A call may well be shorter than the shorter ones: nothing leaves after its end. */
static void short_calls_leave_earlier(void **state)
{
	struct port_leave_times times = learn(100, 2000, 8000);

	(void)state;
	assert_int_equal(times.first_ticks, 1000);
}

/* Packets follow each other as usual; what others did in between does not count. */
static void interruptions_are_no_steps(void **state)
{
	struct port_leave_times times = learn(100, 1000000, 8000);

	(void)state;
	assert_in_range(times.step_ticks, 8000 * 5 / 4, 8000 * 7 / 4);
	assert_int_equal(learn(1, 8000, 8000).step_ticks, 8000);
}

/* A packet of many takes a fourth of what a single one does. */
static void many_tell_nothing_of_one(void **state)
{
	struct port_leave leave = {0};

	(void)state;
	assert_int_equal(port_leave_learn(&leave, 64, 2000, HALF).first_ticks, 1000);
	for (unsigned int call = 0; call < CALLS; call++) {
		port_leave_learn(&leave, 1, 8000, HALF);
		port_leave_learn(&leave, 64, 2000, HALF);
	}
	assert_in_range(port_leave_learn(&leave, 1, 8000, HALF).first_ticks, 3600, 4000);
	assert_int_equal(port_leave_learn(&leave, 64, 2000, HALF).first_ticks, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_call_is_believed),
		cmocka_unit_test(long_calls_leave_like_short_ones),
		cmocka_unit_test(short_calls_leave_earlier),
		cmocka_unit_test(interruptions_are_no_steps),
		cmocka_unit_test(many_tell_nothing_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
