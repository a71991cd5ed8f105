/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A million access rules on their way: from the lines of a config to the answers of a worker, of
 * both families, against what the table says when it is searched prefix by prefix.
 */

#include "config.h"
#include "steer/access_rules.h"
#include <access.h>
#include <meridian/counter.h>
#include <rundir.h>
#include <seed.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#define RULES   1000000
#define LOOKUPS 100000

/* Half of the rules stand inside earlier ones, so that prefixes nest. */
static void rule_write(FILE *file, struct seed *seed, uint8_t octets[16])
{
	static const unsigned int lengths[] = {29, 32, 40, 48, 56, 64, 100, 128};
	bool ipv6 = seed_below(seed, 2) == 1;
	uint32_t from = seed_below(seed, 2) ? 0 : 2;
	char text[INET6_ADDRSTRLEN];

	for (uint32_t i = from; i < 16; i++)
		octets[i] = (uint8_t)seed_next(seed);
	if (ipv6)
		octets[0] = 0x20 | (octets[0] & 0x1f);
	inet_ntop(ipv6 ? AF_INET6 : AF_INET, octets, text, sizeof(text));
	fprintf(file, "%s %s/%u\n", seed_below(seed, 2) ? "allow" : "deny", text,
		ipv6 ? lengths[seed_below(seed, 8)] : 8 + seed_below(seed, 25));
}

static void config_write(const char *path, struct seed *seed)
{
	FILE *file = fopen(path, "w");
	uint8_t octets[16] = {0};

	assert_non_null(file);
	fprintf(file, "rundir /nonexistent\nlocal\nallow 192.0.2.0/24\n");
	for (int i = 0; i < RULES; i++)
		rule_write(file, seed, octets);
	assert_int_equal(fclose(file), 0);
}

static double passed_ms(uint64_t since_ns)
{
	return (double)(meridian_clock_ns(CLOCK_MONOTONIC) - since_ns) / 1e6;
}

/* Near a rule: its address with some bits changed. */
static void address_near(
	struct seed *seed, const struct meridian_policy_access *rule, uint8_t ret_octets[16])
{
	memcpy(ret_octets, rule->octets, 16);
	if (seed_below(seed, 2))
		ret_octets[seed_below(seed, rule->family == MERIDIAN_FAMILY_IPV4 ? 4 : 16)] ^=
			(uint8_t)seed_next(seed);
}

static void compare(struct seed *seed, const struct access *access,
	const struct meridian_policy_access *table, size_t count)
{
	uint32_t allowed = 0;

	for (int i = 0; i < LOOKUPS; i++) {
		const struct meridian_policy_access *rule =
			&table[seed_below(seed, (uint32_t)count)];
		uint8_t octets[16];
		bool expected;

		address_near(seed, rule, octets);
		expected = access_rules_allow(table, count, rule->family, octets);
		assert_int_equal(
			access_allowed(access, octets, rule->family == MERIDIAN_FAMILY_IPV6),
			expected);
		allowed += expected;
	}
	assert_in_range(allowed, LOOKUPS / 10, LOOKUPS * 9 / 10);
}

static void a_million_rules(void **state)
{
	struct seed seed = seed_init("million-rules");
	struct meridian_policy_access *table;
	static struct config config;
	struct access access;
	char path[256];
	size_t count;
	uint64_t start_ns;

	snprintf(path, sizeof(path), "%s/meridian.conf", (const char *)*state);
	config_write(path, &seed);
	start_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	assert_int_equal(config_load(&config, path, stderr), 0);
	print_message("# parsed in %.0f ms\n", passed_ms(start_ns));
	assert_int_equal(config.rule_count, RULES + 1);
	start_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	assert_int_equal(access_rules_resolve(config.rule, config.rule_count, &table, &count), 0);
	print_message("# resolved in %.0f ms: %zu rules\n", passed_ms(start_ns), count);
	assert_in_range(count, RULES / 2, RULES + 1);
	start_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	assert_int_equal(access_init(&access, table, count), 0);
	print_message("# expanded in %.0f ms to %.1f MB\n", passed_ms(start_ns),
		(double)access.size / 1e6);
	assert_true(access.size < (size_t)256 * 2 * RULES);
	compare(&seed, &access, table, count);
	access_fini(&access);
	free(table);
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_million_rules, rundir_setup, rundir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
