/* SPDX-License-Identifier: BSD-3-Clause */

/* Directives about leap seconds and the kernel's clock. */

#include "load.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void leapseclist(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_string_equal(config.leapseclist, CONFIG_LEAP_LIST_DEFAULT);
	config_free(&config);
	assert_int_equal(load("leapseclist /l\n"), 0);
	assert_string_equal(config.leapseclist, "/l");
	config_free(&config);
	assert_int_equal(load("leapseclist OFF\n"), 0);
	assert_string_equal(config.leapseclist, "");
	config_free(&config);
	expect_error("leapseclist off on\n",
		"1: leapseclist: 'on' is too much (usage: leapseclist FILE|off)\n");
	expect_error("leapseclist list\n", "1: leapseclist: 'list' is not an absolute path\n");
}

static void steering(void **state)
{
	const struct discipline_config *clock = &config.kernel_clock;

	(void)state;
	assert_int_equal(load(""), 0);
	assert_false(config.steer_clock);
	config_free(&config);
	assert_int_equal(load("steerclock\nmakestep 0.5 -3\nmaxchange 100 1 2\nrtcsync\n"
			      "leapsecmode slew\nmaxslewrate 1000\n"),
		0);
	assert_string_equal(messages, "");
	assert_true(config.steer_clock && clock->rtcsync);
	assert_true(clock->step_s == 0.5 && clock->step_updates == -3);
	assert_true(clock->change_max_s == 100 && clock->max_slew_ppm == 1000);
	assert_int_equal(clock->change_start, 1);
	assert_int_equal(clock->change_ignore, 2);
	assert_int_equal(clock->leap, DISCIPLINE_LEAP_SLEW);
	config_free(&config);
	expect_error("leapsecmode jump\n",
		"1: leapsecmode: 'jump' is not a mode (allowed: system|step|slew|ignore)\n");
	expect_error("leapsecmode\n",
		"1: leapsecmode: the mode is missing (allowed: system|step|slew|ignore)\n");
	expect_error("steerclock\nmakestep 1\n",
		"2: makestep: the limit is missing: a whole number from -2147483647 to "
		"2147483647\n");
	expect_error("steerclock 1\n", "1: steerclock: '1' is too much (usage: steerclock)\n");
}

static void leapsmear(void **state)
{
	(void)state;
	assert_int_equal(
		load("leapsmear cosine duration 1000 address 192.0.2.1 address 2001:db8::1\n"), 0);
	assert_int_equal(config.smear_shape, MERIDIAN_SMEAR_COSINE);
	assert_int_equal(config.smear_duration_s, 1000);
	assert_int_equal(config.smear_count, 2);
	assert_int_equal(config.smear[1].family, MERIDIAN_FAMILY_IPV6);
	config_free(&config);
	assert_int_equal(load("leapsmear linear address ::1\n"), 0);
	assert_int_equal(config.smear_duration_s, 86400);
	config_free(&config);
	expect_error("leapsmear linear\n",
		"1: leapsmear: an `address` is missing: nothing is smeared by default\n");
	expect_error("leapsmear sine\n",
		"1: leapsmear: 'sine' is not a shape (allowed: linear|cosine)\n");
	expect_error(
		"leapsmear\n", "1: leapsmear: the shape is missing (allowed: linear|cosine)\n");
	expect_error("leapsmear linear duration 60\n",
		"1: leapsmear: duration 60 is out of range (allowed: 600 to 172800)\n");
	expect_error("leapsmear linear address here\n",
		"1: leapsmear: 'here' is not an IPv4 or IPv6 address\n");
}

static void steering_is_dumped(void **state)
{
	char *dump = NULL;
	size_t size;
	FILE *out = open_memstream(&dump, &size);

	(void)state;
	assert_int_equal(load("steerclock\nmakestep 0 3\n"), 0);
	config_dump(&config, out);
	config_free(&config);
	assert_int_equal(load("steerclock\nmakestep 0.5 -3\nmaxchange 100 1 -2\nrtcsync\n"
			      "leapsecmode ignore\nmaxslewrate 1000\n"
			      "leapsmear linear address 192.0.2.1 address ::1\n"),
		0);
	config_dump(&config, out);
	fclose(out);
	config_free(&config);
	assert_non_null(strstr(dump, "\nmakestep 0 3\n"));
	assert_non_null(strstr(dump,
		"\nsteerclock\nmaxslewrate 1000\nleapsecmode ignore\n"
		"makestep 0.5 -3\nmaxchange 100 1 -2\nrtcsync\n"));
	assert_non_null(
		strstr(dump, "\nleapsmear linear duration 86400 address 192.0.2.1 address ::1\n"));
	free(dump);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leapseclist),
		cmocka_unit_test(leapsmear),
		cmocka_unit_test(steering),
		cmocka_unit_test(steering_is_dumped),
	};

	return cmocka_run_group_tests(tests, load_setup, load_teardown);
}
