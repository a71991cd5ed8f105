/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <measure.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTPUT_SIZE 1024

static void finds_the_middle(void **state)
{
	double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, one[] = {7};
	struct measure_summary summary = measure_summarise(odd, 3);

	(void)state;
	assert_true(summary.median == 2 && summary.min == 1 && summary.max == 3);
	summary = measure_summarise(even, 4);
	assert_true(summary.median == 2.5 && summary.min == 1 && summary.max == 4);
	summary = measure_summarise(one, 1);
	assert_true(summary.median == 7 && summary.min == 7 && summary.max == 7);
}

static void waste(void *context)
{
	unsigned int *runs = context;
	uint64_t start = measure_ticks();

	while (measure_ticks() - start < 10000)
		;
	++*runs;
}

static void times_all_passes_but_the_first(void **state)
{
	unsigned int runs = 0;
	struct measure_summary summary = measure_ticks_per_item(waste, &runs, 10, 5);

	(void)state;
	assert_int_equal(runs, 6);
	assert_true(summary.min >= 1000);
	assert_true(summary.median >= summary.min && summary.max >= summary.median);
}

static void knows_the_rate_of_the_ticks(void **state)
{
	double hz = measure_ticks_hz();

	(void)state;
	assert_true(hz > 1e6 && hz < 1e11);
}

/* What a report prints, in `output`. */
static void capture(bool json, char output[OUTPUT_SIZE])
{
	struct measure_report report;
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	size_t length;

	assert_non_null(file);
	fflush(stdout);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	measure_report_begin(&report, "bench-test", json);
	measure_report_heading(&report, "a heading");
	measure_report_value(&report, "replies_per_s", 27400000, "replies");
	measure_report_value(&report, "broken", NAN, "nothing");
	measure_report_summary(&report, "look_ticks", (struct measure_summary){2.5, 1.25, 9}, "t");
	assert_int_equal(measure_report_end(&report), 0);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	rewind(file);
	length = fread(output, 1, OUTPUT_SIZE - 1, file);
	output[length] = '\0';
	fclose(file);
}

static void writes_one_json_object(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	capture(true, output);
	assert_string_equal(output,
		"{\"schema_version\":1,\"name\":\"bench-test\",\"results\":{\n"
		"\"replies_per_s\":27400000,\n"
		"\"broken\":null,\n"
		"\"look_ticks\":2.5,\n"
		"\"look_ticks_min\":1.25\n"
		"}}\n");
}

static void writes_text(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	capture(false, output);
	assert_non_null(strstr(output, "bench-test\n\na heading\n"));
	assert_non_null(strstr(output, "      27400000  replies_per_s"));
	assert_non_null(strstr(output, "          2.50  look_ticks"));
	assert_non_null(strstr(output, "(least 1.25)\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_middle),
		cmocka_unit_test(times_all_passes_but_the_first),
		cmocka_unit_test(knows_the_rate_of_the_ticks),
		cmocka_unit_test(writes_one_json_object),
		cmocka_unit_test(writes_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
