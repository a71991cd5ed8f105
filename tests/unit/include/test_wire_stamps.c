/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <meridian/counter.h>
#include <meridian/policy.h>
#include <meridian/stats.h>
#include <meridian/wire_stamps.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RACE_WRITES 200000

static struct meridian_wire_stamps page;

static const struct meridian_wire_stamp sent = {
	.counter = 1000, .error_ns = 7, .counter_id = MERIDIAN_COUNTER_TSC};
static const struct meridian_wire_stamp received = {.counter = 2000,
	.error_ns = UINT32_MAX,
	.counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW,
	.source = MERIDIAN_STAMP_nic};

static int setup(void **state)
{
	(void)state;
	memset(&page, 0, sizeof(page));
	return 0;
}

static struct meridian_wire_key key_of(uint64_t number)
{
	struct meridian_wire_key key = {
		.address = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4, .port = 123};

	memcpy(key.number, &number, sizeof(key.number));
	return key;
}

static void assert_stamp(
	const struct meridian_wire_stamp *is, const struct meridian_wire_stamp *expected)
{
	assert_int_equal(is->counter, expected->counter);
	assert_int_equal(is->error_ns, expected->error_ns);
	assert_int_equal(is->counter_id, expected->counter_id);
	assert_int_equal(is->source, expected->source);
}

static void both_are_found(void **state)
{
	struct meridian_wire_key key = key_of(5);
	struct meridian_wire_stamp is;

	(void)state;
	assert_int_equal(meridian_wire_sent(&page, &key, &is), -ENOENT);
	meridian_wire_note_sent(&page, &key, &sent);
	assert_int_equal(meridian_wire_sent(&page, &key, &is), 0);
	assert_stamp(&is, &sent);
	assert_int_equal(meridian_wire_received(&page, &key, &is), -ENOENT);
	assert_int_equal(meridian_wire_note_received(&page, &key, &received), 0);
	assert_int_equal(meridian_wire_received(&page, &key, &is), 0);
	assert_stamp(&is, &received);
	assert_int_equal(meridian_wire_sent(&page, &key, &is), 0);
	assert_stamp(&is, &sent);
}

/* What nobody asked for is not written down, nor what is like it but for one field. */
static void answers_without_a_question(void **state)
{
	struct meridian_wire_stamps before;
	struct meridian_wire_key asked = key_of(5), other[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		other[i] = asked;
	other[0].number[7] = 1;
	other[1].port = 124;
	other[2].address[3] = 2;
	other[3].address[15] = 1;
	other[4].family = MERIDIAN_FAMILY_IPV6;
	meridian_wire_note_sent(&page, &asked, &sent);
	before = page;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(meridian_wire_note_received(&page, &other[i], &received), -ENOENT);
	assert_memory_equal(&before, &page, sizeof(page));
}

static void last_answer_counts(void **state)
{
	struct meridian_wire_key key = key_of(5);
	struct meridian_wire_stamp again = received, is;

	(void)state;
	again.counter++;
	meridian_wire_note_sent(&page, &key, &sent);
	meridian_wire_note_received(&page, &key, &received);
	meridian_wire_note_received(&page, &key, &again);
	assert_int_equal(meridian_wire_received(&page, &key, &is), 0);
	assert_stamp(&is, &again);
}

/* A forgery came before the answer, or after it. */
static void another_answer_is_not_found(void **state)
{
	struct meridian_wire_key key = key_of(5);
	struct meridian_wire_stamp is;

	(void)state;
	meridian_wire_note_sent(&page, &key, &sent);
	meridian_wire_note_received(&page, &key, &received);
	for (size_t i = 0; i < sizeof(key.answer); i++) {
		key.answer[i] = 1;
		assert_int_equal(meridian_wire_received(&page, &key, &is), -ENOENT);
		assert_int_equal(meridian_wire_sent(&page, &key, &is), 0);
		key.answer[i] = 0;
	}
	assert_int_equal(meridian_wire_received(&page, &key, &is), 0);
}

/* No word of a record may be another one. */
static void nothing_else_proves_itself(void **state)
{
	struct meridian_wire_key key = key_of(5);
	struct meridian_wire_stamp is;
	uint8_t *octets = (uint8_t *)&page;

	(void)state;
	meridian_wire_note_sent(&page, &key, &sent);
	meridian_wire_note_received(&page, &key, &received);
	for (size_t i = sizeof(page.head); i < sizeof(page); i++) {
		bool in_sent, in_received;

		if (octets[i] == 0)
			continue;
		octets[i] ^= 0x10;
		in_sent = meridian_wire_sent(&page, &key, &is) < 0;
		in_received = meridian_wire_received(&page, &key, &is) < 0;
		assert_true(in_sent != in_received);
		octets[i] ^= 0x10;
	}
	for (size_t i = 0; i < MERIDIAN_WIRE_STAMPS_ENTRIES; i++)
		page.entry[i].received = page.entry[i].sent;
	assert_int_equal(meridian_wire_received(&page, &key, &is), -ENOENT);
}

/* Many questions at a time keep their places, and a new one takes an old one's. */
static void places(void **state)
{
	struct meridian_wire_stamp is;
	unsigned int found = 0, taken = 0;

	(void)state;
	for (uint64_t i = 1; i <= 4 * MERIDIAN_WIRE_STAMPS_ENTRIES; i++) {
		struct meridian_wire_key key = key_of(i * UINT64_C(0x123456789abcdef1));

		meridian_wire_note_sent(&page, &key, &sent);
		assert_int_equal(meridian_wire_sent(&page, &key, &is), 0);
	}
	for (uint64_t i = 1; i <= 4 * MERIDIAN_WIRE_STAMPS_ENTRIES; i++) {
		struct meridian_wire_key key = key_of(i * UINT64_C(0x123456789abcdef1));

		found += meridian_wire_sent(&page, &key, &is) == 0;
	}
	for (size_t i = 0; i < MERIDIAN_WIRE_STAMPS_ENTRIES; i++)
		taken += page.entry[i].sent.proof != 0;
	assert_int_equal(found, taken);
	assert_true(taken > MERIDIAN_WIRE_STAMPS_ENTRIES * 9 / 10);
}

/* Two writers at one place: each finds its own stamps or none, never halves of both. */
static void *race(void *argument)
{
	struct meridian_wire_key key = key_of(5);
	uint64_t base = (uintptr_t)argument;

	for (uint64_t i = 0; i < RACE_WRITES; i++) {
		struct meridian_wire_stamp stamp = {
			.counter = base + i, .error_ns = (uint32_t)(base + i) * 3};

		meridian_wire_note_sent(&page, &key, &stamp);
	}
	return NULL;
}

static void halves_are_not_found(void **state)
{
	struct meridian_wire_key key = key_of(5);
	pthread_t thread[2];

	(void)state;
	pthread_create(&thread[0], NULL, race, (void *)1);
	pthread_create(&thread[1], NULL, race, (void *)(10 * RACE_WRITES));
	for (unsigned int i = 0; i < RACE_WRITES; i++) {
		struct meridian_wire_stamp is;

		if (meridian_wire_sent(&page, &key, &is) == 0)
			assert_int_equal(is.error_ns, (uint32_t)is.counter * 3);
	}
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(both_are_found, setup),
		cmocka_unit_test_setup(answers_without_a_question, setup),
		cmocka_unit_test_setup(last_answer_counts, setup),
		cmocka_unit_test_setup(another_answer_is_not_found, setup),
		cmocka_unit_test_setup(nothing_else_proves_itself, setup),
		cmocka_unit_test_setup(places, setup),
		cmocka_unit_test_setup(halves_are_not_found, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
