/* SPDX-License-Identifier: BSD-3-Clause */
#include "seed.h"
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

/* The addresses once more, in places of which each holds one of them: never a stranger. */
static void keeps_a_few_together(void **state)
{
	struct meridian_policy_address addresses[SERVED_FEW_IPV4 + 1];
	struct served served;

	(void)state;
	for (size_t count = 0; count <= SERVED_FEW_IPV4 + 1; count++) {
		for (size_t i = 0; i < count; i++) {
			addresses[i] = address("192.0.2.1");
			addresses[i].octets[3] = (uint8_t)(i + 1);
		}
		assert_int_equal(served_init(&served, addresses, count), 0);
		assert_int_equal(served.has_few_ipv4, count > 0 && count <= SERVED_FEW_IPV4);
		assert_false(served.has_few_ipv6);
		for (size_t i = 0; served.has_few_ipv4 && i < SERVED_FEW_IPV4; i++)
			assert_memory_equal(&served.few_ipv4[i],
				addresses[i < count ? i : count - 1].octets, 4);
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

/* Numbers that the set itself could use as its mark of a free slot. */
static void knows_the_smallest_numbers(void **state)
{
	struct meridian_policy_address addresses[] = {address("0.0.0.0"), address("1.0.0.0"),
		address("2.0.0.0"), address("::"), address("100::")};
	struct served served;

	(void)state;
	for (size_t count = 0; count <= 5; count++) {
		assert_int_equal(served_init(&served, addresses, count), 0);
		assert_int_equal(contains(&served, "0.0.0.0"), count > 0);
		assert_int_equal(contains(&served, "1.0.0.0"), count > 1);
		assert_int_equal(contains(&served, "2.0.0.0"), count > 2);
		assert_int_equal(contains(&served, "::"), count > 3);
		assert_int_equal(contains(&served, "100::"), count > 4);
		assert_false(contains(&served, "3.0.0.0"));
		assert_false(contains(&served, "200::"));
		served_fini(&served);
	}
}

/* Of a few networks, so that addresses differ in few bits; a stranger's differs in bit 5 of an
 * octet from all that are none. */
static struct meridian_policy_address random_address(struct seed *seed, bool stranger)
{
	uint64_t random = seed_next(seed);
	bool ipv6 = random & 1;
	struct meridian_policy_address entry = address(ipv6 ? "2001:db8::" : "10.0.0.0");

	entry.octets[ipv6 ? 7 : 1] = (uint8_t)(random >> 8 & 7);
	entry.octets[ipv6 ? 14 : 2] = (uint8_t)(random >> 16);
	entry.octets[ipv6 ? 15 : 3] = (uint8_t)(random >> 24);
	entry.octets[ipv6 ? 6 : 1] |= (uint8_t)(stranger << 5);
	return entry;
}

static bool has(const struct served *served, const struct meridian_policy_address *entry)
{
	return served_contains(served, entry->octets, entry->family == MERIDIAN_FAMILY_IPV6);
}

/* Longest way to a free slot. */
static uint32_t longest_run(const struct served *served)
{
	uint32_t run = 0, longest = 0;

	for (uint32_t i = 0; i <= 2 * served->mask_ipv4; i++) {
		run = served->ipv4[i & served->mask_ipv4] == served->free_ipv4 ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	run = 0;
	for (uint32_t i = 0; i <= 2 * served->mask_ipv6; i++) {
		bool free_slot =
			served_same_ipv6(served->ipv6[i & served->mask_ipv6], served->free_ipv6);

		run = free_slot ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void knows_many_addresses(void **state)
{
	static struct meridian_policy_address addresses[MERIDIAN_POLICY_ADDRESSES_MAX];
	struct seed seed = seed_init(__func__);

	(void)state;
	for (size_t count = 1; count <= MERIDIAN_POLICY_ADDRESSES_MAX; count *= 16) {
		struct served served;

		for (size_t i = 0; i < count; i++)
			addresses[i] = random_address(&seed, false);
		assert_int_equal(served_init(&served, addresses, count), 0);
		for (size_t i = 0; i < count; i++)
			assert_true(has(&served, &addresses[i]));
		for (size_t i = 0; i < 10000; i++) {
			struct meridian_policy_address stranger = random_address(&seed, true);

			assert_false(has(&served, &stranger));
		}
		print_message("# %zu addresses: longest run %u\n", count, longest_run(&served));
		assert_in_range(longest_run(&served), 1, 64);
		served_fini(&served);
	}
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
		cmocka_unit_test(keeps_a_few_together),
		cmocka_unit_test(keeps_families_apart),
		cmocka_unit_test(knows_the_smallest_numbers),
		cmocka_unit_test(knows_many_addresses),
		cmocka_unit_test(tells_martians),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
