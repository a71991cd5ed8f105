/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Generous to clients, monitors and networks behind one address; above the limit nobody gets an
 * answer or a kiss. */
static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_int_equal(config.ratelimit_interval_log2, -5);
	assert_int_equal(config.ratelimit_burst, 128);
	assert_int_equal(config.ratelimit_leak_log2, 0);
	assert_int_equal(config.ratelimit_rollup_log2, 3);
	assert_int_equal(config.ratelimit_kod_log2, 0);
	assert_int_equal(config.kod_exempt_count, 0);
	config_free(&config);
}

static void expect_ratelimit(const char *text, int interval_log2, unsigned int burst)
{
	assert_int_equal(load(text), 0);
	assert_int_equal(config.ratelimit_interval_log2, interval_log2);
	assert_int_equal(config.ratelimit_burst, burst);
	config_free(&config);
}

static void test_ratelimit(void **state)
{
	(void)state;
	expect_ratelimit("ratelimit\n", 3, 8);
	expect_ratelimit("ratelimit burst 16\n", 3, 16);
	expect_ratelimit("RateLimit Interval -19 Burst 255\n", -19, 255);
	expect_ratelimit("ratelimit interval 12 burst 1\n", 12, 1);
	assert_string_equal(messages, "");
	expect_ratelimit("ratelimit off\n", 0, 0);
	expect_ratelimit("ratelimit interval 1 burst 16 leak 2 kod 0\n", 1, 16);
	assert_string_equal(messages, "");
	assert_int_equal(load("ratelimit leak 0 rollup 4\n"), 0);
	assert_int_equal(config.ratelimit_leak_log2, 0);
	assert_int_equal(config.ratelimit_rollup_log2, 4);
	assert_int_equal(config.ratelimit_kod_log2, 0);
	config_free(&config);
	assert_int_equal(load("ratelimit kod 2 kodafter 60\n"), 0);
	assert_int_equal(config.ratelimit_kod_log2, 2);
	assert_int_equal(config.ratelimit_kod_after_s, 60);
	config_free(&config);
	assert_string_equal(messages, "");
	expect_ratelimit("ratelimit burst 3 interval 1 Burst 4\n", 1, 4);
	assert_string_equal(
		messages, "1: ratelimit: warning: burst stands there twice, the last one counts\n");
	expect_ratelimit("ratelimit kodafter 60\n", 3, 8);
	assert_string_equal(
		messages, "1: ratelimit: warning: kodafter has no effect: it needs `kod`\n");
	expect_ratelimit("ratelimit\nratelimit off\n", 0, 0);
	assert_string_equal(messages, "2: ratelimit: warning: replaces line 1\n");
	expect_error("ratelimit interval -20\n",
		"1: ratelimit: interval -20 is out of range (allowed: -19 to 12)\n");
	expect_error("ratelimit burst 0\n",
		"1: ratelimit: burst 0 is out of range (allowed: 1 to 255)\n");
	expect_error("ratelimit burst\n",
		"1: ratelimit: burst is missing: a whole number from 1 to 255\n");
	expect_error("ratelimit 3\n", "1: ratelimit: unknown option '3'\n");
	expect_error("ratelimit burst 8 off\n", "1: ratelimit: unknown option 'off'\n");
	expect_error("ratelimit off burst\n",
		"1: ratelimit: 'burst' is too much (usage: ratelimit [interval POLL] [burst COUNT] "
		"[leak N] [kod N] [kodafter SECONDS] [rollup N] | off)\n");
	expect_error("ratelimit kodafter 0\n",
		"1: ratelimit: kodafter 0 is out of range (allowed: 1 to 3600)\n");
	expect_error(
		"ratelimit leak 5\n", "1: ratelimit: leak 5 is out of range (allowed: 0 to 4)\n");
	expect_error("ratelimit rollup -1\n",
		"1: ratelimit: rollup -1 is out of range (allowed: 0 to 4)\n");
}

/* Who floods us in a victim's name gets through to it with a leak, so only who asks for one has
 * one.
 */
static void test_leaks_only_when_told_to(void **state)
{
	(void)state;
	assert_int_equal(load("ratelimit interval 1 burst 16\n"), 0);
	assert_int_equal(config.ratelimit_leak_log2, 0);
	config_free(&config);
	assert_int_equal(load("ratelimit interval 1 burst 16 leak 2\n"), 0);
	assert_int_equal(config.ratelimit_leak_log2, 2);
	config_free(&config);
}

static void test_kodexempt(void **state)
{
	char lines[MERIDIAN_POLICY_KOD_EXEMPT_MAX + 1][32];
	char text[sizeof(lines)] = "";

	(void)state;
	assert_int_equal(
		load("kodexempt 192.0.2/24\nkodexempt 2001:db8::/32\nratelimit kod 1\n"), 0);
	assert_string_equal(messages, "");
	assert_int_equal(config.kod_exempt_count, 2);
	assert_int_equal(config.kod_exempt[0].prefix_len, 24);
	assert_int_equal(config.kod_exempt[0].allow, 1);
	assert_int_equal(config.kod_exempt[1].family, MERIDIAN_FAMILY_IPV6);
	config_free(&config);
	assert_int_equal(load("kodexempt 192.0.2.1\nkodexempt 192.0.2.1/32\n"), 0);
	assert_int_equal(config.kod_exempt_count, 1);
	assert_string_equal(messages,
		"2: kodexempt: warning: 192.0.2.1/32 stands there twice\n"
		"2: kodexempt: warning: no effect: it needs `kod` of `ratelimit`\n");
	config_free(&config);
	expect_error("kodexempt\n", "1: kodexempt: the subnet is missing\n");
	expect_error("kodexempt 192.0.2.0/33\n",
		"1: kodexempt: '192.0.2.0/33' has a prefix length out of range (allowed: 0 to "
		"32)\n");
	for (int i = 0; i <= MERIDIAN_POLICY_KOD_EXEMPT_MAX; i++) {
		snprintf(lines[i], sizeof(lines[i]), "kodexempt 10.0.0.%d\n", i);
		strcat(text, lines[i]);
	}
	strcat(text, "ratelimit kod 1\n");
	expect_error(text, "65: kodexempt: more than 64 subnets\n");
}

/* chrony's other rate limits change nothing here. */
static void test_others_of_chrony(void **state)
{
	(void)state;
	assert_int_equal(load("cmdratelimit interval -4 burst 8 leak 2\n"), 0);
	assert_non_null(strstr(messages, "1: cmdratelimit: warning: "));
	config_free(&config);
	assert_int_equal(load("ntsratelimit interval 6 burst 8 leak 2\n"), 0);
	assert_non_null(strstr(messages, "1: ntsratelimit: warning: "));
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_ratelimit),
		cmocka_unit_test(test_leaks_only_when_told_to),
		cmocka_unit_test(test_kodexempt),
		cmocka_unit_test(test_others_of_chrony),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
