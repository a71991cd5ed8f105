/* SPDX-License-Identifier: BSD-3-Clause */

/* Config files in config files. In texts '@' stands for a directory of their own. */

#include "config.h"
#include <errno.h>
#include <rundir.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *directory;
static struct config config;
static char *messages;

static void path_of(char path[256], const char *name)
{
	snprintf(path, 256, "%s/%s", directory, name);
}

static void file_write(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	path_of(path, name);
	file = fopen(path, "w");
	assert_non_null(file);
	for (; *text; text++) {
		if (*text == '@')
			fputs(directory, file);
		else
			fputc(*text, file);
	}
	assert_int_equal(fclose(file), 0);
}

static void directory_make(const char *name)
{
	char path[256];

	path_of(path, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* Loads @/main; in the messages the directory is '@' again. */
static int load(const char *text)
{
	char path[256], *found;
	FILE *errors;
	size_t size;
	int r;

	file_write("main", text);
	path_of(path, "main");
	free(messages);
	errors = open_memstream(&messages, &size);
	r = config_load(&config, path, errors);
	fclose(errors);
	while ((found = strstr(messages, directory))) {
		*found = '@';
		memmove(found + 1, found + strlen(directory),
			strlen(found + strlen(directory)) + 1);
	}
	return r;
}

static void expect(const char *text, int result, const char *expected)
{
	assert_int_equal(load(text), result);
	assert_string_equal(messages, expected);
	if (result == 0)
		config_free(&config);
}

static int setup(void **state)
{
	int r = rundir_setup(state);

	directory = *state;
	return r;
}

static int teardown(void **state)
{
	char command[300];

	free(messages);
	messages = NULL;
	/* What is inside the directories, too. */
	snprintf(command, sizeof(command), "rm -rf '%s'/*", directory);
	assert_int_equal(system(command), 0);
	return rundir_teardown(state);
}

/* The order shows in the access rules, of which each is for one address. */
static void rules_are(const char *expected)
{
	char found[64] = "";

	for (size_t i = 0; i < config.rule_count; i++)
		snprintf(found + strlen(found), sizeof(found) - strlen(found), "%u ",
			config.rule[i].access.octets[3]);
	assert_string_equal(found, expected);
}

static void test_include_stands_for_its_lines(void **state)
{
	(void)state;
	file_write("b", "allow 10.0.0.2\ninclude @/c\nallow 10.0.0.4");
	file_write("c", "# nothing\nallow 10.0.0.3\n");
	assert_int_equal(load("allow 10.0.0.1\ninclude @/b\nallow 10.0.0.5\n"), 0);
	assert_string_equal(messages, "");
	rules_are("1 2 3 4 5 ");
	config_free(&config);
}

static void test_patterns_match_in_order(void **state)
{
	(void)state;
	file_write("20.x", "allow 10.0.0.2\n");
	file_write("10.x", "allow 10.0.0.1\n");
	file_write("30.y", "allow 10.0.0.9\n");
	assert_int_equal(load("include @/*.x\ninclude @/*.none\ninclude @/none/*\n"), 0);
	assert_string_equal(messages, "");
	rules_are("1 2 ");
	config_free(&config);
}

/* Each message names the file that it is about, and after it the old one goes on. */
static void test_messages_name_the_file(void **state)
{
	(void)state;
	file_write("b", "\nport\ncmdport 99999\n");
	expect("cmdport\ninclude @/b\nx\n", -EINVAL,
		"@/main:1: cmdport: the value is missing: a whole number from 0 to 65535\n"
		"@/b:2: port: refused: Meridian serves port 123; without `allow` it serves "
		"nobody\n"
		"@/b:3: cmdport: the value 99999 is out of range (allowed: 0 to 65535)\n"
		"@/main:3: unknown directive 'x'\n");
	/* What is known only at the end. */
	file_write("b", "cmdport 0\nserver 192.0.2.1 key 5\n");
	file_write("c", "rtcsync\n");
	expect("cmdport 1\ninclude @/b\ninclude @/c\n", -EINVAL,
		"@/b:1: cmdport: warning: replaces @/main line 1\n"
		"@/c:1: rtcsync: warning: no effect: it needs `steerclock`\n"
		"@/b:2: server: key 5 needs `keyfile`\n");
}

static void test_what_cannot_be_included(void **state)
{
	(void)state;
	directory_make("d");
	expect("include\n", -EINVAL, "@/main:1: include: the absolute path is missing\n");
	expect("include b\n", -EINVAL, "@/main:1: include: 'b' is not an absolute path\n");
	expect("\ninclude @/b\ninclude @/d\nx\n", -EINVAL,
		"@/main:2: include: @/b: No such file or directory\n"
		"@/main:3: include: @/d: not a regular file\n"
		"@/main:4: unknown directive 'x'\n");
	expect("include /dev/zero\n", -EINVAL,
		"@/main:1: include: /dev/zero: not a regular file\n");
	expect("include @/b @/c\n", -EINVAL,
		"@/main:1: include: '@/c' is too much (usage: include FILE|PATTERN)\n");
	expect("include @/main\n", -EINVAL, "@/main:1: include: @/main includes itself\n");
	file_write("b", "include @/main\n");
	expect("include @/b\n", -EINVAL, "@/b:1: include: @/main includes itself\n");
}

static void test_depth_is_limited(void **state)
{
	char name[16], text[32];

	(void)state;
	for (int i = 1; i <= 11; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(text, sizeof(text), "allow 10.0.0.%d\ninclude @/f%d\n", i, i + 1);
		file_write(name, text);
	}
	expect("include @/f1\n", -EINVAL, "@/f10:2: include: more than 10 files in files\n");
	file_write("f10", "allow 10.0.0.10\n");
	assert_int_equal(load("include @/f1\n"), 0);
	rules_are("1 2 3 4 5 6 7 8 9 10 ");
	config_free(&config);
}

static void test_directories_are_merged_by_name(void **state)
{
	(void)state;
	directory_make("a");
	directory_make("b");
	file_write("a/30.conf", "allow 10.0.0.3\n");
	file_write("a/20.conf", "allow 10.0.0.2\n");
	file_write("b/10.conf", "allow 10.0.0.1\n");
	file_write("b/20.conf", "allow 10.0.0.9\n");
	file_write("b/40.other", "allow 10.0.0.8\n");
	assert_int_equal(load("confdir @/a @/none @/b\nallow 10.0.0.4\n"), 0);
	assert_string_equal(messages, "");
	rules_are("1 2 3 4 ");
	config_free(&config);
	expect("confdir a\n", -EINVAL, "@/main:1: confdir: 'a' is not an absolute path\n");
	expect("confdir\n", -EINVAL, "@/main:1: confdir: the absolute path is missing\n");
	expect("confdir /1 /2 /3 /4 /5 /6 /7 /8 /9 /10 /11\n", -EINVAL,
		"@/main:1: confdir: more than 10 directories\n");
}

/* What a DHCP client wrote must not keep the service from starting. */
static void test_bad_lines_of_sources_are_left_out(void **state)
{
	(void)state;
	directory_make("a");
	file_write("a/eth0.sources",
		"server 192.0.2.1 iburst\nserver 192.0.2.2 nonsense\nallow\n"
		"server 192.0.2.5 key 5\nserver 192.0.2.3\nserver 192.0.2.4");
	file_write("a/eth1.conf", "x\n");
	assert_int_equal(load("sourcedir @/a @/none\nserver 192.0.2.3 minpoll 4\n"), 0);
	assert_string_equal(messages,
		"@/a/eth0.sources:2: server: warning: not used: unknown option 'nonsense'\n"
		"@/a/eth0.sources:3: warning: not used: there may be nothing but server and pool "
		"here\n"
		"@/a/eth0.sources:5: server: warning: not used: 192.0.2.3 is there already\n"
		"@/a/eth0.sources:6: warning: not used: the line has no end\n"
		"@/a/eth0.sources:4: server: warning: not used: key 5 needs `keyfile`\n");
	assert_int_equal(config.server_count, 2);
	assert_string_equal(config.server[0].name, "192.0.2.3");
	assert_int_equal(config.server[0].minpoll_log2, 4);
	assert_string_equal(config.server[1].name, "192.0.2.1");
	assert_int_equal(config.rule_count, 0);
	config_free(&config);
	expect("sourcedir /1 /2 /3 /4 /5 /6 /7 /8 /9 /10\nsourcedir /11\n", -EINVAL,
		"@/main:2: sourcedir: more than 10 directories\n");
}

static void test_unreadable_sources_are_left_out(void **state)
{
	char path[256];

	(void)state;
	directory_make("a");
	directory_make("a/eth0.sources");
	path_of(path, "a/eth1.sources");
	assert_int_equal(symlink("gone", path), 0);
	file_write("a/eth2.sources", "server 192.0.2.1 key 5\nserver 192.0.2.2\n");
	file_write("keys", "6 MD5 HEX:00112233445566778899AABBCCDDEEFF\n");
	path_of(path, "keys");
	assert_int_equal(chmod(path, 0600), 0);
	path_of(path, "loop");
	assert_int_equal(symlink("loop", path), 0); /* EACCES would not stop root */
	assert_int_equal(load("insecurekeys\nkeyfile @/keys\nsourcedir @/loop @/a\n"), 0);
	assert_string_equal(messages,
		"@/main:3: sourcedir: warning: not used: @/loop/*.sources: Too many levels of "
		"symbolic links\n"
		"@/main:3: sourcedir: warning: not used: @/a/eth0.sources: not a regular file\n"
		"@/main:3: sourcedir: warning: not used: @/a/eth1.sources: No such file or "
		"directory\n"
		"@/a/eth2.sources:1: server: warning: not used: there is no key 5 in @/keys\n");
	assert_int_equal(config.server_count, 1);
	assert_string_equal(config.server[0].name, "192.0.2.2");
	config_free(&config);
	expect("confdir @/loop\n", -EINVAL,
		"@/main:1: confdir: @/loop/*.conf: Too many levels of symbolic links\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_include_stands_for_its_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_patterns_match_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_messages_name_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_included, setup, teardown),
		cmocka_unit_test_setup_teardown(test_depth_is_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_directories_are_merged_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_bad_lines_of_sources_are_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_unreadable_sources_are_left_out, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
