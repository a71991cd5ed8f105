/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a look-up costs as its table grows: access rules, and the clients of the rate limiter. As
 * the reply path does it, a burst of 32 first prefetches, then asks. Clients are drawn at random
 * from all there are, others for each pass.
 */
#include "measure.h"
#include <access.h>
#include <errno.h>
#include <limit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BURST   32
#define LOOKUPS (1u << 16) /* of a pass */
#define SEED    UINT64_C(20261127)

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#define KEYS (16 * LOOKUPS) /* clients of a measurement, so that passes differ */

/* A client's address as a number; IPv4 in `high`. */
struct key {
	uint64_t high, low;
};

static struct key keys[KEYS];
static size_t key_offset; /* of the next pass */

static const struct key *next_keys(void)
{
	const struct key *start = keys + key_offset;

	key_offset = (key_offset + LOOKUPS) % KEYS;
	return start;
}

static void access_ipv4_pass(void *context)
{
	const struct access *access = context;
	const struct access_slot *slot[BURST];
	const struct key *key = next_keys();
	uint64_t allowed = 0;

	for (size_t i = 0; i < LOOKUPS; i += BURST) {
		for (size_t j = i; j < i + BURST; j++)
			slot[j - i] = access_begin_ipv4(access, (uint32_t)key[j].high);
		for (size_t j = i; j < i + BURST; j++)
			allowed += access_end_ipv4(access, slot[j - i], (uint32_t)key[j].high);
	}
	measure_keep(allowed);
}

static void access_ipv6_pass(void *context)
{
	const struct access *access = context;
	const struct access_slot *slot[BURST];
	const struct key *key = next_keys();
	uint64_t allowed = 0;

	for (size_t i = 0; i < LOOKUPS; i += BURST) {
		for (size_t j = i; j < i + BURST; j++)
			slot[j - i] = access_begin_ipv6(access, key[j].high);
		for (size_t j = i; j < i + BURST; j++)
			allowed += access_end_ipv6(access, slot[j - i], key[j].high, key[j].low);
	}
	measure_keep(allowed);
}

/* How the prefixes of a rule set lie; the clients of it come from the same places. */
struct layout {
	const char *key;  /* in the name of the result */
	const char *text; /* of it */
	bool ipv6;
	struct key (*address)(uint64_t random);
	uint8_t shortest, longest; /* prefix */
};

static struct key ipv4_everywhere(uint64_t random)
{
	return (struct key){random >> 32, 0};
}

static struct key ipv4_in_a_few_nets(uint64_t random)
{
	static const uint32_t nets[] = {0x0a000000, 0x0a630000, 0xc0a80000, 0xc6120000};

	return (struct key){nets[random >> 62] | (random >> 32 & 0xffff), 0};
}

/* Where the registries' allocations are: the first /20 of a /12, more or less. */
static struct key ipv6_where_allocated(uint64_t random)
{
	static const uint64_t regions[] = {0x2001, 0x2400, 0x2600, 0x2a00};

	return (struct key){regions[random >> 62] << 48 | (random & 0xfffffffff) << 16, random};
}

static struct key ipv6_in_one_net(uint64_t random)
{
	return (struct key){UINT64_C(0x20010db800000000) | random >> 32, random};
}

static struct key ipv6_hosts(uint64_t random)
{
	return (struct key){UINT64_C(0x20010db800000000) | (random >> 32 & 0x3fff), random & 0xff};
}

static const struct layout layouts[] = {
	{"ipv4", "IPv4 prefixes of 20 to 32 bits, everywhere", false, ipv4_everywhere, 20, 32},
	{"ipv4_clusters", "IPv4 hosts of four /16", false, ipv4_in_a_few_nets, 32, 32},
	{"ipv6", "IPv6 prefixes of 29 to 48 bits, as allocated", true, ipv6_where_allocated, 29,
		48},
	{"ipv6_clusters", "IPv6 subnets of one /32", true, ipv6_in_one_net, 48, 64},
	{"ipv6_hosts", "IPv6 hosts of 2^14 subnets", true, ipv6_hosts, 128, 128},
};

static void rule_put(
	struct meridian_policy_access *rule, const struct layout *layout, uint64_t random)
{
	struct key address = layout->address(random);
	unsigned int length = layout->shortest +
		(unsigned int)(random >> 20) %
			(unsigned int)(layout->longest - layout->shortest + 1);
	meridian_u128 number = layout->ipv6 ? (meridian_u128)address.high << 64 | address.low
					    : (meridian_u128)address.high << 96;

	number = length == 0 ? 0 : number >> (128 - length) << (128 - length);
	rule->family = layout->ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4;
	rule->prefix_len = (uint8_t)length;
	rule->allow = random >> 13 & 1;
	for (int i = 0; i < 16; i++)
		rule->octets[i] = (uint8_t)(number >> (120 - 8 * i));
}

static int measure_rules(struct measure_report *report, const struct measure_options *options,
	const struct layout *layout, size_t count)
{
	struct meridian_policy_access *rules = calloc(count + 1, sizeof(*rules));
	uint64_t random = SEED, start;
	struct access access;
	char key[128], text[128];
	int r;

	if (rules == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		rule_put(&rules[i], layout, next_random(&random));
	for (size_t i = 0; i < KEYS; i++)
		keys[i] = layout->address(next_random(&random));
	start = measure_ticks();
	r = access_init(&access, rules, count);
	start = measure_ticks() - start;
	free(rules);
	if (r < 0)
		return r;
	snprintf(key, sizeof(key), "access_%s_%zu_ticks", layout->key, count);
	snprintf(text, sizeof(text), "%zu rules, %.1f MB, built in %.0f M ticks", count,
		(double)access.size / 1e6, (double)start / 1e6);
	measure_report_summary(report, key,
		measure_ticks_per_item(layout->ipv6 ? access_ipv6_pass : access_ipv4_pass, &access,
			LOOKUPS, options->passes),
		text);
	access_fini(&access);
	return 0;
}

static int measure_access(struct measure_report *report, const struct measure_options *options)
{
	static const size_t counts[] = {0, 1, 100, 10000, 100000, 1000000};
	int r = 0;

	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		measure_report_heading(report, layouts[i].text);
		for (size_t j = 0; r == 0 && j < sizeof(counts) / sizeof(counts[0]); j++)
			r = measure_rules(report, options, &layouts[i], counts[j]);
	}
	return r;
}

struct limit_bench {
	struct limit *limit;
	struct limit_rate rate;
	uint64_t hz;
};

static inline __attribute__((always_inline)) uint64_t limit_burst(
	struct limit *limit, const struct key *key, bool ipv6)
{
	struct limit_source source[BURST];
	uint64_t allowed = 0;

	for (size_t i = 0; i < BURST; i++) {
		if (ipv6)
			limit_source_ipv6(limit, key[i].high, &source[i]);
		else
			limit_source_ipv4(limit, (uint32_t)key[i].high, &source[i]);
		limit_prefetch(limit, &source[i], ipv6);
	}
	for (size_t i = 0; i < BURST; i++)
		allowed += limit_allow(limit, &source[i], ipv6);
	return allowed;
}

static inline __attribute__((always_inline)) void limit_pass(struct limit_bench *bench, bool ipv6)
{
	const struct key *key = next_keys();
	uint64_t allowed = 0;

	for (size_t i = 0; i < LOOKUPS; i += BURST) {
		limit_begin(bench->limit, &bench->rate, measure_ticks(), bench->hz);
		allowed += limit_burst(bench->limit, key + i, ipv6);
	}
	measure_keep(allowed);
}

static void limit_ipv4_pass(void *context)
{
	limit_pass(context, false);
}

static void limit_ipv6_pass(void *context)
{
	limit_pass(context, true);
}

/* Clients are far apart, as the world's are: the number of one times an odd number. Of IPv6, each
 * 64 of them share a /48. */
static uint64_t client_key(uint32_t client, bool ipv6)
{
	uint32_t spread = client * UINT32_C(0x9e3779b1);

	return ipv6 ? UINT64_C(0x2) << 60 | (uint64_t)(client / 64 * UINT32_C(0x9e3779b1)) << 16 |
			spread >> 16
		    : spread;
}

/* As many clients as the table holds have asked before. */
static int measure_clients(struct measure_report *report, const struct measure_options *options,
	unsigned int sets_log2, uint32_t clients, bool ipv6)
{
	struct limit_bench bench = {.rate = {.interval_log2 = -5, .burst = 128, .rollup_log2 = 3},
		.hz = (uint64_t)measure_ticks_hz()};
	uint64_t random = SEED;
	char key[128], text[128];

	if (limit_new(&bench.limit, sets_log2, SEED) < 0)
		return -ENOMEM;
	limit_begin(bench.limit, &bench.rate, measure_ticks(), bench.hz);
	for (uint32_t i = 0; i < clients; i += BURST) {
		struct key some[BURST];

		for (uint32_t j = 0; j < BURST; j++)
			some[j].high = client_key((i + j) % clients, ipv6);
		measure_keep(ipv6 ? limit_burst(bench.limit, some, true)
				  : limit_burst(bench.limit, some, false));
	}
	for (size_t i = 0; i < KEYS; i++)
		keys[i].high =
			client_key((uint32_t)((next_random(&random) >> 32) * clients >> 32), ipv6);
	snprintf(key, sizeof(key), ipv6 ? "limit_ipv6_%u_sets_%u_ticks" : "limit_%u_sets_%u_ticks",
		clients, 1u << sets_log2);
	snprintf(text, sizeof(text), "%u %s clients, 2^%u sets", clients, ipv6 ? "IPv6" : "IPv4",
		sets_log2);
	measure_report_summary(report, key,
		measure_ticks_per_item(
			ipv6 ? limit_ipv6_pass : limit_ipv4_pass, &bench, LOOKUPS, options->passes),
		text);
	limit_free(bench.limit);
	return 0;
}

static int measure_limit(struct measure_report *report, const struct measure_options *options)
{
	static const uint32_t counts[] = {1, 100, 10000, 1000000, 10000000};
	int r = 0;

	for (unsigned int sets_log2 = 16; sets_log2 <= 19; sets_log2++) {
		measure_report_heading(report, "Rate limiter");
		for (size_t i = 0; r == 0 && i < 2 * sizeof(counts) / sizeof(counts[0]); i++)
			r = measure_clients(report, options, sets_log2, counts[i / 2], i % 2);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct measure_options options = {.passes = 15, .core = -1};
	struct measure_report report;
	int r;

	measure_options_parse(&options, "bench-tables",
		"Ticks for a look-up of the packet path, as its table grows.", argc, argv);
	measure_report_begin(&report, "bench-tables", options.json);
	r = measure_access(&report, &options);
	if (r == 0)
		r = measure_limit(&report, &options);
	if (r == 0)
		r = measure_report_end(&report);
	if (r < 0)
		fprintf(stderr, "bench-tables: %s\n", strerror(-r));
	return r < 0 ? 3 : EXIT_SUCCESS;
}
