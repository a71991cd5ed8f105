/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access_rules.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MAX 8
#define TEXT_SIZE 512

/* "allow", "deny", "allow all", "deny all" in the order of the config. */
struct line {
	bool allow, all;
	const char *prefix;
};

static struct config_rule rule_of(const struct line *line)
{
	struct config_rule rule = {.all = line->all, .access = {.allow = line->allow}};
	char address[INET6_ADDRSTRLEN];
	int length;

	assert_int_equal(sscanf(line->prefix, "%45[^/]/%d", address, &length), 2);
	rule.access.prefix_len = (uint8_t)length;
	rule.access.family = strchr(address, ':') ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4;
	assert_int_equal(
		inet_pton(strchr(address, ':') ? AF_INET6 : AF_INET, address, rule.access.octets),
		1);
	return rule;
}

/* The table as text: "+10.0.0.0/8 -10.1.0.0/16". */
static void table_text(
	char text[TEXT_SIZE], const struct meridian_policy_access *access, size_t count)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char address[INET6_ADDRSTRLEN];

		inet_ntop(access[i].family == MERIDIAN_FAMILY_IPV6 ? AF_INET6 : AF_INET,
			access[i].octets, address, sizeof(address));
		used += (size_t)snprintf(text + used, TEXT_SIZE - used, "%s%c%s/%u", i ? " " : "",
			access[i].allow ? '+' : '-', address, access[i].prefix_len);
	}
}

static void expect(const struct line *lines, const char *expected)
{
	struct config_rule rules[RULES_MAX];
	struct meridian_policy_access *access;
	char text[TEXT_SIZE];
	size_t count = 0;

	for (; lines[count].prefix; count++)
		rules[count] = rule_of(&lines[count]);
	assert_int_equal(access_rules_resolve(rules, count, &access, &count), 0);
	table_text(text, access, count);
	free(access);
	assert_string_equal(text, expected);
}

#define LINES(...) ((const struct line[]){__VA_ARGS__, {0}})

static void test_nothing(void **state)
{
	(void)state;
	expect((const struct line[]){{0}}, "");
}

static void test_order_does_not_matter_without_all(void **state)
{
	(void)state;
	expect(LINES({1, 0, "10.0.0.0/8"}, {0, 0, "10.1.0.0/16"}), "+10.0.0.0/8 -10.1.0.0/16");
	expect(LINES({0, 0, "10.1.0.0/16"}, {1, 0, "10.0.0.0/8"}), "+10.0.0.0/8 -10.1.0.0/16");
}

static void test_later_rule_for_same_prefix_holds(void **state)
{
	(void)state;
	expect(LINES({1, 0, "10.0.0.0/8"}, {0, 0, "10.0.0.0/8"}), "-10.0.0.0/8");
	expect(LINES({0, 1, "10.0.0.0/8"}, {1, 0, "10.0.0.0/8"}), "+10.0.0.0/8");
}

static void test_all_drops_narrower_rules_before_it(void **state)
{
	(void)state;
	expect(LINES({0, 0, "10.1.0.0/16"}, {0, 0, "11.0.0.0/8"}, {1, 1, "10.0.0.0/8"}),
		"+10.0.0.0/8 -11.0.0.0/8");
}

static void test_all_spares_narrower_rules_after_it(void **state)
{
	(void)state;
	expect(LINES({1, 1, "0.0.0.0/0"}, {0, 0, "10.1.0.0/16"}), "+0.0.0.0/0 -10.1.0.0/16");
}

static void test_all_spares_wider_rules(void **state)
{
	(void)state;
	expect(LINES({1, 0, "10.0.0.0/8"}, {0, 1, "10.1.0.0/16"}), "+10.0.0.0/8 -10.1.0.0/16");
}

/* `all` of an outer prefix is felt through one in between that came later. */
static void test_all_reaches_through_inner_prefixes(void **state)
{
	(void)state;
	expect(LINES({0, 0, "10.1.2.0/24"}, {1, 1, "10.0.0.0/8"}, {0, 0, "10.1.0.0/16"}),
		"+10.0.0.0/8 -10.1.0.0/16");
}

/* The later plain rule decides for its prefix; the earlier `all` has done its work inside. */
static void test_all_overridden_at_its_own_prefix(void **state)
{
	(void)state;
	expect(LINES({1, 0, "10.1.2.3/32"}, {0, 1, "10.0.0.0/8"}, {1, 0, "10.0.0.0/8"}),
		"+10.0.0.0/8");
}

static void test_prefix_lengths_that_end_inside_an_octet(void **state)
{
	(void)state;
	expect(LINES({0, 0, "10.192.0.0/12"}, {0, 0, "10.64.0.0/12"}, {1, 1, "10.128.0.0/9"}),
		"-10.64.0.0/12 +10.128.0.0/9");
}

static void test_families_are_apart(void **state)
{
	(void)state;
	expect(LINES({0, 0, "::/128"}, {0, 0, "2001:db8::/32"}, {1, 1, "0.0.0.0/0"}),
		"+0.0.0.0/0 -::/128 -2001:db8::/32");
	expect(LINES({0, 0, "10.0.0.0/8"}, {0, 0, "2001:db8::/32"}, {1, 1, "::/0"}),
		"-10.0.0.0/8 +::/0");
}

/* Nested prefixes of every length, each allowed or denied in turn. */
static void test_deepest_nesting(void **state)
{
	struct config_rule rules[129] = {0};
	struct meridian_policy_access *access;
	size_t count;

	(void)state;
	for (size_t i = 0; i < 129; i++)
		rules[128 - i].access = (struct meridian_policy_access){
			.family = MERIDIAN_FAMILY_IPV6, .prefix_len = (uint8_t)i, .allow = i % 2};
	assert_int_equal(access_rules_resolve(rules, 129, &access, &count), 0);
	assert_int_equal(count, 129);
	for (size_t i = 0; i < 129; i++)
		assert_int_equal(access[i].prefix_len, i);
	free(access);
}

/* The definition, step by step, over prefixes of at most 4 bits. */
struct model {
	bool present[5][16], allow[5][16]; /* by length and leading bits */
};

static void model_apply(struct model *model, const struct config_rule *rule)
{
	unsigned int length = rule->access.prefix_len;
	unsigned int bits = (unsigned int)rule->access.octets[0] >> 4 >> (4 - length);

	for (unsigned int inner = length + 1; rule->all && inner <= 4; inner++) {
		for (unsigned int i = 0; i < 1u << inner; i++) {
			if (i >> (inner - length) == bits)
				model->present[inner][i] = false;
		}
	}
	model->present[length][bits] = true;
	model->allow[length][bits] = rule->access.allow;
}

static void model_compare(
	struct model *model, const struct meridian_policy_access *access, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned int length = access[i].prefix_len;
		unsigned int bits = (unsigned int)access[i].octets[0] >> 4 >> (4 - length);

		assert_true(model->present[length][bits]);
		assert_int_equal(model->allow[length][bits], access[i].allow);
		model->present[length][bits] = false;
	}
	for (unsigned int length = 0; length <= 4; length++) {
		for (unsigned int i = 0; i < 16; i++)
			assert_false(model->present[length][i]);
	}
}

/* The longest prefix around each address, by looking at all. */
static bool model_allow(const struct model *model, unsigned int address)
{
	for (unsigned int length = 4; length > 0; length--) {
		if (model->present[length][address >> (4 - length)])
			return model->allow[length][address >> (4 - length)];
	}
	return model->present[0][0] && model->allow[0][0];
}

static void addresses_compare(
	const struct model *model, const struct meridian_policy_access *access, size_t count)
{
	for (unsigned int address = 0; address < 16; address++) {
		uint8_t octets[16] = {(uint8_t)(address << 4 | 5), 1, 2, 3};

		assert_int_equal(access_rules_allow(access, count, MERIDIAN_FAMILY_IPV4, octets),
			model_allow(model, address));
		assert_false(access_rules_allow(access, count, MERIDIAN_FAMILY_IPV6, octets));
	}
}

static void test_random_rules_against_the_definition(void **state)
{
	struct config_rule rules[24];

	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct meridian_policy_access *access;
		struct model model = {0};
		size_t count = 1 + (size_t)rand() % 24;

		for (size_t i = 0; i < count; i++) {
			unsigned int length = (unsigned int)rand() % 5;

			rules[i] = (struct config_rule){.all = rand() % 3 == 0,
				.access = {.family = MERIDIAN_FAMILY_IPV4,
					.prefix_len = (uint8_t)length,
					.allow = (uint8_t)(rand() % 2)}};
			rules[i].access.octets[0] = (uint8_t)(rand() % 256 & 0xff00 >> length);
			model_apply(&model, &rules[i]);
		}
		assert_int_equal(access_rules_resolve(rules, count, &access, &count), 0);
		addresses_compare(&model, access, count);
		model_compare(&model, access, count);
		free(access);
	}
}

#define STEPPED_RULES 1000

/* Of both families, often for the same prefix, or around each other. */
static struct config_rule random_rule(void)
{
	bool ipv6 = rand() % 2;
	struct config_rule rule = {.all = rand() % 8 == 0,
		.access = {.family = ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4,
			.prefix_len = (uint8_t)(8 * (1 + rand() % (ipv6 ? 16 : 4))),
			.allow = (uint8_t)(rand() % 2)}};

	for (int i = 0; i < rule.access.prefix_len / 8; i++)
		rule.access.octets[i] = (uint8_t)(rand() % 2);
	return rule;
}

/* No step does more than it was told, and they all come to the same table. */
static void test_steps_are_as_small_as_wanted(void **state)
{
	static const size_t sizes[] = {1, 7, STEPPED_RULES};
	static struct config_rule rules[STEPPED_RULES];
	struct meridian_policy_access *whole, *stepped;
	size_t whole_count, count;

	(void)state;
	srand(1);
	for (size_t i = 0; i < STEPPED_RULES; i++)
		rules[i] = random_rule();
	assert_int_equal(access_rules_resolve(rules, STEPPED_RULES, &whole, &whole_count), 0);
	for (size_t i = 0; i < 3; i++) {
		struct access_rules *work = access_rules_new(rules, STEPPED_RULES);
		size_t steps = 1;

		while (!access_rules_step(work, sizes[i]))
			steps++;
		/* Ranked, walked, and sorted by 10 passes in between, as 2^10 are not less. */
		assert_int_equal(steps, (12 * STEPPED_RULES + sizes[i] - 1) / sizes[i]);
		access_rules_take(work, &stepped, &count);
		access_rules_free(work);
		assert_int_equal(count, whole_count);
		assert_memory_equal(stepped, whole, count * sizeof(*whole));
		free(stepped);
	}
	free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_steps_are_as_small_as_wanted),
		cmocka_unit_test(test_order_does_not_matter_without_all),
		cmocka_unit_test(test_later_rule_for_same_prefix_holds),
		cmocka_unit_test(test_all_drops_narrower_rules_before_it),
		cmocka_unit_test(test_all_spares_narrower_rules_after_it),
		cmocka_unit_test(test_all_spares_wider_rules),
		cmocka_unit_test(test_all_reaches_through_inner_prefixes),
		cmocka_unit_test(test_all_overridden_at_its_own_prefix),
		cmocka_unit_test(test_prefix_lengths_that_end_inside_an_octet),
		cmocka_unit_test(test_families_are_apart),
		cmocka_unit_test(test_deepest_nesting),
		cmocka_unit_test(test_random_rules_against_the_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
