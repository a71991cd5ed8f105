/* SPDX-License-Identifier: BSD-3-Clause */

/* Config files as a whole: missing, foreign, malicious. */

#include "load.h"
#include "seed.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_missing_file(void **state)
{
	FILE *errors = tmpfile();

	(void)state;
	assert_int_equal(config_load(&config, "/nowhere/meridian.conf", errors), -ENOENT);
	assert_true(ftell(errors) > 0);
	fclose(errors);
}

static void test_nul_character(void **state)
{
	(void)state;
	assert_int_equal(load_octets("cmdport\0 1\n", 11), -EINVAL);
	assert_string_equal(messages, "1: there is a NUL character in the line\n");
}

static void test_long_lines(void **state)
{
	char text[2 * 2048 + 8];

	(void)state;
	memset(text, '#', sizeof(text));
	text[2048] = '\n';
	assert_int_equal(load_octets(text, 2049), 0);
	config_free(&config);
	text[2048] = '#';
	text[2049] = '\n';
	assert_int_equal(load_octets(text, 2050), -EINVAL);
	assert_string_equal(messages, "1: the line is longer than 2048 characters\n");
	text[2049] = '#';
	text[sizeof(text) - 3] = text[sizeof(text) - 1] = '\n';
	text[sizeof(text) - 2] = 'x';
	assert_int_equal(load_octets(text, sizeof(text)), -EINVAL);
	assert_string_equal(messages,
		"1: the line is longer than 2048 characters\n"
		"2: unknown directive 'x'\n");
}

static void test_irregular_file(void **state)
{
	char text[64] = "";
	FILE *errors = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_int_equal(config_load(&config, "/dev/full", errors), -EINVAL);
	fclose(errors);
	assert_string_equal(text, "/dev/full: not a regular file\n");
}

static void test_messages_are_printable(void **state)
{
	(void)state;
	expect_error("\xef\xbb\xbfserver a\n", "1: unknown directive '\\xef\\xbb\\xbfserver'\n");
	expect_error("counter \x1b[2Jtsc\n",
		"1: counter: '\\x1b[2Jtsc' is not a counter (allowed: "
		"auto|tsc|monotonic-raw)\n");
}

static void test_random_lines_are_survived(void **state)
{
	static const char *const words[] = {"0", "1", "-1", "1e99", "999999999999999999999", "all",
		"10/8", "::/0", "x", "iburst", "port", "minpoll", "/", "/a", "nan", "queues", "xdp",
		"\x01\xff", "%s%n", "stratum", "distance"};
	struct seed seed = seed_init("config");

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char line[256];
		size_t count = seed_next(&seed) % 5;

		snprintf(line, sizeof(line), "%s",
			config_table[seed_next(&seed) % config_table_size].name);
		for (size_t k = 0; k < count; k++) {
			strcat(line, " ");
			strcat(line, words[seed_next(&seed) % (sizeof(words) / sizeof(words[0]))]);
		}
		strcat(line, "\n");
		if (load(line) == 0)
			config_free(&config);
		else
			assert_int_equal(strncmp(messages, "1: ", 3), 0);
	}
}

/* The directives of a stock Debian 12: taken, or without effect. */
static void test_config_of_debian(void **state)
{
	static const char text[] = "confdir /nonexistent/conf.d\n"
				   "pool 2.debian.pool.ntp.org iburst\n"
				   "sourcedir /nonexistent/chrony-dhcp\n"
				   "driftfile /var/lib/chrony/chrony.drift\n"
				   "ntsdumpdir /var/lib/chrony\n"
				   "logdir /var/log/chrony\n"
				   "maxupdateskew 100.0\n"
				   "rtcsync\n"
				   "makestep 1 3\n"
				   "leapsectz right/UTC\n";
	static const char *const expected[] = {
		"5: ntsdumpdir: warning: no effect: ",
		"6: logdir: warning: no effect: see modellog",
		"7: maxupdateskew: warning: no effect: ",
		"8: rtcsync: warning: no effect: ",
		"9: makestep: warning: no effect: ",
		"10: leapsectz: warning: no effect: ",
	};

	(void)state;
	assert_int_equal(load(text), 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (strstr(messages, expected[i]) == NULL)
			fail_msg("no '%s' in:\n%s", expected[i], messages);
	}
	assert_null(strstr(messages, "driftfile"));
	assert_null(strstr(messages, "pool"));
	assert_null(strstr(messages, "dir /"));
	assert_int_equal(config.server_count, 1);
	assert_string_equal(config.driftfile, "/var/lib/chrony/chrony.drift");
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_nul_character),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_irregular_file),
		cmocka_unit_test(test_messages_are_printable),
		cmocka_unit_test(test_random_lines_are_survived),
		cmocka_unit_test(test_config_of_debian),
	};

	return cmocka_run_group_tests(tests, load_setup, load_teardown);
}
