/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"
#include <errno.h>
#include <math.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct script script;
static struct script_state state;
static unsigned int line;
static char message[SCRIPT_MESSAGE_SIZE];

static int parse(const char *text)
{
	return script_parse(text, strlen(text), &script, &line, message);
}

static void expect_error(const char *text, unsigned int expected_line, const char *expected)
{
	assert_int_equal(parse(text), -EINVAL);
	assert_string_equal(message, expected);
	assert_int_equal(line, expected_line);
}

static void grammar(void **state_of_test)
{
	(void)state_of_test;
	assert_int_equal(parse("# a comment\n\n0 stratum 3\n1.5\tstep -0.25 # and another\r\n"
			       "1.5 ramp 0.01 over 10\n2 leap delete in 30\n3 refid GPS\n"
			       "3 refid 192.0.2.1\n4 error 0.5\n5 lost\n6e0 back"),
		0);
	assert_int_equal(script.count, 9);
	assert_int_equal(script.action[0].kind, SCRIPT_STRATUM);
	assert_int_equal(script.action[0].line, 3);
	assert_true(script.action[1].at_s == 1.5 && script.action[1].value == -0.25);
	assert_true(script.action[2].value == 0.01 && script.action[2].seconds == 10);
	assert_true(script.action[3].value == -1 && script.action[3].seconds == 30);
	assert_int_equal(script.action[4].refid, MERIDIAN_NTP_REFID('G', 'P', 'S', 0));
	assert_int_equal(script.action[5].refid, 0xc0000201);
	assert_int_equal(script.action[8].kind, SCRIPT_BACK);
	assert_int_equal(script.action[8].line, 11);
	assert_int_equal(parse(""), 0);
	assert_int_equal(script.count, 0);
}

static void errors_say_what_is_allowed(void **state_of_test)
{
	(void)state_of_test;
	expect_error(
		"soon step 1\n", 1, "the time 'soon' is not a number (allowed: 0 to 1000000000)");
	expect_error("-1 step 1\n", 1, "the time -1 is out of range (allowed: 0 to 1000000000)");
	expect_error("2 lost\n1 back\n", 2, "the time 1 is before that of the line above, 2");
	expect_error("1\n", 1, "there is no action ''");
	expect_error("1 jump 5\n", 1, "there is no action 'jump'");
	expect_error("1 step\n", 1, "the step is missing (allowed: -1000000000 to 1000000000)");
	expect_error("1 step 0x10\n", 1,
		"the step '0x10' is not a number (allowed: -1000000000 to 1000000000)");
	expect_error("1 step nan\n", 1,
		"the step 'nan' is not a number (allowed: -1000000000 to 1000000000)");
	expect_error("1 step 1 2\n", 1, "'2' is too much");
	expect_error("1 ramp 1 in 10\n", 1, "'in' stands where `over` must");
	expect_error("1 ramp 1 over 10\n", 1, "1 s over 10 s is too fast (allowed: 0.005 s/s)");
	expect_error("1 leap in 10\n", 1, "'in' stands where `insert` or `delete` must");
	expect_error("1 leap insert in 1\n", 1,
		"the time until then 1 is out of range (allowed: 2 to 86400)");
	expect_error("1 stratum 16\n", 1, "the stratum 16 is out of range (allowed: 1 to 15)");
	expect_error("1 stratum 1.5\n", 1, "the stratum 1.5 is not a whole number");
	expect_error("1 refid GALILEO\n", 1,
		"the reference ID 'GALILEO' is neither 1 to 4 characters nor an IPv4 address");
	expect_error("1 error -1\n", 1, "the error -1 is out of range (allowed: 0 to 16)");
	assert_int_equal(script_parse("1 lost\n1 b\0ck\n", 13, &script, &line, message), -EINVAL);
	assert_int_equal(line, 2);
}

static void too_long(void **state_of_test)
{
	static char text[SCRIPT_ACTIONS_MAX * 7 + 16];

	(void)state_of_test;
	for (size_t i = 0; i <= SCRIPT_ACTIONS_MAX; i++)
		strcat(text + (i > 0 ? 7 * i - 7 : 0), "1 lost\n");
	expect_error(text, SCRIPT_ACTIONS_MAX + 1, "more than 1024 actions");
	memset(text, '#', 256);
	expect_error(text, 1, "the line is longer than 255 characters, or not text");
}

/* Takes what is due; returns how many actions that were. */
static unsigned int take(double now_s)
{
	unsigned int count = 0;

	while (script_take(&script, &state, now_s))
		count++;
	return count;
}

static bool offset_is(double now_s, double expected_s)
{
	return fabs(script_offset(&state, now_s) - expected_s) < 1e-12;
}

static void actions_come_at_their_time(void **state_of_test)
{
	(void)state_of_test;
	assert_int_equal(
		parse("0 stratum 4\n10 step 0.5\n10 lost\n20 back\n20 refid X\n20 error 2\n"), 0);
	script_begin(&state);
	assert_int_equal(state.stratum, 1);
	assert_int_equal(state.refid, MERIDIAN_NTP_REFID('L', 'I', 'E', 'S'));
	assert_true(script_next_s(&script, &state, 0) == 0);
	assert_int_equal(take(0), 1);
	assert_int_equal(state.stratum, 4);
	assert_true(script_next_s(&script, &state, 0) == 10);
	assert_int_equal(take(9.999), 0);
	assert_true(offset_is(9.999, 0) && state.synchronised);
	assert_int_equal(take(10), 2);
	assert_true(offset_is(10, 0.5) && !state.synchronised);
	assert_int_equal(take(100), 3);
	assert_true(state.synchronised && state.error_s == 2);
	assert_int_equal(state.refid, MERIDIAN_NTP_REFID('X', 0, 0, 0));
	assert_true(script_next_s(&script, &state, 100) == INFINITY);
}

/* However late the caller looks, a ramp is where it must be. */
static void ramps(void **state_of_test)
{
	(void)state_of_test;
	assert_int_equal(parse("0 step 1\n10 ramp 0.02 over 10\n15 ramp -0.01 over 5\n"), 0);
	script_begin(&state);
	take(10.5);
	assert_true(offset_is(10.5, 1.001));
	assert_true(fabs(script_rate(&state, 10.5) - 0.002) < 1e-15);
	assert_true(script_next_s(&script, &state, 10.5) == 15);
	take(16);
	assert_true(offset_is(15, 1.01) && offset_is(16, 1.008));
	assert_true(script_next_s(&script, &state, 16) == 20);
	assert_true(offset_is(20, 1.0) && offset_is(1000, 1.0));
	assert_true(script_rate(&state, 20) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(errors_say_what_is_allowed),
		cmocka_unit_test(too_long),
		cmocka_unit_test(actions_come_at_their_time),
		cmocka_unit_test(ramps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
