/* SPDX-License-Identifier: BSD-3-Clause */
#include "seed.h"
#include <limit.h>
#include <responder.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HZ    (UINT64_C(1) << 31) /* so that units are whole numbers of ticks */
#define START (UINT64_C(1) << 50) /* a counter of some days */

#define INTERVAL (1u << LIMIT_UNITS_LOG2) /* units, where rollup_log2 is 0 */

#define RATE(interval, requests)                                                                   \
	{                                                                                          \
		.interval_log2 = (interval), .burst = (requests)                                   \
	}

static const struct limit_rate off = {0};

static struct limit *table(unsigned int sets_log2, uint64_t seed)
{
	struct limit *limit;

	assert_int_equal(limit_new(&limit, sets_log2, seed), 0);
	return limit;
}

static struct limit_source ipv4(const struct limit *limit, uint32_t address)
{
	struct limit_source source = {0};

	limit_source_ipv4(limit, address, &source);
	return source;
}

static struct limit_source ipv6(const struct limit *limit, uint64_t high)
{
	struct limit_source source;

	limit_source_ipv6(limit, high, &source);
	return source;
}

static bool allow_ipv4(struct limit *limit, uint32_t address)
{
	struct limit_source source = ipv4(limit, address);

	return limit_allow(limit, &source, false);
}

static bool allow_ipv6(struct limit *limit, uint64_t high)
{
	struct limit_source source = ipv6(limit, high);

	return limit_allow(limit, &source, true);
}

/* Units since START, rounded down. */
static uint64_t units_at(const struct limit_rate *rate, uint64_t counter)
{
	int bits = LIMIT_UNITS_LOG2 - rate->interval_log2;
	meridian_u128 ticks = counter - START;

	return bits >= 0 ? (uint64_t)((ticks << bits) / HZ) : (uint64_t)((ticks >> -bits) / HZ);
}

/* A bucket of `burst` tokens that gets one each interval, counted in units. */
struct bucket {
	int64_t tokens;
	uint64_t units;
};

static bool bucket_allow(struct bucket *bucket, const struct limit_rate *rate, uint64_t units)
{
	int64_t full = rate->burst * INTERVAL;

	bucket->tokens += (int64_t)(units - bucket->units);
	bucket->tokens = bucket->tokens > full ? full : bucket->tokens;
	bucket->units = units;
	if (bucket->tokens < (int64_t)INTERVAL)
		return false;
	bucket->tokens -= INTERVAL;
	return true;
}

static void is_a_token_bucket_at(
	struct seed *seed, const struct limit_rate *rate, uint64_t mean_ticks)
{
	struct limit *limit = table(4, seed_next(seed));
	struct bucket bucket = {rate->burst * INTERVAL, 0};
	uint64_t counter = START, allowed = 0;
	double intervals;

	limit_begin(limit, rate, counter, HZ);
	for (int i = 0; i < 20000; i++) {
		bool expected;

		/* Mostly short, sometimes a rest. */
		counter += seed_next(seed) % (2 * mean_ticks);
		if (seed_next(seed) % 256 == 0)
			counter += seed_next(seed) % (600 * mean_ticks);
		limit_begin(limit, rate, counter, HZ);
		expected = bucket_allow(&bucket, rate, units_at(rate, counter));
		assert_int_equal(allow_ipv4(limit, 0xc0000201), expected);
		allowed += expected;
	}
	intervals = (double)units_at(rate, counter) / INTERVAL;
	assert_true((double)allowed <= intervals + rate->burst + 1);
	assert_true(allowed > 0);
	limit_free(limit);
}

static uint64_t interval_ticks(const struct limit_rate *rate)
{
	int bits = rate->interval_log2;

	return bits >= 0 ? HZ << bits : HZ >> -bits;
}

static void is_a_token_bucket(void **state)
{
	static const struct limit_rate rates[] = {RATE(-19, 1), RATE(-19, 255), RATE(-5, 128),
		RATE(-5, 8), RATE(0, 1), RATE(3, 8), RATE(12, 1), RATE(12, 255)};
	struct seed seed = seed_init(__func__);

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t interval = interval_ticks(&rates[i]);

		is_a_token_bucket_at(&seed, &rates[i], interval / 10 + 1);
		is_a_token_bucket_at(&seed, &rates[i], interval);
		is_a_token_bucket_at(&seed, &rates[i], interval * 3);
	}
}

/* A million bursts that each are far shorter than a unit. */
static void loses_no_time(void **state)
{
	const struct limit_rate rate = RATE(12, 1);
	struct limit *limit = table(4, 1);
	uint32_t start;

	(void)state;
	limit_begin(limit, &rate, START, HZ);
	start = limit->now;
	for (uint64_t i = 1; i <= 1000000; i++)
		limit_begin(limit, &rate, START + i * 1000003, HZ);
	assert_int_equal(limit->now - start, units_at(&rate, START + UINT64_C(1000000) * 1000003));
	limit_free(limit);
}

/* How many of `count` requests of an address at once are answered. */
static unsigned int answered(struct limit *limit, uint32_t address, unsigned int count)
{
	unsigned int allowed = 0;

	for (unsigned int i = 0; i < count; i++)
		allowed += allow_ipv4(limit, address);
	return allowed;
}

/* A frequency of which no unit is a whole number of ticks: rounded in favour of the source. */
static void keeps_the_rate_at_any_frequency(void **state)
{
	static const struct limit_rate rates[] = {RATE(-19, 4), RATE(-5, 4), RATE(12, 4)};
	const uint64_t hz = 2599998140, days = 86400;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct limit *limit = table(4, 1);
		double units_per_s = INTERVAL, units;
		uint32_t start;

		for (int bit = 0; bit < abs(rates[i].interval_log2); bit++)
			units_per_s *= rates[i].interval_log2 < 0 ? 2 : 0.5;
		limit_begin(limit, &rates[i], START, hz);
		start = limit->now;
		limit_begin(limit, &rates[i], START + hz * days, hz);
		units = units_per_s * (double)days;
		units -= 4294967296.0 * (double)(uint64_t)(units / 4294967296.0);
		assert_true(limit->now - start >= (uint32_t)units);
		assert_true(limit->now - start <= (uint32_t)(units + 1 + units * 1e-7));
		limit_free(limit);
	}
}

static void survives_the_wrap_of_time(void **state)
{
	const struct limit_rate rate = RATE(-5, 4);
	struct limit *limit = table(4, 1);
	uint64_t second = HZ, counter = START;

	(void)state;
	limit_begin(limit, &rate, counter, HZ);
	limit->now = UINT32_MAX - 1100; /* wraps after 2.1 s */
	assert_int_equal(answered(limit, 1, 10), 4);
	for (int i = 0; i < 32 * 4; i++) {
		counter += second / 32;
		limit_begin(limit, &rate, counter, HZ);
		assert_int_equal(answered(limit, 1, 3), 1);
	}
	counter += second;
	limit_begin(limit, &rate, counter, HZ);
	assert_int_equal(answered(limit, 1, 10), 4);
	assert_true(limit->now < 4000);
	limit_free(limit);
}

/* What an entry of the time before the wrap says is not believed, but for the time of a burst. */
static void forgets_the_time_before_the_wrap(void **state)
{
	const struct limit_rate rate = RATE(-5, 4);
	struct limit *limit = table(4, 1);

	(void)state;
	limit_begin(limit, &rate, START, HZ);
	assert_int_equal(answered(limit, 1, 10), 4);
	limit->now += UINT32_MAX / 2;
	assert_int_equal(answered(limit, 1, 10), 4);
	limit->now += UINT32_MAX - 200; /* almost once around */
	assert_int_equal(answered(limit, 1, 10), 4);
	limit_free(limit);
}

/* Each of far more sources than there are entries asks at half its rate, in random order. */
static void holds_back_no_innocent(void **state)
{
	enum {
		SOURCES = 20000
	};
	const struct limit_rate rate = RATE(-5, 2);
	struct seed seed = seed_init(__func__);
	struct limit *limit = table(7, seed_next(&seed)); /* 1024 entries */
	uint64_t counter = START, refused = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < SOURCES; i++) {
			counter += HZ / 16 / SOURCES + 1;
			limit_begin(limit, &rate, counter, HZ);
			refused += !allow_ipv4(limit, i * 7919);
		}
	}
	assert_int_equal(refused, 0);
	limit_free(limit);
}

/* New sources replace those that owe least, so who asks too often stays known. */
static void holds_back_the_greedy_in_a_crowd(void **state)
{
	const struct limit_rate rate = RATE(-5, 16);
	struct seed seed = seed_init(__func__);
	struct limit *limit = table(4, seed_next(&seed)); /* 128 entries */
	uint64_t counter = START, greedy = UINT64_C(0x20010db8) << 32;
	unsigned int allowed = 0;

	(void)state;
	limit_begin(limit, &rate, counter, HZ);
	for (int i = 0; i < 4; i++) /* of those who owe as little as anybody, some are forgotten */
		allowed += allow_ipv6(limit, greedy);
	for (uint32_t i = 0; i < 1000000; i++) { /* 10 s, 10 times the table's size in 12 ms */
		counter += HZ / 100000;
		limit_begin(limit, &rate, counter, HZ);
		allow_ipv4(limit, i);
		if (i % 100 == 0) /* a thousand times a second */
			allowed += allow_ipv6(limit, greedy);
	}
	assert_in_range(allowed, 320, 320 + 16 + 1);
	limit_free(limit);
}

static void keeps_its_size(void **state)
{
	const struct limit_rate rate = RATE(-5, 8);
	struct limit *limit = table(12, 1);
	struct limit_set *before = limit->set;
	uint64_t refused = 0;

	(void)state;
	limit_begin(limit, &rate, START, HZ);
	for (uint32_t i = 0; i < 10000000; i++)
		refused += !allow_ipv4(limit, i);
	assert_ptr_equal(limit->set, before);
	assert_int_equal(refused, 0);
	limit_free(limit);
}

static void forgives_at_a_new_rate(void **state)
{
	static const struct limit_rate rates[] = {
		RATE(-5, 8), RATE(-5, 4), RATE(3, 4), RATE(-19, 255), RATE(12, 1)};
	struct limit *limit = table(4, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		limit_begin(limit, &rates[i], START + i, HZ);
		assert_int_equal(answered(limit, 1, 1000), rates[i].burst);
	}
	limit_begin(limit, &rates[4], START + 10, HZ + 1); /* only a better known frequency */
	assert_int_equal(answered(limit, 1, 10), 0);
	limit_free(limit);
}

static void touches_nothing_when_off(void **state)
{
	struct limit *limit = table(4, 1);
	struct limit_set before[1 << 4];

	(void)state;
	memcpy(before, limit->set, sizeof(before));
	assert_int_equal(answered(limit, 5, 1000), 1000); /* before the first burst */
	limit_begin(limit, &off, START, HZ);
	allow_ipv6(limit, 5);
	assert_int_equal(answered(limit, 5, 1000), 1000);
	assert_memory_equal(before, limit->set, sizeof(before));
	limit_free(limit);
	limit_free(NULL);
}

static void stands_still_when_the_counter_falls(void **state)
{
	const struct limit_rate rate = RATE(-5, 8);
	struct limit *limit = table(4, 1);
	uint32_t now;

	(void)state;
	limit_begin(limit, &rate, START, HZ);
	now = limit->now;
	limit_begin(limit, &rate, START - HZ, HZ);
	assert_int_equal(limit->now, now);
	limit_begin(limit, &rate, START, HZ);
	assert_int_equal(limit->now, now + 32 * INTERVAL);
	limit_free(limit);
}

static void takes_its_rate_from_the_policy(void **state)
{
	const struct meridian_policy_blob blob = {.generation = 1,
		.size = sizeof(blob),
		.ratelimit_interval_log2 = -7,
		.ratelimit_burst = 3,
		.ratelimit_leak_log2 = 1,
		.ratelimit_rollup_log2 = 4};
	struct responder_policy *policy;

	(void)state;
	assert_int_equal(responder_policy_new(&policy, &blob), 0);
	assert_int_equal(policy->rate.interval_log2, -7);
	assert_int_equal(policy->rate.burst, 3);
	assert_int_equal(policy->rate.leak_log2, 1);
	assert_int_equal(policy->rate.rollup_log2, 4);
	responder_policy_free(policy);
}

/* How uneven `count` sources fill 2^8 sets: chi squared for each degree of freedom, 1 for
 * random numbers. */
static double unevenness(
	const struct limit *limit, uint32_t first, uint32_t step, bool six, bool site)
{
	unsigned int sources[1 << 8] = {0};
	double chi_squared = 0;

	for (uint32_t i = 0; i < 1 << 14; i++) {
		uint32_t n = first + i * step;
		struct limit_source source = six ? ipv6(limit, (uint64_t)n << 32) : ipv4(limit, n);

		sources[(site ? source.site_hash : source.hash) >> limit->set_shift]++;
	}
	for (int i = 0; i < 1 << 8; i++)
		chi_squared += (sources[i] - 64.0) * (sources[i] - 64.0) / 64;
	return chi_squared / 255;
}

static void spreads_neighbours(void **state)
{
	static const uint32_t steps[] = {1, 3, 1 << 4, 1 << 8, 1 << 16, 0x010101};
	struct seed seed = seed_init(__func__);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		double sum[3] = {0};

		for (int round = 0; round < 50; round++) {
			struct limit *limit = table(8, seed_next(&seed));

			sum[0] += unevenness(limit, 0x0a000000, steps[i], false, false) / 50;
			sum[1] += unevenness(limit, 0x20010db8, steps[i], true, false) / 50;
			sum[2] += unevenness(limit, 0x20010db8, steps[i], true, true) / 50;
			limit_free(limit);
		}
		print_message("# step %u: %.2f %.2f %.2f\n", steps[i], sum[0], sum[1], sum[2]);
		for (int k = 0; k < 3; k++)
			assert_true(sum[k] < 1.2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_a_token_bucket),
		cmocka_unit_test(loses_no_time),
		cmocka_unit_test(keeps_the_rate_at_any_frequency),
		cmocka_unit_test(survives_the_wrap_of_time),
		cmocka_unit_test(forgets_the_time_before_the_wrap),
		cmocka_unit_test(holds_back_no_innocent),
		cmocka_unit_test(holds_back_the_greedy_in_a_crowd),
		cmocka_unit_test(keeps_its_size),
		cmocka_unit_test(forgives_at_a_new_rate),
		cmocka_unit_test(touches_nothing_when_off),
		cmocka_unit_test(stands_still_when_the_counter_falls),
		cmocka_unit_test(takes_its_rate_from_the_policy),
		cmocka_unit_test(spreads_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
