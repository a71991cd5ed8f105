/* SPDX-License-Identifier: BSD-3-Clause */

/* The drift file: what is written is read again, and what cannot be written is said and leaves the
 * old file. */

#include "driftfile.h"
#include <errno.h>
#include <log.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static const struct counter counter = {.name = "tsc", .hz = 2000000000};

static char directory[] = "/tmp/meridian-test-drift-XXXXXX";
static char path[sizeof(directory) + 8], temporary[sizeof(path) + 8];
static unsigned int warnings;
static int logged; /* the error that was logged last */

/* The test is the log. */
void log_write(int priority, const char *format, ...)
{
	assert_non_null(format);
	warnings += priority == LOG_WARNING;
}

int log_errno(int error, const char *format, ...)
{
	assert_non_null(format);
	logged = error;
	return error;
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/drift", directory);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void expect_frequency(double frequency)
{
	struct drift_start start;

	warnings = 0;
	driftfile_read(path, &counter, &start);
	assert_true(fabs(start.frequency - frequency) < 1e-9);
	assert_int_equal(warnings, 0);
}

static void test_round_trip(void **state)
{
	(void)state;
	expect_frequency(0); /* a file that is missing is normal */
	assert_int_equal(driftfile_write(path, &counter, 12e-6, 1e-7), 0);
	expect_frequency(12e-6);
	assert_int_equal(access(temporary, F_OK), -1);
}

/* As on a full disk: the kernel takes no octet of the file. */
static void test_full_disk(void **state)
{
	const struct rlimit none = {0, RLIM_INFINITY};
	struct rlimit before;
	int r;

	(void)state;
	assert_int_equal(driftfile_write(path, &counter, 12e-6, 1e-7), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	r = driftfile_write(path, &counter, 99e-6, 1e-7);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(logged, -EFBIG);
	assert_int_equal(access(temporary, F_OK), -1);
	expect_frequency(12e-6);
}

static void test_no_directory(void **state)
{
	char lost[sizeof(directory) + 16];
	struct drift_start start;

	(void)state;
	snprintf(lost, sizeof(lost), "%s/none/drift", directory);
	warnings = 0;
	driftfile_read(lost, &counter, &start);
	assert_int_equal(warnings, 1);
	assert_int_equal(driftfile_write(lost, &counter, 0, 1e-6), -ENOENT);
	assert_int_equal(logged, -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_no_directory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
