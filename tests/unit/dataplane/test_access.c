/* SPDX-License-Identifier: BSD-3-Clause */
#include "seed.h"
#include <access.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#define RULES_MAX 64

static bool is_ipv6(const char *text)
{
	return strchr(text, ':') != NULL;
}

static void octets_of(const char *text, uint8_t octets[16])
{
	memset(octets, 0, 16);
	assert_int_equal(inet_pton(is_ipv6(text) ? AF_INET6 : AF_INET, text, octets), 1);
}

static struct meridian_policy_access rule(bool allow, const char *text, uint8_t prefix_len)
{
	struct meridian_policy_access rule = {
		.family = is_ipv6(text) ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4,
		.prefix_len = prefix_len,
		.allow = allow};

	octets_of(text, rule.octets);
	return rule;
}

static bool allowed(const struct access *access, const char *text)
{
	uint8_t octets[16];

	octets_of(text, octets);
	return access_allowed(access, octets, is_ipv6(text));
}

static void allows_nobody_by_default(void **state)
{
	struct access access;

	(void)state;
	assert_int_equal(access_init(&access, NULL, 0), 0);
	assert_false(allowed(&access, "0.0.0.0"));
	assert_false(allowed(&access, "255.255.255.255"));
	assert_false(allowed(&access, "2001:db8::1"));
	access_fini(&access);
}

static void lets_the_longest_prefix_decide(void **state)
{
	const struct meridian_policy_access rules[] = {
		rule(true, "10.1.2.3", 32),
		rule(true, "10.0.0.0", 8),
		rule(false, "10.1.0.0", 16),
		rule(true, "255.255.255.255", 32),
		rule(true, "2001:db8::", 32),
		rule(false, "2001:db8:0:1::", 64),
		rule(true, "2001:db8:0:1::7", 128),
	};
	struct access access;

	(void)state;
	assert_int_equal(access_init(&access, rules, sizeof(rules) / sizeof(rules[0])), 0);
	assert_false(allowed(&access, "9.255.255.255"));
	assert_true(allowed(&access, "10.0.0.0"));
	assert_true(allowed(&access, "10.0.255.255"));
	assert_false(allowed(&access, "10.1.0.0"));
	assert_false(allowed(&access, "10.1.2.2"));
	assert_true(allowed(&access, "10.1.2.3"));
	assert_false(allowed(&access, "10.1.2.4"));
	assert_false(allowed(&access, "10.1.255.255"));
	assert_true(allowed(&access, "10.2.0.0"));
	assert_true(allowed(&access, "10.255.255.255"));
	assert_false(allowed(&access, "11.0.0.0"));
	assert_true(allowed(&access, "255.255.255.255"));
	assert_true(allowed(&access, "2001:db8::1"));
	assert_false(allowed(&access, "2001:db8:0:1::6"));
	assert_true(allowed(&access, "2001:db8:0:1::7"));
	assert_false(allowed(&access, "2001:db8:0:1:ffff:ffff:ffff:ffff"));
	assert_true(allowed(&access, "2001:db8:0:2::"));
	assert_false(allowed(&access, "2001:db9::"));
	access_fini(&access);
}

static void families_have_defaults_of_their_own(void **state)
{
	const struct meridian_policy_access rules[] = {
		rule(true, "0.0.0.0", 0), rule(false, "::", 0), rule(true, "ffff::", 16)};
	struct access access;

	(void)state;
	assert_int_equal(access_init(&access, rules, 3), 0);
	assert_true(allowed(&access, "0.0.0.0"));
	assert_true(allowed(&access, "255.255.255.255"));
	assert_false(allowed(&access, "::"));
	assert_true(allowed(&access, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
	access_fini(&access);
}

/* All prefixes of one address, each turning the answer round: as deep as rules can nest. */
static void nests_all_lengths(void **state)
{
	struct meridian_policy_access rules[129];
	struct access access;

	(void)state;
	for (int i = 0; i <= 128; i++)
		rules[i] = rule(i % 2 == 0, "::", (uint8_t)i);
	assert_int_equal(access_init(&access, rules, 129), 0);
	assert_true(allowed(&access, "::"));
	assert_false(allowed(&access, "::1"));
	assert_true(allowed(&access, "::2"));
	assert_false(allowed(&access, "4000::"));
	assert_true(allowed(&access, "8000::"));
	access_fini(&access);
}

/* Few distinct octets, so that prefixes nest and touch. */
static struct meridian_policy_access random_rule(struct seed *seed)
{
	struct meridian_policy_access rule = {.family = MERIDIAN_FAMILY_IPV4,
		.prefix_len = (uint8_t)(seed_next(seed) % 33),
		.allow = seed_next(seed) & 1};
	uint32_t mask = rule.prefix_len ? UINT32_MAX << (32 - rule.prefix_len) : 0;
	uint32_t address = (uint32_t)seed_next(seed) & 0xc30000c3 & mask;

	address = htonl(address);
	memcpy(rule.octets, &address, 4);
	return rule;
}

/* The definition, word by word: the last of equal prefixes does not matter, none is equal. */
static bool slow_allowed(const struct meridian_policy_access *rules, size_t count, uint32_t address)
{
	int longest = -1;
	bool allow = false;

	for (size_t i = 0; i < count; i++) {
		uint32_t mask = rules[i].prefix_len ? UINT32_MAX << (32 - rules[i].prefix_len) : 0;
		uint32_t prefix;

		memcpy(&prefix, rules[i].octets, 4);
		if ((address & mask) == ntohl(prefix) && rules[i].prefix_len > longest) {
			longest = rules[i].prefix_len;
			allow = rules[i].allow;
		}
	}
	return allow;
}

static bool is_new(const struct meridian_policy_access *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rules[i].prefix_len == rules[count].prefix_len &&
			memcmp(rules[i].octets, rules[count].octets, 4) == 0)
			return false;
	}
	return true;
}

static void agrees_with_the_definition(void **state)
{
	struct seed seed = seed_init(__func__);

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct meridian_policy_access rules[RULES_MAX];
		size_t wanted = seed_next(&seed) % RULES_MAX, count = 0;
		struct access access;

		for (size_t i = 0; i < wanted; i++) {
			rules[count] = random_rule(&seed);
			count += is_new(rules, count);
		}
		assert_int_equal(access_init(&access, rules, count), 0);
		for (int i = 0; i < 200; i++) {
			uint32_t address = (uint32_t)seed_next(&seed) & 0xc70001c7;
			uint32_t octets = htonl(address - (seed_next(&seed) & 1));

			assert_int_equal(access_allowed(&access, (const uint8_t *)&octets, false),
				slow_allowed(rules, count, ntohl(octets)));
		}
		access_fini(&access);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allows_nobody_by_default),
		cmocka_unit_test(lets_the_longest_prefix_decide),
		cmocka_unit_test(families_have_defaults_of_their_own),
		cmocka_unit_test(nests_all_lengths),
		cmocka_unit_test(agrees_with_the_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
