/* SPDX-License-Identifier: BSD-3-Clause */
#include "leap_file.h"
#include <errno.h>
#include <log.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_S   INT64_C(1750000000)
#define MINUTES 5

/* It expires in the middle of a day. */
#define LIST_EXPIRES_S INT64_C(1798462800)
#define HOUR_S         3600
#define DAY_S          86400
static const char list[] = "#$ 3674937600\n"
			   "#@ 4007451600\n"
			   "2272060800\t36\n"
			   "3692217600\t37\n"
			   "#h e2c5ca80 a438e213 c20b4cfb e0aac286 95f49ac0\n";

static char directory[] = "/tmp/meridian-test-leap-XXXXXX";
static char path[sizeof(directory) + 8];
static unsigned int warnings;

/* The test is the log. */
void log_write(int priority, const char *format, ...)
{
	assert_non_null(format);
	warnings += priority == LOG_WARNING;
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/list", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

/* open(2) fails at a socket, also for root, and stat(2) does not. */
static void make_unreadable(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	unlink(path);
	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void make_list(const char *text)
{
	FILE *file;

	unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void pass_minutes(void)
{
	for (int i = 0; i < 60 * MINUTES; i++)
		assert_null(leap_file_list(NOW_S));
}

static void trouble_is_told_once(void **state)
{
	(void)state;
	warnings = 0;
	make_unreadable();
	leap_file_open(path);
	assert_int_equal(warnings, 1);
	pass_minutes();
	assert_int_equal(warnings, 1);
	/* Something else is wrong. */
	make_list("no list\n");
	pass_minutes();
	assert_int_equal(warnings, 2);
	make_unreadable();
	pass_minutes();
	assert_int_equal(warnings, 3);
	/* An operator who asks again is told again. */
	leap_file_open(path);
	assert_int_equal(warnings, 4);
}

static void expect_complaint(const char *which, int expected, const char *words)
{
	char *text = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&text, &size);
	int r = leap_file_check(which, errors);

	fclose(errors);
	assert_int_equal(r, expected);
	if (strstr(text, words) == NULL)
		fail_msg("'%s' is not in '%s'", words, text);
	assert_true(r != 0 || text[0] == '\0');
	free(text);
}

static void check_says_what_is_wrong(void **state)
{
	(void)state;
	expect_complaint("", 0, "");
	expect_complaint("/tmp", -EINVAL, "leapseclist /tmp: it is not a regular file\n");
	make_list("#@\t3991593600\n\001\002\n");
	expect_complaint(path, -EINVAL, "/list:2: ");
	unlink(path);
	expect_complaint(path, -ENOENT, "No such file");
}

static void expect_warnings(int64_t utc_s, unsigned int expected)
{
	warnings = 0;
	for (int i = 0; i < 3; i++)
		assert_non_null(leap_file_list(utc_s + i));
	assert_int_equal(warnings, expected);
}

/* Each day, and at once when it has come. */
static void expiry_is_told(void **state)
{
	(void)state;
	make_list(list);
	leap_file_open(path);
	expect_warnings(LIST_EXPIRES_S - 31 * DAY_S, 0);
	expect_warnings(LIST_EXPIRES_S - 30 * DAY_S, 1);
	expect_warnings(LIST_EXPIRES_S - 30 * DAY_S + 10, 0);
	expect_warnings(LIST_EXPIRES_S - HOUR_S, 1);
	expect_warnings(LIST_EXPIRES_S - 3, 0);
	expect_warnings(LIST_EXPIRES_S, 1);
	expect_warnings(LIST_EXPIRES_S + HOUR_S, 0);
	expect_warnings(LIST_EXPIRES_S + DAY_S, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trouble_is_told_once),
		cmocka_unit_test(check_says_what_is_wrong),
		cmocka_unit_test(expiry_is_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
