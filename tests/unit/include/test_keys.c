/* SPDX-License-Identifier: BSD-3-Clause */
#include "heap.h"
#include "rundir.h"
#include "seed.h"
#include <errno.h>
#include <meridian/keys.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KEYS 3

struct blob {
	struct meridian_keys_blob head;
	struct meridian_key key[KEYS];
	uint8_t octets[64];
};

static struct blob sane_blob(uint64_t generation)
{
	return (struct blob){
		.head = {.generation = generation, .size = sizeof(struct blob), .count = KEYS},
		.key = {{1, offsetof(struct blob, octets), 16, MERIDIAN_KEY_AES128, {0}},
			{7, offsetof(struct blob, octets) + 16, 32, MERIDIAN_KEY_AES256, {0}},
			{UINT32_MAX, offsetof(struct blob, octets) + 48, 16, MERIDIAN_KEY_SHA512,
				{0}}},
	};
}

static int check(const struct blob *blob)
{
	return meridian_keys_check(&blob->head, sizeof(*blob));
}

static void takes_sane_keys(void **state)
{
	struct blob blob = sane_blob(1);
	struct meridian_keys_blob none = {.generation = 1, .size = sizeof(none)};

	(void)state;
	assert_int_equal(check(&blob), 0);
	assert_ptr_equal(meridian_key_octets(&blob.head, &blob.key[1]), blob.octets + 16);
	assert_int_equal(meridian_keys_check(&none, sizeof(none)), 0);
}

static void refuses_fields_out_of_range(void **state)
{
	struct blob blob = sane_blob(1);

	(void)state;
#define REFUSED(field, value)                                                                      \
	do {                                                                                       \
		blob = sane_blob(1);                                                               \
		blob.field = (value);                                                              \
		assert_int_equal(check(&blob), -EBADMSG);                                          \
	} while (0)
	REFUSED(head.size, sizeof(blob) - 1);
	REFUSED(head.size, sizeof(blob) + 1);
	REFUSED(head.count, MERIDIAN_KEYS_MAX + 1);
	REFUSED(head.count, UINT64_MAX);
	REFUSED(head.count, UINT64_MAX / 16 + 2);
	REFUSED(key[0].id, 0);
	REFUSED(key[0].id, 7); /* twice */
	REFUSED(key[2].id, 6); /* not in order */
	REFUSED(key[0].type, 0);
	REFUSED(key[0].type, 12);
	REFUSED(key[0].length, 15);
	REFUSED(key[0].length, 17);
	REFUSED(key[0].length, 0);
	REFUSED(key[2].length, 0);
	REFUSED(key[2].length, 17); /* past the end */
	REFUSED(key[2].length, MERIDIAN_KEY_OCTETS_MAX + 1);
	REFUSED(key[0].offset, 0); /* into the head */
	REFUSED(key[0].offset, offsetof(struct blob, octets) - 1);
	REFUSED(key[0].offset, sizeof(blob) + 1);
	REFUSED(key[0].offset, UINT32_MAX);
#undef REFUSED
	assert_int_equal(meridian_keys_check(&blob.head, 0), -EBADMSG);
}

/* Whatever is in the page, what passes can be read. */
static void survives_damage(void **state)
{
	struct seed seed = seed_init(__func__);
	int passed = 0;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		struct blob *blob = malloc(sizeof(*blob));
		uint8_t sum = 0;

		assert_non_null(blob);
		*blob = sane_blob(1);
		for (uint64_t n = seed_next(&seed) % 3 + 1; n > 0; n--)
			((uint8_t *)blob)[seed_next(&seed) % sizeof(*blob)] ^=
				(uint8_t)(1u << seed_next(&seed) % 8);
		if (check(blob) == 0) {
			const struct meridian_key *key = meridian_keys_of(&blob->head);

			for (uint64_t i = 0; i < blob->head.count; i++)
				for (uint16_t o = 0; o < key[i].length; o++)
					sum ^= meridian_key_octets(&blob->head, &key[i])[o];
			passed += 1 + (sum & 0);
		}
		free(blob);
	}
	assert_in_range(passed, 1000, 99000);
}

/* Puts `blob` in its slot and publishes it, as control does. */
static void publish(struct meridian_page *page, const struct blob *blob)
{
	struct meridian_slots *slots = page->addr;
	struct meridian_slot *slot = &slots->slot[blob->head.generation % 2];

	slot->offset = blob->head.generation % 2 ? 2048 : 1024;
	slot->capacity = 1024;
	memcpy((uint8_t *)page->addr + slot->offset, blob, sizeof(*blob));
	__atomic_store_n(&slots->generation, blob->head.generation, __ATOMIC_RELEASE);
}

static void reads_what_was_published(void **state)
{
	struct meridian_page page, reader;
	struct meridian_keys_blob *read;
	struct blob blob;

	assert_int_equal(
		meridian_page_create(&page, *state, &meridian_keys_kind, 4096, 0640, NULL), 0);
	assert_int_equal(meridian_page_open(&reader, *state, &meridian_keys_kind), 0);
	assert_int_equal(meridian_keys_read(&reader, &read), -ENODATA);
	for (uint64_t g = 1; g < 5; g++) {
		blob = sane_blob(g);
		blob.octets[0] = (uint8_t)g;
		publish(&page, &blob);
		assert_int_equal(meridian_keys_read(&reader, &read), 0);
		assert_int_equal(read->generation, g);
		assert_memory_equal(read, &blob, sizeof(blob));
		free(read);
	}
	blob = sane_blob(5);
	blob.key[1].id = 0;
	publish(&page, &blob);
	assert_int_equal(meridian_keys_read(&reader, &read), -EBADMSG);
	meridian_page_close(&reader);
	meridian_page_close(&page);
}

/* Neither of fields out of range, nor of another generation than the page's. */
static void leaves_nothing_of_what_it_refuses(void **state)
{
	static const char secret[16] = "a key of 16 oct.";
	struct meridian_page page, reader;
	struct meridian_keys_blob *read;
	struct blob blob;

	if (!heap_is_seen())
		return;
	assert_int_equal(
		meridian_page_create(&page, *state, &meridian_keys_kind, 4096, 0640, NULL), 0);
	assert_int_equal(meridian_page_open(&reader, *state, &meridian_keys_kind), 0);
	blob = sane_blob(1);
	memcpy(blob.octets + 48, secret, sizeof(secret));
	blob.key[1].id = 0;
	publish(&page, &blob);
	assert_int_equal(meridian_keys_read(&reader, &read), -EBADMSG);
	assert_false(heap_has(secret, sizeof(secret)));
	blob.key[1].id = 7;
	publish(&page, &blob);
	((struct meridian_slots *)page.addr)->generation = 3;
	assert_int_equal(meridian_keys_read(&reader, &read), -EBADMSG);
	assert_false(heap_has(secret, sizeof(secret)));
	meridian_page_close(&reader);
	meridian_page_close(&page);
}

/* Another page under the name, a cut one, one of another layout or boot. */
static void refuses_foreign_pages(void **state)
{
	struct meridian_page page, reader;
	struct meridian_page_head *head;
	char path[256];

	assert_int_equal(
		meridian_page_create(&page, *state, &meridian_keys_kind, 4096, 0640, NULL), 0);
	head = page.addr;
	head->magic ^= 1;
	assert_int_equal(meridian_page_open(&reader, *state, &meridian_keys_kind), -EBADMSG);
	head->magic ^= 1;
	head->version++;
	assert_int_equal(meridian_page_open(&reader, *state, &meridian_keys_kind), -EPROTO);
	head->version--;
	head->boot_id[3] ^= 1;
	assert_int_equal(meridian_page_open(&reader, *state, &meridian_keys_kind), -ESTALE);
	head->boot_id[3] ^= 1;
	snprintf(path, sizeof(path), "%s/%s", (const char *)*state, MERIDIAN_KEYS_NAME);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(meridian_page_open(&reader, *state, &meridian_keys_kind), -ENODATA);
	meridian_page_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_sane_keys),
		cmocka_unit_test(refuses_fields_out_of_range),
		cmocka_unit_test(survives_damage),
		cmocka_unit_test_setup_teardown(
			reads_what_was_published, rundir_setup, rundir_teardown),
		cmocka_unit_test_setup_teardown(
			leaves_nothing_of_what_it_refuses, rundir_setup, rundir_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_foreign_pages, rundir_setup, rundir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
