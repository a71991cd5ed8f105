/* SPDX-License-Identifier: BSD-3-Clause */
#include <martian.h>
#include <served.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

static struct meridian_policy_address address(const char *text)
{
	struct meridian_policy_address address = {.family = MERIDIAN_FAMILY_IPV4};

	if (strchr(text, ':'))
		address.family = MERIDIAN_FAMILY_IPV6;
	assert_int_equal(inet_pton(address.family == MERIDIAN_FAMILY_IPV6 ? AF_INET6 : AF_INET,
				 text, address.octets),
		1);
	return address;
}

static bool contains(const struct served *served, const char *text)
{
	struct meridian_policy_address wanted = address(text);

	return served_contains(served, wanted.octets, wanted.family == MERIDIAN_FAMILY_IPV6);
}

static void knows_its_addresses(void **state)
{
	const char *const texts[] = {"2001:db8::2", "192.0.2.9", "fe80::1", "10.0.0.1", "192.0.2.1",
		"2001:db8::1", "255.0.0.1"};
	struct meridian_policy_address addresses[7];
	struct served served;

	(void)state;
	for (size_t count = 0; count <= 7; count++) {
		for (size_t i = 0; i < count; i++)
			addresses[i] = address(texts[i]);
		assert_int_equal(served_init(&served, addresses, count), 0);
		for (size_t i = 0; i < 7; i++)
			assert_int_equal(contains(&served, texts[i]), i < count);
		assert_false(contains(&served, "192.0.2.2"));
		assert_false(contains(&served, "2001:db8::3"));
		served_fini(&served);
	}
}

/* An IPv4 address is not the IPv6 address that begins with the same octets. */
static void keeps_families_apart(void **state)
{
	struct meridian_policy_address ipv4 = address("32.1.13.184");
	struct served served;

	(void)state;
	assert_int_equal(served_init(&served, &ipv4, 1), 0);
	assert_true(contains(&served, "32.1.13.184"));
	assert_false(contains(&served, "2001:db8::"));
	served_fini(&served);
}

static const struct {
	const char *text;
	bool martian;
} sources[] = {
	{"0.0.0.0", true},
	{"0.255.255.255", true},
	{"1.0.0.0", false},
	{"10.1.2.3", false},
	{"126.255.255.255", false},
	{"127.0.0.1", true},
	{"128.0.0.0", false},
	{"169.254.1.1", false},
	{"192.168.1.1", false},
	{"223.255.255.255", false},
	{"224.0.0.1", true},
	{"239.255.255.255", true},
	{"240.0.0.1", true},
	{"255.255.255.255", true},
	{"::", true},
	{"::1", true},
	{"::2", false},
	{"::ffff:192.0.2.1", true},
	{"::fffe:192.0.2.1", false},
	{"64:ff9b::192.0.2.1", false},
	{"2001:db8::1", false},
	{"fe80::1", false},
	{"fd00::1", false},
	{"ff02::1", true},
};

static void tells_martians(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct meridian_policy_address source = address(sources[i].text);

		print_message("# %s\n", sources[i].text);
		assert_int_equal(
			martian_source(source.octets, source.family == MERIDIAN_FAMILY_IPV6),
			sources[i].martian);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_its_addresses),
		cmocka_unit_test(keeps_families_apart),
		cmocka_unit_test(tells_martians),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
