/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/reference_ids.h"
#include <meridian/policy.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NUMBERS 10

/* The MD5 of 192.0.2.1, of 2001:db8::1 and of "GPS", in numbers of 12 bits; computed apart. */
static const unsigned int of_ipv4[NUMBERS] = {
	2848, 497, 1086, 2500, 3392, 1164, 1215, 1566, 1931, 2286};
static const unsigned int of_ipv6[NUMBERS] = {
	922, 2971, 884, 2402, 2488, 3884, 1996, 3897, 550, 3944};
static const unsigned int of_gps[NUMBERS] = {
	2536, 2170, 2175, 1186, 974, 1460, 2202, 1931, 769, 890};

static unsigned int bits(const struct reference_ids *ids)
{
	unsigned int count = 0;

	for (size_t i = 0; i < sizeof(ids->filter); i++)
		count += (unsigned int)__builtin_popcount(ids->filter[i]);
	return count;
}

static bool has(const struct reference_ids *ids, const unsigned int number[NUMBERS])
{
	for (size_t i = 0; i < NUMBERS; i++) {
		if (!(ids->filter[number[i] / 8] & 1u << number[i] % 8))
			return false;
	}
	return true;
}

static void an_id_is_ten_numbers(void **state)
{
	static const uint8_t id[REFERENCE_ID_SIZE] = {0x00, 0x00, 0x01, 0xff, 0xff, 0xfe, 0x12,
		0x38, 0x00, 0x00, 0x70, 0x08, 0x00, 0xa0, 0x10};
	static const unsigned int number[NUMBERS] = {
		0x000, 0x001, 0xfff, 0xffe, 0x123, 0x800, 0x007, 0x008, 0x00a, 0x010};
	struct reference_ids ids = {.filter = {0}};

	(void)state;
	reference_ids_add(&ids, id);
	assert_true(has(&ids, number));
	assert_int_equal(bits(&ids), NUMBERS);
}

static void sources_are_known_by_their_digest(void **state)
{
	static const uint8_t ipv4[16] = {192, 0, 2, 1};
	static const uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	struct reference_ids ids = {.filter = {0}};

	(void)state;
	reference_ids_add_server(&ids, ipv4, 0);
	assert_int_equal(bits(&ids), 0);
	reference_ids_add_server(&ids, ipv4, MERIDIAN_FAMILY_IPV4);
	assert_int_equal(bits(&ids), NUMBERS);
	assert_true(has(&ids, of_ipv4));
	reference_ids_add_server(&ids, ipv6, MERIDIAN_FAMILY_IPV6);
	assert_true(has(&ids, of_ipv6));
	assert_false(has(&ids, of_gps));
	reference_ids_add_clock(&ids, 0x47505300);
	assert_true(has(&ids, of_gps) && has(&ids, of_ipv4) && has(&ids, of_ipv6));
	assert_int_equal(bits(&ids), 3 * NUMBERS - 1); /* two have 1931 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_ten_numbers),
		cmocka_unit_test(sources_are_known_by_their_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
