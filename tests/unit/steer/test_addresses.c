/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "addresses.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define TEXT_SIZE 512

static uint8_t parse(const char *text, uint8_t octets[16])
{
	bool ipv6 = strchr(text, ':') != NULL;

	memset(octets, 0, 16);
	assert_int_equal(inet_pton(ipv6 ? AF_INET6 : AF_INET, text, octets), 1);
	return ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4;
}

static void add(struct addresses *addresses, const char *text)
{
	uint8_t octets[16];
	uint8_t family = parse(text, octets);

	assert_int_equal(addresses_add(addresses, family, octets), 0);
}

static struct config_address bind_to(const char *text)
{
	struct config_address address;

	address.family = parse(text, address.octets);
	return address;
}

static void expect(struct addresses *addresses, const char *expected)
{
	char text[TEXT_SIZE] = "";
	size_t used = 0;

	addresses_sort(addresses);
	for (size_t i = 0; i < addresses->count; i++) {
		char address[INET6_ADDRSTRLEN];
		int family =
			addresses->entry[i].family == MERIDIAN_FAMILY_IPV6 ? AF_INET6 : AF_INET;

		inet_ntop(family, addresses->entry[i].octets, address, sizeof(address));
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s", i ? " " : "", address);
	}
	addresses_fini(addresses);
	assert_string_equal(text, expected);
}

static struct addresses sample(void)
{
	struct addresses addresses = {0};

	add(&addresses, "2001:db8::1");
	add(&addresses, "192.0.2.2");
	add(&addresses, "192.0.2.1");
	add(&addresses, "192.0.2.2");
	return addresses;
}

static void test_sorted_without_duplicates(void **state)
{
	struct addresses addresses = sample(), empty = {0};

	(void)state;
	expect(&addresses, "192.0.2.1 192.0.2.2 2001:db8::1");
	expect(&empty, "");
}

static void test_many(void **state)
{
	struct addresses addresses = {0};

	(void)state;
	for (uint32_t i = 1000; i > 0; i--) {
		uint32_t octets = htonl(i / 2);

		assert_int_equal(addresses_add(&addresses, MERIDIAN_FAMILY_IPV4, &octets), 0);
	}
	addresses_sort(&addresses);
	assert_int_equal(addresses.count, 501);
	assert_int_equal(addresses.entry[500].octets[3], 500 & 0xff);
	addresses_fini(&addresses);
}

static void test_contains(void **state)
{
	struct addresses addresses = sample();
	struct meridian_policy_address address = {
		.octets = {192, 0, 2, 2}, .family = MERIDIAN_FAMILY_IPV4};

	(void)state;
	addresses_sort(&addresses);
	assert_true(addresses_contain(addresses.entry, addresses.count, &address));
	address.octets[3] = 3;
	assert_false(addresses_contain(addresses.entry, addresses.count, &address));
	assert_false(addresses_contain(NULL, 0, &address));
	addresses_fini(&addresses);
}

static void test_narrowed_by_family(void **state)
{
	const struct config_address bind[] = {bind_to("192.0.2.2"), bind_to("203.0.113.1")};
	struct addresses addresses = sample();

	(void)state;
	addresses_narrow(&addresses, bind, 2);
	expect(&addresses, "192.0.2.2 2001:db8::1");
}

static void test_not_narrowed_without_bindaddress(void **state)
{
	struct addresses addresses = sample();

	(void)state;
	addresses_narrow(&addresses, NULL, 0);
	expect(&addresses, "192.0.2.1 192.0.2.2 2001:db8::1");
}

static void test_wildcard_keeps_its_family(void **state)
{
	const struct config_address bind[] = {bind_to("0.0.0.0"), bind_to("2001:db8::2")};
	struct addresses addresses = sample();

	(void)state;
	addresses_narrow(&addresses, bind, 2);
	assert_int_equal(addresses_add_bound(&addresses, bind, 2), 0);
	expect(&addresses, "192.0.2.1 192.0.2.2 2001:db8::2");
}

static void test_equal_sets(void **state)
{
	const uint8_t a[16] = {192, 0, 2, 1}, b[16] = {192, 0, 2, 2};
	struct addresses one = {0}, other = {0};

	(void)state;
	assert_true(addresses_same(&one, &other));
	addresses_add(&one, MERIDIAN_FAMILY_IPV4, a);
	assert_false(addresses_same(&one, &other));
	addresses_add(&other, MERIDIAN_FAMILY_IPV4, b);
	assert_false(addresses_same(&one, &other));
	other.count = 0;
	addresses_add(&other, MERIDIAN_FAMILY_IPV4, a);
	assert_true(addresses_same(&one, &other));
	addresses_fini(&one);
	addresses_fini(&other);
}

static void test_smeared_where_served(void **state)
{
	struct addresses addresses = sample(), none = {0};
	const struct config_address smear[] = {
		bind_to("192.0.2.2"), bind_to("192.0.2.3"), bind_to("2001:db8::2")};
	const struct config_address *missing;

	(void)state;
	addresses_sort(&addresses);
	assert_int_equal(addresses_smear(&addresses, smear, 3, &missing), 1);
	assert_ptr_equal(missing, &smear[1]);
	assert_int_equal(addresses.entry[0].smear, 0);
	assert_int_equal(addresses.entry[1].smear, 1);
	assert_int_equal(addresses.entry[2].smear, 0);
	assert_int_equal(addresses_smear(&addresses, smear, 1, &missing), 1);
	assert_null(missing);
	assert_int_equal(addresses_smear(&none, smear, 1, &missing), 0);
	assert_ptr_equal(missing, &smear[0]);
	addresses_fini(&addresses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_sets),
		cmocka_unit_test(test_sorted_without_duplicates),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_smeared_where_served),
		cmocka_unit_test(test_narrowed_by_family),
		cmocka_unit_test(test_not_narrowed_without_bindaddress),
		cmocka_unit_test(test_wildcard_keeps_its_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
