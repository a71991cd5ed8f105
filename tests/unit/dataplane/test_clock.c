/* SPDX-License-Identifier: BSD-3-Clause */
#include <clock.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LEAP_S INT64_C(1483228800) /* 2017-01-01, after the inserted second of 2016 */
#define HALF   (UINT64_C(1) << 63)

static void counts_from_1900(void **state)
{
	(void)state;
	assert_int_equal(clock_ntp((struct meridian_utc){0, 0}), UINT64_C(2208988800) << 32);
	assert_int_equal(clock_ntp((struct meridian_utc){LEAP_S, HALF}),
		UINT64_C(3692217600) << 32 | 0x80000000);
	assert_int_equal(clock_ntp((struct meridian_utc){-1, UINT64_MAX}),
		UINT64_C(2208988799) << 32 | UINT32_MAX);
}

/* 2036-02-07 06:28:16: the second era. */
static void begins_anew_in_2036(void **state)
{
	(void)state;
	assert_int_equal(clock_ntp((struct meridian_utc){2085978495, UINT64_MAX}), UINT64_MAX);
	assert_int_equal(clock_ntp((struct meridian_utc){2085978496, 0}), 0);
	assert_int_equal(
		clock_ntp((struct meridian_utc){2085978497, HALF}), UINT64_C(1) << 32 | 0x80000000);
}

static const struct {
	uint8_t leap;
	int64_t s; /* relative to LEAP_S */
	uint8_t indicator;
	int offset_s;
} seconds[] = {
	{MERIDIAN_NTP_LI_INSERT, -86401, MERIDIAN_NTP_LI_NONE, 0},
	{MERIDIAN_NTP_LI_INSERT, -86400, MERIDIAN_NTP_LI_INSERT, 0},
	{MERIDIAN_NTP_LI_INSERT, -1, MERIDIAN_NTP_LI_INSERT, 0},
	{MERIDIAN_NTP_LI_INSERT, 0, MERIDIAN_NTP_LI_UNKNOWN, -1},
	{MERIDIAN_NTP_LI_INSERT, 1, MERIDIAN_NTP_LI_NONE, -1},
	{MERIDIAN_NTP_LI_INSERT, 86400, MERIDIAN_NTP_LI_NONE, -1},
	{MERIDIAN_NTP_LI_DELETE, -86401, MERIDIAN_NTP_LI_NONE, 0},
	{MERIDIAN_NTP_LI_DELETE, -86400, MERIDIAN_NTP_LI_DELETE, 0},
	{MERIDIAN_NTP_LI_DELETE, -2, MERIDIAN_NTP_LI_DELETE, 0},
	{MERIDIAN_NTP_LI_DELETE, -1, MERIDIAN_NTP_LI_NONE, 1},
	{MERIDIAN_NTP_LI_DELETE, 0, MERIDIAN_NTP_LI_NONE, 1},
	{MERIDIAN_NTP_LI_NONE, -1, MERIDIAN_NTP_LI_NONE, 0},
	{MERIDIAN_NTP_LI_NONE, 0, MERIDIAN_NTP_LI_NONE, 0},
};

static void warns_a_day_before_a_leap(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		struct meridian_timemodel_data model = {.leap = seconds[i].leap, .leap_s = LEAP_S};
		struct meridian_utc utc = {LEAP_S + seconds[i].s, HALF};

		assert_int_equal(clock_leap_indicator(&model, utc), seconds[i].indicator);
		assert_int_equal(
			meridian_timemodel_leap_offset_s(&model, utc), seconds[i].offset_s);
		model.leap_s = 0;
		assert_int_equal(clock_leap_indicator(&model, utc), MERIDIAN_NTP_LI_NONE);
		assert_int_equal(meridian_timemodel_leap_offset_s(&model, utc), 0);
	}
}

static void knows_the_bits_of_a_precision(void **state)
{
	(void)state;
	assert_int_equal(clock_noise_mask(-128), 0);
	assert_int_equal(clock_noise_mask(-32), 0);
	assert_int_equal(clock_noise_mask(-31), 1);
	assert_int_equal(clock_noise_mask(-24), 0xff);
	assert_int_equal(clock_noise_mask(-1), 0x7fffffff);
	assert_int_equal(clock_noise_mask(0), 0xffffffff);
	assert_int_equal(clock_noise_mask(127), 0xffffffff);
}

/* In both formats of packets up to their ends, 2^16 s and 16 s. */
static void never_rounds_an_error_down(void **state)
{
	(void)state;
	assert_int_equal(clock_error(0, 28), 0);
	assert_int_equal(clock_error(1, 28), 1);
	assert_int_equal(clock_error(1, 16), 1);
	assert_int_equal(clock_error(15500000000, 28), 0xf8000000);
	assert_int_equal(clock_error(15999999996, 28), 0xffffffff);
	assert_int_equal(clock_error(15999999999, 28), UINT32_MAX);
	assert_int_equal(clock_error(16000000000, 28), UINT32_MAX);
	assert_int_equal(clock_error(65535500000000, 16), 0xffff8000);
	assert_int_equal(clock_error(65536000000000, 16), UINT32_MAX);
	assert_int_equal(clock_error(UINT64_MAX, 28), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_from_1900),
		cmocka_unit_test(begins_anew_in_2036),
		cmocka_unit_test(warns_a_day_before_a_leap),
		cmocka_unit_test(knows_the_bits_of_a_precision),
		cmocka_unit_test(never_rounds_an_error_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
