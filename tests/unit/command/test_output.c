/* SPDX-License-Identifier: BSD-3-Clause */

/* One report in all three modes. */

#include "ctl_output.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *name;
	bool up;
	uint64_t count, bits;
	int64_t poll;
	double offset_s, ppm, share;
	struct meridian_utc when;
};

static const struct output_field fields[] = {
	OUTPUT_FIELD("name", "Name", STRING, row, name, 0),
	OUTPUT_FIELD("up", "Up", BOOL, row, up, 0),
	OUTPUT_FIELD("count", "Count", COUNT, row, count, 0),
	OUTPUT_FIELD("bits", "Bits", OCTAL, row, bits, 0),
	OUTPUT_FIELD("poll", "Poll", INTEGER, row, poll, 0),
	OUTPUT_FIELD("offset_s", "Offset", SECONDS, row, offset_s, OUTPUT_SIGNED),
	OUTPUT_FIELD("ppm", "Ppm", PPM, row, ppm, OUTPUT_NOT_JSON),
	OUTPUT_FIELD("share", "Share", SHARE, row, share, OUTPUT_NOT_CSV),
	OUTPUT_FIELD("when", "When", UTC, row, when, 0),
};
static const struct output_report report = OUTPUT_REPORT("things", NULL, fields, row);

static const struct row rows[] = {
	{"a, \"b\"", true, 7, 0377, -2, -12.34e-6, 1.5, 0.25, {1800000000, UINT64_C(1) << 63}},
	{NULL, false, UINT64_MAX, 0, 6, NAN, NAN, NAN, {0, 0}},
};

/* Runs the whole output into memory; the caller frees it. */
static char *output_of(enum output_mode mode, bool tagged, bool table)
{
	FILE *terminal = stdout;
	char *text = NULL;
	size_t size;

	stdout = open_memstream(&text, &size);
	assert_non_null(stdout);
	output_begin("test", mode, tagged);
	if (table)
		output_table(&report, rows, 2);
	else
		output_record(&report, &rows[0]);
	if (tagged)
		output_problem("no %s, no %s", "a", "b");
	assert_int_equal(output_end(), 0);
	fclose(stdout);
	stdout = terminal;
	return text;
}

static void text_table(void **state)
{
	char *text = output_of(OUTPUT_TEXT, true, true);

	(void)state;
	assert_string_equal(text,
		"Name    Up   Count  Bits  Poll    Offset        Ppm   Share"
		"                            When\n"
		"a, \"b\"  yes      7   377    -2  -12.3 us  1.500 ppm  25.0 %"
		"  2027-01-15T08:00:00.500000000Z\n"
		"-       no       -     0     6         -          -       -"
		"                               -\n"
		"\nTo do\n! no a, no b\n");
	free(text);
}

static void text_record(void **state)
{
	char *text = output_of(OUTPUT_TEXT, false, false);

	(void)state;
	assert_non_null(strstr(text, "Offset                  : -12.3 us\n"));
	assert_null(strstr(text, "To do"));
	free(text);
}

static void csv(void **state)
{
	char *text = output_of(OUTPUT_CSV, true, true);

	(void)state;
	assert_string_equal(text,
		"things,\"a, \"\"b\"\"\",yes,7,377,-2,-0.000012340,1.500,1800000000.500000000\n"
		"things,,no,,0,6,,,0.000000000\n"
		"problem,\"no a, no b\"\n");
	free(text);
	text = output_of(OUTPUT_CSV, false, false);
	assert_memory_equal(text, "\"a, ", 4);
	free(text);
}

static void json_document(void **state)
{
	char *text = output_of(OUTPUT_JSON, true, true);
	json_t *root = json_loads(text, 0, NULL);
	json_t *first = json_array_get(json_object_get(root, "things"), 0);
	json_t *second = json_array_get(json_object_get(root, "things"), 1);

	(void)state;
	assert_int_equal(
		json_integer_value(json_object_get(root, "schema_version")), OUTPUT_SCHEMA_VERSION);
	assert_string_equal(json_string_value(json_object_get(root, "command")), "test");
	assert_string_equal(json_string_value(json_object_get(first, "name")), "a, \"b\"");
	assert_int_equal(json_integer_value(json_object_get(first, "bits")), 255);
	assert_true(json_real_value(json_object_get(first, "offset_s")) == -12.34e-6);
	assert_null(json_object_get(first, "ppm"));
	assert_true(json_is_null(json_object_get(second, "name")));
	assert_true(json_is_null(json_object_get(second, "count")));
	assert_true(json_is_null(json_object_get(second, "offset_s")));
	assert_true(json_is_false(json_object_get(second, "up")));
	assert_int_equal(json_array_size(json_object_get(root, "problems")), 1);
	json_decref(root);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_table),
		cmocka_unit_test(text_record),
		cmocka_unit_test(csv),
		cmocka_unit_test(json_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
