/* SPDX-License-Identifier: BSD-3-Clause */

/* Directives about leap seconds. */

#include "load.h"
#include <setjmp.h>
#include <stdarg.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leapseclist),
	};

	return cmocka_run_group_tests(tests, load_setup, load_teardown);
}
