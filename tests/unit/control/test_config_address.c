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

static void test_server_addresses(void **state)
{
	static const char *const good[] = {"192.0.2.1", "127.0.0.1", "::1", "2001:db8::1",
		"fd00::1", "169.254.169.123", "223.255.255.255"};
	static const char *const wrong[] = {"0.0.0.0", "0.0.0.1", "255.255.255.255", "224.0.1.1",
		"240.0.0.1", "::", "ff02::101", "fe80::1", "febf::1", "::ffff:192.0.2.1"};
	struct config_address address;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(config_address_parse(good[i], &address));
		if (config_server_address_check(&address))
			fail_msg("'%s' %s", good[i], config_server_address_check(&address));
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_true(config_address_parse(wrong[i], &address));
		if (config_server_address_check(&address) == NULL)
			fail_msg("'%s' was accepted", wrong[i]);
	}
}

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"

static void test_host_names(void **state)
{
	static const char *const good[] = {"a", "ntp1.example.net", "ntp1.example.net.",
		"0.pool.example", "1a", "x--y", "my_host", LABEL_63,
		LABEL_63 "." LABEL_63 "." LABEL_63 "."
			 "a2345678901234567890123456789012345678901234567890123456789.b"};
	static const char *const wrong[] = {"", ".", "-4", "a-", "-a.b", "a.-b", "a..b", ".a",
		"a/b;c", "a,b", "1.2.3.4.5", "1.2.3", "12", "0x7f.1", "01.2.3.4", "host.1", "1:2",
		"fe80::1%eth0", "z\xc3\xa4hler", LABEL_63 "4",
		LABEL_63 "." LABEL_63 "." LABEL_63 "."
			 "a23456789012345678901234567890123456789012345678901234567890.b"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (config_host_name_check(good[i]))
			fail_msg("'%s' %s", good[i], config_host_name_check(good[i]));
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (config_host_name_check(wrong[i]) == NULL)
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
		cmocka_unit_test(test_server_addresses),
		cmocka_unit_test(test_host_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
