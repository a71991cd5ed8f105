/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bpffs.h"
#include <errno.h>
#include <string.h>

static void expect(const char *text, const char *expected)
{
	char name[64];

	assert_int_equal(bpffs_escape(name, sizeof(name), text), 0);
	assert_string_equal(name, expected);
}

static void test_paths(void **state)
{
	(void)state;
	expect("/run/meridian", "run-meridian");
	expect("/run/meridian/", "run-meridian");
	expect("/tmp/tmp.aB3", "tmp-tmp_2eaB3");
	expect("eth0.100", "eth0_2e100");
}

static void test_different_names_stay_different(void **state)
{
	(void)state;
	expect("/a/b", "a-b");
	expect("/a-b", "a_2db");
	expect("/a_2db", "a_5f2db");
	expect("\xc3\xa9", "_c3_a9");
}

static void test_limits(void **state)
{
	char name[8];

	(void)state;
	assert_int_equal(bpffs_escape(name, sizeof(name), "abcde"), 0);
	assert_int_equal(bpffs_escape(name, sizeof(name), "abcdefghi"), -ENAMETOOLONG);
	assert_int_equal(bpffs_escape(name, sizeof(name), "......"), -ENAMETOOLONG);
	assert_int_equal(bpffs_escape(name, sizeof(name), "/"), -EINVAL);
	assert_int_equal(bpffs_escape(name, sizeof(name), ""), -EINVAL);
}

static void test_directory(void **state)
{
	char path[BPFFS_PATH_SIZE];

	(void)state;
	assert_int_equal(bpffs_directory(path, "/usr/../usr", "eth0"), 0);
	assert_string_equal(path, BPFFS_ROOT "/meridian-usr/eth0");
	assert_int_equal(bpffs_directory(path, "/no/such/directory", "eth0"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_different_names_stay_different),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
