/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_subnet(
	const char *text, uint8_t family, const uint8_t *octets, uint8_t prefix_len)
{
	struct meridian_policy_access access;
	const char *wrong = config_subnet_parse(text, &access);

	if (wrong)
		fail_msg("'%s' %s", text, wrong);
	assert_int_equal(access.family, family);
	assert_int_equal(access.prefix_len, prefix_len);
	assert_memory_equal(access.octets, octets, 16);
}

static void test_ipv4(void **state)
{
	(void)state;
	expect_subnet("192.0.2.7", 4, (const uint8_t[16]){192, 0, 2, 7}, 32);
	expect_subnet("192.0.2.7/24", 4, (const uint8_t[16]){192, 0, 2, 0}, 24);
	expect_subnet("192.0.2.255/25", 4, (const uint8_t[16]){192, 0, 2, 128}, 25);
	expect_subnet("1.2.3.4/0", 4, (const uint8_t[16]){0}, 0);
}

static void test_short_ipv4(void **state)
{
	(void)state;
	expect_subnet("1.2.3", 4, (const uint8_t[16]){1, 2, 3, 0}, 24);
	expect_subnet("1.2.3/24", 4, (const uint8_t[16]){1, 2, 3, 0}, 24);
	expect_subnet("1.2", 4, (const uint8_t[16]){1, 2}, 16);
	expect_subnet("10", 4, (const uint8_t[16]){10}, 8);
	expect_subnet("10.0/8", 4, (const uint8_t[16]){10}, 8);
	expect_subnet("0/0", 4, (const uint8_t[16]){0}, 0);
}

static void test_ipv6(void **state)
{
	(void)state;
	expect_subnet("::1", 6, (const uint8_t[16]){[15] = 1}, 128);
	expect_subnet("2001:db8::ff/32", 6, (const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8}, 32);
	expect_subnet("::/0", 6, (const uint8_t[16]){0}, 0);
}

static void test_wrong_subnets(void **state)
{
	static const char *const wrong[] = {"", "/", "/8", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/",
		"1.2.3.4/x", "1.2.3.4/8x", "::/129", "256", "1.256", "1.", ".1", "1..2", "1.2.3.",
		"1.2.3.4.5", "0001", "host", "1.2.3.4/ 8", "::g",
		"1234:1234:1234:1234:1234:1234:1234:1234:1234:1234:1234/64"};
	struct meridian_policy_access access;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (config_subnet_parse(wrong[i], &access) == NULL)
			fail_msg("'%s' was accepted", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_short_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_wrong_subnets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
