/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_output.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <units.h>

#define CELL_SIZE   320
#define FIELDS_MAX  32
#define LABEL_WIDTH 24

static enum output_mode mode;
static bool csv_tagged;
static json_t *json;
static json_t *problems; /* array of strings; NULL: none */

void output_begin(const char *command, enum output_mode chosen, bool tagged)
{
	mode = chosen;
	csv_tagged = tagged;
	if (mode == OUTPUT_JSON)
		json = json_pack(
			"{s:i, s:s}", "schema_version", OUTPUT_SCHEMA_VERSION, "command", command);
}

static uint64_t utc_ns(struct meridian_utc utc)
{
	return (utc.frac64 >> 32) * NS_PER_SECOND >> 32;
}

static void utc_format(char *cell, size_t size, struct meridian_utc utc)
{
	time_t s = (time_t)utc.s;
	char date[32];
	struct tm tm;

	if (gmtime_r(&s, &tm) == NULL)
		strcpy(date, "?");
	else
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	if (utc.frac64 == 0)
		snprintf(cell, size, "%sZ", date);
	else
		snprintf(cell, size, "%s.%09" PRIu64 "Z", date, utc_ns(utc));
}

/* Three or four digits and a unit: "1.204 ms", "35.0 us", "120 s". */
static void seconds_format(char *cell, size_t size, double s, bool sign)
{
	static const struct {
		double from, scale;
		const char *unit;
	} units[] = {{1, 1, "s"}, {1e-3, 1e3, "ms"}, {1e-6, 1e6, "us"}, {0, 1e9, "ns"}};
	size_t i = 0;
	double value;

	while (fabs(s) < units[i].from)
		i++;
	value = s * units[i].scale;
	if (fabs(value) < 10)
		snprintf(cell, size, sign ? "%+.3f %s" : "%.3f %s", value, units[i].unit);
	else
		snprintf(cell, size, sign ? "%+.1f %s" : "%.1f %s", value, units[i].unit);
}

/* A field's value out of its row; false when it has none. */
union cell {
	const char *text;
	bool boolean;
	uint64_t count;
	int64_t integer;
	double number;
	struct meridian_utc utc;
};

static bool cell_read(const struct output_field *field, const void *row, union cell *ret_cell)
{
	const uint8_t *at = (const uint8_t *)row + field->offset;

	switch (field->type) {
	case OUTPUT_STRING:
		memcpy(&ret_cell->text, at, sizeof(ret_cell->text));
		return ret_cell->text != NULL;
	case OUTPUT_BOOL:
		memcpy(&ret_cell->boolean, at, sizeof(ret_cell->boolean));
		return true;
	case OUTPUT_COUNT:
	case OUTPUT_OCTAL:
		memcpy(&ret_cell->count, at, sizeof(ret_cell->count));
		return ret_cell->count != UINT64_MAX;
	case OUTPUT_INTEGER:
		memcpy(&ret_cell->integer, at, sizeof(ret_cell->integer));
		return true;
	case OUTPUT_UTC:
		memcpy(&ret_cell->utc, at, sizeof(ret_cell->utc));
		return ret_cell->utc.s != 0;
	default:
		memcpy(&ret_cell->number, at, sizeof(ret_cell->number));
		return !isnan(ret_cell->number);
	}
}

static void cell_text(char *text, size_t size, const struct output_field *field, const void *row)
{
	bool sign = field->flags & OUTPUT_SIGNED;
	union cell cell;

	if (!cell_read(field, row, &cell)) {
		snprintf(text, size, "-");
		return;
	}
	switch (field->type) {
	case OUTPUT_STRING:
		snprintf(text, size, "%s", cell.text);
		break;
	case OUTPUT_BOOL:
		snprintf(text, size, "%s", cell.boolean ? "yes" : "no");
		break;
	case OUTPUT_COUNT:
		snprintf(text, size, "%" PRIu64, cell.count);
		break;
	case OUTPUT_OCTAL:
		snprintf(text, size, "%" PRIo64, cell.count);
		break;
	case OUTPUT_INTEGER:
		snprintf(text, size, "%" PRId64, cell.integer);
		break;
	case OUTPUT_SECONDS:
		seconds_format(text, size, cell.number, sign);
		break;
	case OUTPUT_PPM:
		snprintf(text, size, sign ? "%+.3f ppm" : "%.3f ppm", cell.number);
		break;
	case OUTPUT_NUMBER:
		snprintf(text, size, fabs(cell.number) < 100 ? "%.4g" : "%.0f", cell.number);
		break;
	case OUTPUT_SHARE:
		snprintf(text, size, "%.1f %%", cell.number * 100);
		break;
	case OUTPUT_UTC:
		utc_format(text, size, cell.utc);
		break;
	}
}

static void cell_csv(char *text, size_t size, const struct output_field *field, const void *row)
{
	union cell cell;

	text[0] = '\0';
	switch (field->type) {
	case OUTPUT_NUMBER:
	case OUTPUT_SECONDS:
	case OUTPUT_SHARE:
		if (cell_read(field, row, &cell))
			snprintf(text, size, "%.9f", cell.number);
		else if (field->flags & OUTPUT_CSV_ZERO)
			snprintf(text, size, "%.9f", 0.0);
		break;
	case OUTPUT_PPM:
		if (cell_read(field, row, &cell))
			snprintf(text, size, "%.3f", cell.number);
		break;
	case OUTPUT_UTC:
		cell_read(field, row, &cell);
		snprintf(text, size, "%" PRId64 ".%09" PRIu64, cell.utc.s, utc_ns(cell.utc));
		break;
	default:
		if (cell_read(field, row, &cell))
			cell_text(text, size, field, row);
		break;
	}
}

static json_t *cell_json(const struct output_field *field, const void *row)
{
	char text[CELL_SIZE];
	union cell cell;

	if (!cell_read(field, row, &cell))
		return json_null();
	switch (field->type) {
	case OUTPUT_BOOL:
		return json_boolean(cell.boolean);
	case OUTPUT_COUNT:
	case OUTPUT_OCTAL:
		return json_integer((json_int_t)cell.count);
	case OUTPUT_INTEGER:
		return json_integer(cell.integer);
	case OUTPUT_SECONDS:
	case OUTPUT_PPM:
	case OUTPUT_NUMBER:
	case OUTPUT_SHARE:
		return json_real(cell.number);
	default:
		cell_text(text, sizeof(text), field, row);
		return json_string(text);
	}
}

static json_t *row_json(const struct output_report *report, const void *row)
{
	json_t *object = json_object();

	for (size_t i = 0; i < report->field_count; i++) {
		const struct output_field *field = &report->fields[i];

		if (!(field->flags & OUTPUT_NOT_JSON))
			json_object_set_new(object, field->key, cell_json(field, row));
	}
	return object;
}

/* A field with a separator in it is quoted, as RFC 4180 has it. */
static void csv_put(const char *text)
{
	if (strpbrk(text, ",\"\n") == NULL) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void row_csv(const struct output_report *report, const void *row)
{
	const char *separator = csv_tagged ? "," : "";
	char text[CELL_SIZE];

	if (csv_tagged)
		fputs(report->key, stdout);
	for (size_t i = 0; i < report->field_count; i++) {
		if (report->fields[i].flags & OUTPUT_NOT_CSV)
			continue;
		fputs(separator, stdout);
		cell_csv(text, sizeof(text), &report->fields[i], row);
		csv_put(text);
		separator = ",";
	}
	putchar('\n');
}

static void title_put(const struct output_report *report)
{
	if (report->title != NULL)
		printf("%s\n", report->title);
}

static void record_text(const struct output_report *report, const void *row)
{
	char text[CELL_SIZE];

	for (size_t i = 0; i < report->field_count; i++) {
		if (report->fields[i].flags & OUTPUT_NOT_TEXT)
			continue;
		cell_text(text, sizeof(text), &report->fields[i], row);
		printf("%-*s: %s\n", LABEL_WIDTH, report->fields[i].label, text);
	}
}

void output_record(const struct output_report *report, const void *row)
{
	if (mode == OUTPUT_CSV)
		row_csv(report, row);
	if (mode == OUTPUT_JSON)
		json_object_set_new(json, report->key, row_json(report, row));
	if (mode != OUTPUT_TEXT)
		return;
	title_put(report);
	record_text(report, row);
}

void output_records(const struct output_report *report, const void *rows, size_t count)
{
	const uint8_t *at = rows;

	if (mode != OUTPUT_TEXT) {
		output_table(report, rows, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			putchar('\n');
		record_text(report, at + i * report->row_size);
	}
}

static bool column_is_left(const struct output_field *field)
{
	return field->type == OUTPUT_STRING || field->type == OUTPUT_BOOL;
}

/* One line of a table; row NULL: its head. */
static void columns_put(const struct output_report *report, const int *widths, const void *row)
{
	const char *separator = "";
	int padding = 0; /* owed by left-aligned columns, so that no line ends in blanks */

	for (size_t i = 0; i < report->field_count; i++) {
		const struct output_field *field = &report->fields[i];
		char text[CELL_SIZE];

		if (field->flags & OUTPUT_NOT_TEXT)
			continue;
		if (row == NULL)
			snprintf(text, sizeof(text), "%s", field->label);
		else
			cell_text(text, sizeof(text), field, row);
		printf("%*s%s", padding, "", separator);
		padding = column_is_left(field) ? widths[i] - (int)strlen(text) : 0;
		printf("%*s", column_is_left(field) ? 0 : widths[i], text);
		separator = "  ";
	}
	putchar('\n');
}

static void table_text(const struct output_report *report, const uint8_t *rows, size_t count)
{
	int widths[FIELDS_MAX];
	char text[CELL_SIZE];

	for (size_t i = 0; i < report->field_count; i++) {
		widths[i] = (int)strlen(report->fields[i].label);
		for (size_t j = 0; j < count; j++) {
			cell_text(text, sizeof(text), &report->fields[i],
				rows + j * report->row_size);
			if ((int)strlen(text) > widths[i])
				widths[i] = (int)strlen(text);
		}
	}
	title_put(report);
	columns_put(report, widths, NULL);
	for (size_t i = 0; i < count; i++)
		columns_put(report, widths, rows + i * report->row_size);
}

void output_table(const struct output_report *report, const void *rows, size_t count)
{
	const uint8_t *at = rows;
	json_t *array;

	switch (mode) {
	case OUTPUT_TEXT:
		if (count > 0 || report->title == NULL)
			table_text(report, rows, count);
		break;
	case OUTPUT_CSV:
		for (size_t i = 0; i < count; i++)
			row_csv(report, at + i * report->row_size);
		break;
	case OUTPUT_JSON:
		array = json_array();
		for (size_t i = 0; i < count; i++)
			json_array_append_new(array, row_json(report, at + i * report->row_size));
		json_object_set_new(json, report->key, array);
		break;
	}
}

void output_problem(const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (problems == NULL)
		problems = json_array();
	json_array_append_new(problems, json_string(text));
}

void output_error(int exit_code, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (mode == OUTPUT_JSON)
		json_object_set_new(json, "error",
			json_pack("{s:i, s:s}", "exit_code", exit_code, "message", text));
	else
		fprintf(stderr, "meridianctl: %s\n", text);
}

static void problems_put(void)
{
	if (problems != NULL && mode == OUTPUT_TEXT)
		printf("\nTo do\n");
	for (size_t i = 0; i < json_array_size(problems); i++) {
		const char *text = json_string_value(json_array_get(problems, i));

		fputs(mode == OUTPUT_CSV ? "problem," : "! ", stdout);
		if (mode == OUTPUT_CSV)
			csv_put(text);
		else
			fputs(text, stdout);
		putchar('\n');
	}
	json_decref(problems);
	problems = NULL;
}

int output_end(void)
{
	if (mode == OUTPUT_JSON) {
		if (problems != NULL)
			json_object_set_new(json, "problems", problems);
		problems = NULL;
		json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
		putchar('\n');
		json_decref(json);
		json = NULL;
	} else {
		problems_put();
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO;
}
