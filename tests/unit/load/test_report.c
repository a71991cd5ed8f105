/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <report.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <units.h>

#include <cmocka.h>

#define HEAD "rate_per_s,second,sent,answered,invalid,p50_ns,p99_ns,max_ns,late,kissed,duplicate\n"

static struct load_options options;
static struct report report;
static struct meter meter;
static char directory[] = "/tmp/load-report.XXXXXX";
static char csv[64], hgrm[64], missing[64];

static int start(void **state)
{
	(void)state;
	memset(&options, 0, sizeof(options));
	memset(&meter, 0, sizeof(meter));
	options.no_progress = true;
	return 0;
}

static int directory_make(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(csv, sizeof(csv), "%s/a.csv", directory);
	snprintf(hgrm, sizeof(hgrm), "%s/a.hgrm", directory);
	snprintf(missing, sizeof(missing), "%s/none/a.svg", directory);
	return 0;
}

static int directory_remove(void **state)
{
	(void)state;
	unlink(csv);
	unlink(hgrm);
	return rmdir(directory);
}

static void expect_file(const char *file, const char *content)
{
	static char text[4096];
	FILE *stream = fopen(file, "r");
	size_t size;

	assert_non_null(stream);
	size = fread(text, 1, sizeof(text) - 1, stream);
	text[size] = '\0';
	fclose(stream);
	assert_non_null(strstr(text, content));
}

static void answer(uint64_t ns, uint64_t times)
{
	meter.sent += times;
	meter.answered += times;
	histogram_add(&meter.round_trip, ns, times);
}

/* That nothing was answered has been said; gnuplot would fail. */
static void plots_nothing(void **state)
{
	static const struct histogram none;

	(void)state;
	report = (struct report){.plot = missing};
	assert_int_equal(report_percentiles(&report, &none), 0);
}

/* One for each second, and one for the rest. */
static void writes_csv_lines(void **state)
{
	(void)state;
	options.csv = csv;
	assert_int_equal(report_init(&report, &options), 0);
	report_begin(&report, 1500.5);
	report_turn(&report, &meter, false, NS_PER_SECOND);
	report_turn(&report, &meter, true, 5 * NS_PER_SECOND);
	answer(300, 10);
	report_turn(&report, &meter, true, 6 * NS_PER_SECOND - 1);
	report_turn(&report, &meter, true, 6 * NS_PER_SECOND);
	answer(400, 3);
	meter.late = 2;
	meter.kissed = 4;
	meter.duplicate = 1;
	meter.invalid[REPLY_bad_mode] = 7;
	report_end(&report, &meter);
	assert_int_equal(report_fini(&report), 0);
	expect_file(csv,
		HEAD "1500.500,1,10,10,0,300,300,300,0,0,0\n"
		     "1500.500,2,3,3,7,400,400,400,2,4,1\n");
}

static void writes_no_rest_of_nothing(void **state)
{
	(void)state;
	options.csv = csv;
	assert_int_equal(report_init(&report, &options), 0);
	report_begin(&report, 7);
	report_turn(&report, &meter, true, NS_PER_SECOND);
	answer(300, 10);
	report_turn(&report, &meter, true, 2 * NS_PER_SECOND);
	report_end(&report, &meter);
	assert_int_equal(report_fini(&report), 0);
	expect_file(csv, "7.000,1,10,10,0,300,300,300,0,0,0\n");
	assert_int_equal(report.second, 1);
}

static void writes_percentiles(void **state)
{
	(void)state;
	options.hgrm = hgrm;
	assert_int_equal(report_init(&report, &options), 0);
	answer(2000, 10);
	assert_int_equal(report_percentiles(&report, &meter.round_trip), 0);
	assert_int_equal(report_fini(&report), 0);
	expect_file(hgrm, "#[Max     =        2.000, Total count    =           10]");
}

/* Before anything is measured. */
static void refuses_files_that_cannot_be_written(void **state)
{
	(void)state;
	options.csv = missing;
	assert_int_equal(report_init(&report, &options), -ENOENT);
	options.csv = NULL;
	options.hgrm = missing;
	assert_int_equal(report_init(&report, &options), -ENOENT);
	options.hgrm = NULL;
	options.plot = missing;
	assert_int_equal(report_init(&report, &options), -ENOENT);
}

/* Which a full disk does only when they are closed. */
static void tells_of_files_that_are_not_whole(void **state)
{
	(void)state;
	options.csv = "/dev/full";
	assert_int_equal(report_init(&report, &options), 0);
	assert_int_equal(report_fini(&report), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plots_nothing),
		cmocka_unit_test_setup(writes_csv_lines, start),
		cmocka_unit_test_setup(writes_no_rest_of_nothing, start),
		cmocka_unit_test_setup(writes_percentiles, start),
		cmocka_unit_test_setup(refuses_files_that_cannot_be_written, start),
		cmocka_unit_test_setup(tells_of_files_that_are_not_whole, start),
	};

	return cmocka_run_group_tests_name("load-report", tests, directory_make, directory_remove);
}
