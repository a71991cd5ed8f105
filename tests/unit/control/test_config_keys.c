/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char keyfile[] = "/tmp/meridian-test-keyfile-XXXXXX";

static int setup(void **state)
{
	static const char keys[] = "7 SHA256 ten-octets\n4294967295 SHA256 ten-octets\n";
	int fd = mkstemp(keyfile);

	if (fd < 0 || write(fd, keys, sizeof(keys) - 1) != sizeof(keys) - 1)
		return -1;
	close(fd);
	return load_setup(state);
}

static int teardown(void **state)
{
	unlink(keyfile);
	return load_teardown(state);
}

/* Loads `text` behind the line of the key file. */
static int load_with_keys(const char *text)
{
	char lines[1024];

	snprintf(lines, sizeof(lines), "keyfile %s\n%s", keyfile, text);
	return load(lines);
}

static void servers_name_keys_that_are_there(void **state)
{
	(void)state;
	assert_int_equal(load_with_keys("server a key 7\nserver b key 4294967295\nserver c\n"), 0);
	assert_int_equal(config.server[0].key, 7);
	assert_int_equal(config.server[1].key, UINT32_MAX);
	assert_int_equal(config.server[2].key, 0);
	assert_int_equal(config.keys->count, 2);
	config_free(&config);
	assert_int_equal(load_with_keys("server a\npool b key 8\n"), -EINVAL);
	assert_non_null(strstr(messages, "3: pool: there is no key 8 in /tmp/"));
	assert_int_equal(load("server a\nkeyfile /nonexistent/file\n"), -EINVAL);
	assert_string_equal(messages, "2: keyfile: /nonexistent/file: No such file or directory\n");
}

/* What does nothing, or too much. */
static void warns_of_what_is_missing(void **state)
{
	(void)state;
	assert_int_equal(load_with_keys("server a key 7\nauthselectmode require\n"), 0);
	assert_string_equal(messages, "");
	config_free(&config);
	assert_int_equal(load("server a noselect\nauthselectmode require\n"), 0);
	assert_string_equal(messages, "");
	config_free(&config);
	assert_int_equal(load("server a\nauthselectmode require\n"), 0);
	assert_string_equal(messages,
		"2: authselectmode: warning: no server is used: none without noselect has a "
		"`key`\n");
	config_free(&config);
	assert_int_equal(truncate(keyfile, 0), 0);
	assert_int_equal(load_with_keys(""), 0);
	assert_non_null(
		strstr(messages, "1: keyfile: warning: no effect: there is no key in /tmp/"));
	config_free(&config);
}

/* Nothing is said of a line that is wrong but that. */
static void a_wrong_line_is_told_once(void **state)
{
	(void)state;
	expect_error("keyfile /nonexistent/file x\nserver a key 7\n",
		"1: keyfile: 'x' is too much (usage: keyfile FILE)\n");
	expect_error("server a\nauthselectmode require x\n",
		"2: authselectmode: 'x' is too much (usage: authselectmode "
		"require|prefer|mix|ignore)\n");
	expect_error("kodexempt 192.0.2.0/24 x\n",
		"1: kodexempt: 'x' is too much (usage: kodexempt SUBNET)\n");
}

static void a_dump_has_all_but_the_keys(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(
		load_with_keys("server a key 4294967295\nauthselectmode prefer\ninsecurekeys\n"),
		0);
	config_dump(&config, out);
	fclose(out);
	config_free(&config);
	assert_non_null(strstr(text, " key 4294967295"));
	assert_non_null(strstr(text, "\nauthselectmode prefer\n"));
	assert_non_null(strstr(text, "\nkeyfile /tmp/"));
	assert_non_null(strstr(text, "\ninsecurekeys\n"));
	assert_null(strstr(text, "ten-octets"));
	free(text);
}

/* A server with a key, one without, and a reference clock. */
#define SOURCES "server a key 7\nserver b\nrefclock SHM 0\n"

static void the_mode_gives_options(void **state)
{
	static const struct {
		const char *text;
		bool lead, noselect; /* those with a key; those without */
	} rows[] = {
		{SOURCES, true, false},
		{SOURCES "authselectmode mix\n", true, false},
		{SOURCES "authselectmode require\n", false, true},
		{SOURCES "authselectmode PREFER\n", false, true},
		{SOURCES "authselectmode ignore\n", false, false},
		{"server a noselect\nserver b\nauthselectmode prefer\n", false, false},
		{"server a noselect\nserver b\nauthselectmode require\n", false, true},
		{"server a key 7 noselect\nserver b\n", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(load_with_keys(rows[i].text), 0);
		assert_int_equal(config.server[0].source.select.trust, rows[i].lead);
		assert_int_equal(config.server[0].source.select.require, rows[i].lead);
		assert_int_equal(config.server[1].source.select.noselect, rows[i].noselect);
		assert_false(config.server[1].source.select.trust ||
			config.server[1].source.select.require);
		/* What the line says stays known. */
		assert_false(config.server[0].source.written.trust);
		assert_false(config.server[1].source.written.noselect);
		if (config.refclock_count > 0)
			assert_int_equal(config.refclock[0].source.select.trust, rows[i].lead);
		config_free(&config);
	}
	expect_error("authselectmode maybe\n",
		"1: authselectmode: 'maybe' is not a mode (allowed: require|prefer|mix|ignore)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_name_keys_that_are_there),
		cmocka_unit_test(a_wrong_line_is_told_once),
		cmocka_unit_test(a_dump_has_all_but_the_keys),
		cmocka_unit_test(the_mode_gives_options),
		cmocka_unit_test(warns_of_what_is_missing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
