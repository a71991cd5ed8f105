/* SPDX-License-Identifier: BSD-3-Clause */
#include <histogram.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct histogram histogram, other;

static int setup(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof(histogram));
	memset(&other, 0, sizeof(other));
	return 0;
}

/* Every value lies in its bucket, buckets join without gap, and none is wider than 1/256. */
static void bounds_the_error(void **state)
{
	uint64_t expected_low = 0;

	(void)state;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t low = histogram_bucket_low(i), high = histogram_bucket_high(i);

		assert_int_equal(low, expected_low);
		assert_int_equal(histogram_bucket(low), i);
		assert_int_equal(histogram_bucket(high), i);
		assert_true((high - low) * 256 <= low);
		expected_low = high + 1;
	}
	assert_int_equal(expected_low, HISTOGRAM_VALUE_MAX + 1);
}

static void finds_quantiles(void **state)
{
	static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 0.9999};

	(void)state;
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(&histogram, i * 1000, 1);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		double exact = quantiles[i] * 1e8;
		double found = (double)histogram_quantile(&histogram, quantiles[i]);

		assert_true(found > exact * (1 - 1.0 / 256) && found < exact * (1 + 1.0 / 256));
	}
	assert_int_equal(histogram_quantile(&histogram, 1), 100000000);
	assert_int_equal(histogram.min, 1000);
	assert_true(histogram_mean(&histogram) == 50000500.0);
}

static void says_nothing_of_nothing(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
	assert_true(histogram_mean(&histogram) == 0);
	histogram_add(&histogram, 5, 3);
	assert_int_equal(histogram_quantile(&histogram, 0), 5);
	assert_int_equal(histogram_quantile(&histogram, 1), 5);
	assert_int_equal(histogram.count, 3);
}

static void holds_what_is_too_large(void **state)
{
	(void)state;
	histogram_add(&histogram, UINT64_MAX, 1);
	assert_int_equal(histogram.max, HISTOGRAM_VALUE_MAX);
	assert_int_equal(histogram.bucket[HISTOGRAM_BUCKETS - 1], 1);
}

static void merges_and_subtracts(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		histogram_add(i % 2 ? &histogram : &other, i, 1);
	histogram_merge(&histogram, &other);
	assert_int_equal(histogram.count, 1000);
	assert_int_equal(histogram.min, 0);
	assert_int_equal(histogram.max, 999);
	histogram_subtract(&histogram, &other);
	assert_int_equal(histogram.count, 500);
	assert_int_equal(histogram.min, 1);
	assert_int_equal(histogram.max, 999);
	assert_int_equal(histogram.sum, 250000);
	assert_int_equal(histogram.bucket[2], 0);
}

static void orders_signed_values(void **state)
{
	static struct histogram_signed values;

	(void)state;
	memset(&values, 0, sizeof(values));
	for (int64_t i = -100; i <= 100; i++)
		histogram_signed_add(&values, i);
	assert_int_equal(histogram_signed_quantile(&values, 0), -100);
	assert_int_equal(histogram_signed_quantile(&values, 0.5), 0);
	assert_int_equal(histogram_signed_quantile(&values, 0.25), -50);
	assert_int_equal(histogram_signed_quantile(&values, 1), 100);
	assert_true(histogram_signed_mean(&values) == 0);
}

/* Lines as HdrHistogram's plotter reads them: value, percentile, count, 1/(1-percentile). */
static void writes_hgrm(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++)
		histogram_add(&histogram, i * 1000, 1);
	assert_int_equal(histogram_write_hgrm(&histogram, stream, 1000), 0);
	fclose(stream);
	assert_non_null(
		strstr(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
	assert_non_null(strstr(text, " 0.500000000000        500           2.00\n"));
	assert_non_null(strstr(text, "    1000.000 1.000000000000       1000\n"));
	assert_non_null(strstr(text, "#[Mean    =      500.500, StdDeviation   ="));
	assert_non_null(strstr(text, "#[Max     =     1000.000, Total count    =         1000]"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bounds_the_error, setup),
		cmocka_unit_test_setup(finds_quantiles, setup),
		cmocka_unit_test_setup(says_nothing_of_nothing, setup),
		cmocka_unit_test_setup(holds_what_is_too_large, setup),
		cmocka_unit_test_setup(merges_and_subtracts, setup),
		cmocka_unit_test_setup(orders_signed_values, setup),
		cmocka_unit_test_setup(writes_hgrm, setup),
	};

	return cmocka_run_group_tests_name("load-histogram", tests, NULL, NULL);
}
