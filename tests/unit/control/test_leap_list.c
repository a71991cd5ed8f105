/* SPDX-License-Identifier: BSD-3-Clause */
#include "leap_list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The numbers of the list that the IERS made in July 2025, with its checksum. */
static const char iers[] = "#\tA comment, as most lines are\n"
			   "#$\t3960835200\n"
			   "#@\t3991593600\n"
			   "#\n"
			   "2272060800\t10\n"
			   "2287785600\t11\n"
			   "2303683200\t12\n"
			   "2335219200\t13\n"
			   "2366755200\t14\n"
			   "2398291200\t15\n"
			   "2429913600\t16\n"
			   "2461449600\t17\n"
			   "2492985600\t18\n"
			   "2524521600\t19\n"
			   "2571782400\t20\n"
			   "2603318400\t21\n"
			   "2634854400\t22\n"
			   "2698012800\t23\n"
			   "2776982400\t24\n"
			   "2840140800\t25\n"
			   "2871676800\t26\n"
			   "2918937600\t27\n"
			   "2950473600\t28\n"
			   "2982009600\t29\n"
			   "3029443200\t30\n"
			   "3076704000\t31\n"
			   "3124137600\t32\n"
			   "3345062400\t33\n"
			   "3439756800\t34\n"
			   "3550089600\t35\n"
			   "3644697600\t36\n"
			   "3692217600\t37\n"
			   "#h\t49db2447 571e5e1b 2f002a53 9c8da8e4 39b8e49e\n";

static struct leap_list list;
static unsigned int line;

static const char *parse(const char *text)
{
	return leap_list_parse(text, strlen(text), &list, &line);
}

static void iers_list(void **state)
{
	(void)state;
	assert_null(parse(iers));
	assert_int_equal(list.count, 28);
	assert_int_equal(list.updated_s, INT64_C(1751846400)); /* 2025-07-07 */
	assert_int_equal(list.expires_s, INT64_C(1782604800)); /* 2026-06-28 */
	assert_int_equal(list.entry[0].from_s, INT64_C(63072000));
	assert_int_equal(list.entry[0].tai_offset_s, 10);
	assert_int_equal(list.entry[27].from_s, INT64_C(1483228800)); /* 2017-01-01 */
	assert_int_equal(list.entry[27].tai_offset_s, 37);
}

/* The list with `from` replaced by `to`. */
static const char *parse_changed(const char *from, const char *to)
{
	static char text[sizeof(iers) + 512];
	const char *at = strstr(iers, from);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - iers), iers, to, at + strlen(from));
	return parse(text);
}

static void what_the_checksum_leaves_open(void **state)
{
	(void)state;
	assert_null(parse_changed("3692217600\t37", "3692217600    37 # 1 Jan 2017\r"));
	assert_null(parse_changed("#\n", "\n# other words\n"));
	assert_null(parse_changed("9c8da8e4 39b8e49e\n", "9C8DA8E4 39b8e49e"));
}

static void damage_is_seen(void **state)
{
	static const char *const from[] = {"3960835200", "3991593600", "49db2447", "39b8e49e"};
	static const char *const to[] = {"3960835201", "3991593601", "59db2447", "39b8e49f"};

	(void)state;
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		assert_string_equal(parse_changed(from[i], to[i]),
			"the checksum (#h) does not match: the file is damaged");
		assert_int_equal(line, 0);
	}
	/* A leap second more, in form. */
	assert_string_equal(parse_changed("#h", "3723753600\t38\n#h"),
		"the checksum (#h) does not match: the file is damaged");
}

static void errors_name_their_line(void **state)
{
	static const struct {
		const char *from, *to, *says;
		unsigned int line;
	} cases[] = {
		{"#$\t3960835200", "#$ yesterday", "the time of update is wrong", 2},
		{"#@\t3991593600", "#@ 39915936x0", "the time of expiry is wrong", 3},
		{"3692217600\t37", "3692217600", "not a time and a number of seconds", 32},
		{"3692217600\t37", "3692217600 37 38", "not a time and a number of seconds", 32},
		{"3692217600\t37", "-3692217600 37", "not a time and a number of seconds", 32},
		{"3692217600\t37", "3692217601 37", "not the begin of a month", 32},
		{"3692217600\t37", "3692304000 37", "not the begin of a month", 32},
		{"3692217600\t37", "3692217600 38",
			"not one second more or less than the line before", 32},
		{"3692217600\t37", "3692217600 5000", "TAI - UTC is above 1000 seconds", 32},
		{"3692217600\t37", "3644697600 37", "not later than the line before", 32},
		{"#h\t49db2447", "#h\tg", "the checksum is not five hexadecimal words", 33},
		{"#h\t49db2447 ", "#h\t", "the checksum is not five hexadecimal words", 33},
		{"#h\t", "#\t", "there is no checksum (#h)", 0},
		{"#@\t", "#\t", "it does not say when it was made (#$) and when it expires (#@)",
			0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(parse_changed(cases[i].from, cases[i].to), cases[i].says);
		assert_int_equal(line, cases[i].line);
	}
	assert_string_equal(parse(""), "there is no entry");
}

static void not_text(void **state)
{
	static char text[sizeof(iers)];

	(void)state;
	memcpy(text, iers, sizeof(iers));
	text[5] = '\0';
	assert_non_null(leap_list_parse(text, sizeof(iers) - 1, &list, &line));
	assert_int_equal(line, 1);
	memset(text, 'x', 300);
	assert_non_null(leap_list_parse(text, 300, &list, &line));
	assert_int_equal(line, 1);
}

/* Whatever is cut off or flipped: no crash, and never another list. */
static void cut_and_flipped(void **state)
{
	char text[sizeof(iers)];

	(void)state;
	for (size_t length = 0; length < sizeof(iers) - 2; length++)
		assert_non_null(leap_list_parse(iers, length, &list, &line));
	for (size_t i = 0; i < sizeof(iers) - 1; i++) {
		memcpy(text, iers, sizeof(iers));
		text[i] ^= 1;
		if (leap_list_parse(text, sizeof(iers) - 1, &list, &line) == NULL) {
			assert_int_equal(list.count, 28);
			assert_int_equal(list.entry[27].from_s, INT64_C(1483228800));
			assert_int_equal(list.expires_s, INT64_C(1782604800));
		}
	}
}

static void of_tai(void **state)
{
	const int64_t from_s = INT64_C(1483228800); /* 2017, from which on it is 37 s */

	(void)state;
	assert_null(leap_list_parse(iers, sizeof(iers) - 1, &list, &line));
	assert_int_equal(leap_list_of_tai(&list, 0), 0);
	assert_int_equal(leap_list_of_tai(&list, from_s + 35), 36);
	assert_int_equal(leap_list_of_tai(&list, from_s + 36), 37); /* 23:59:60 */
	assert_int_equal(leap_list_of_tai(&list, from_s + 1000000), 37);
	assert_int_equal(leap_list_of_tai(&list, list.expires_s + 36), 37);
	assert_int_equal(leap_list_of_tai(&list, list.expires_s + 37), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iers_list),
		cmocka_unit_test(what_the_checksum_leaves_open),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(errors_name_their_line),
		cmocka_unit_test(not_text),
		cmocka_unit_test(cut_and_flipped),
		cmocka_unit_test(of_tai),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
