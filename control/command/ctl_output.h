/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_OUTPUT_H
#define CONTROL_CTL_OUTPUT_H

/*
 * What meridianctl prints. A report is a table of fields over a plain struct; the same table
 * makes the text for people, the CSV (chronyc's columns where chronyc has the report) and the
 * JSON, so a value has one name, one unit and one place.
 */

#include <meridian/timemodel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_SCHEMA_VERSION 1 /* moves when a key of the JSON changes its meaning or goes */

enum output_mode {
	OUTPUT_TEXT,
	OUTPUT_CSV,
	OUTPUT_JSON
};

/* C type of a field, and how it is shown. */
enum output_type {
	OUTPUT_STRING,  /* const char *; NULL: nothing to say */
	OUTPUT_BOOL,    /* bool */
	OUTPUT_COUNT,   /* uint64_t; UINT64_MAX: nothing to say */
	OUTPUT_OCTAL,   /* uint64_t, a bit set */
	OUTPUT_INTEGER, /* int64_t */
	OUTPUT_SECONDS, /* double; NaN: nothing to say. Text in engineering units */
	OUTPUT_PPM,     /* double */
	OUTPUT_NUMBER,  /* double; NaN: nothing to say */
	OUTPUT_SHARE,   /* double, 0..1. Text in percent */
	OUTPUT_UTC      /* struct meridian_utc; {0, 0}: never */
};

#define OUTPUT_NOT_TEXT 1u
#define OUTPUT_NOT_CSV  2u
#define OUTPUT_NOT_JSON 4u
#define OUTPUT_CSV_ONLY (OUTPUT_NOT_TEXT | OUTPUT_NOT_JSON)
#define OUTPUT_SIGNED   8u  /* text shows a plus sign */
#define OUTPUT_CSV_ZERO 16u /* CSV has 0 for what is not known, as chronyc's has */

struct output_field {
	const char *key;   /* in JSON */
	const char *label; /* in text: name of the line or head of the column */
	enum output_type type;
	size_t offset; /* into the row */
	unsigned int flags;
};

#define OUTPUT_FIELD(key, label, type, row, member, flags)                                         \
	{                                                                                          \
		key, label, OUTPUT_##type, offsetof(struct row, member), flags                     \
	}

struct output_report {
	const char *key;   /* in JSON, and first column of CSV where several reports are printed */
	const char *title; /* heading in text; NULL: none */
	const struct output_field *fields;
	size_t field_count;
	size_t row_size;
};

#define OUTPUT_REPORT(key, title, fields, row)                                                     \
	{                                                                                          \
		key, title, fields, sizeof(fields) / sizeof((fields)[0]), sizeof(struct row)       \
	}

/* Begins the output of `command`. `tagged`: each CSV line begins with its report's key.
 * `mode` holds for the rest of the process. */
void output_begin(const char *command, enum output_mode mode, bool tagged);

/* One row: lines of "label: value", one CSV line, or a JSON object. */
void output_record(const struct output_report *report, const void *row);

/* `count` rows: a table with a head, CSV lines, or a JSON array. */
void output_table(const struct output_report *report, const void *rows, size_t count);

/* The same as output_table(), but in text each row as by output_record(). */
void output_records(const struct output_report *report, const void *rows, size_t count);

/* A sentence on what is missing and what to do: comes after all reports, in JSON as an element
 * of "problems". */
void output_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the command failed with: to standard error, or as the JSON key "error". */
void output_error(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the output. Returns 0, or -EIO when it could not be written. */
int output_end(void);

#endif
