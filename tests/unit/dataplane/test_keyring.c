/* SPDX-License-Identifier: BSD-3-Clause */

/* The keys of a worker: found by their IDs, and gone when it ends. */

#include "fixture.h"
#include "heap.h"
#include <keyring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 65536

/* IDs in a row, and far apart. */
static void finds_each_of_many(void **state)
{
	size_t size = sizeof(struct meridian_keys_blob) + MANY * sizeof(struct meridian_key) + 16;
	struct meridian_keys_blob *blob = calloc(1, size);
	static const uint32_t steps[] = {1, 65535, 4096};
	struct keyring *keyring;

	(void)state;
	assert_non_null(blob);
	for (size_t s = 0; s < 3; s++) {
		struct meridian_key *key = (struct meridian_key *)(void *)(blob + 1);

		*blob = (struct meridian_keys_blob){.generation = 1, .size = size, .count = MANY};
		for (uint32_t i = 0; i < MANY; i++)
			key[i] = (struct meridian_key){1 + i * steps[s], (uint32_t)size - 16, 16,
				MERIDIAN_KEY_AES128, {0}};
		assert_int_equal(meridian_keys_check(blob, size), 0);
		assert_int_equal(keyring_new(&keyring, blob), 0);
		for (uint32_t i = 0; i < MANY; i++) {
			uint32_t number = keyring_find(keyring, key[i].id);

			assert_int_not_equal(number, 0);
			assert_int_equal(keyring_key(keyring, number)->id, key[i].id);
		}
		assert_int_equal(keyring_find(keyring, 0), 0);
		assert_int_equal(keyring_find(keyring, UINT32_MAX), 0);
		keyring_free(keyring);
	}
	free(blob);
}

/* Among few keys, whose slots many IDs share. */
static void knows_an_id_by_all_of_it(void **state)
{
	struct keyring *keyring = fixture_keyring();

	(void)state;
	for (unsigned int bit = 8; bit < 32; bit++)
		for (uint32_t id = 0; id < 256; id++)
			assert_int_equal(keyring_find(keyring, id | UINT32_C(1) << bit), 0);
	keyring_free(keyring);
}

/* Of the keys of a worker that ends, or has got new ones. */
static void leaves_no_key_behind(void **state)
{
	struct keyring *keyring = fixture_keyring();
	uint32_t number = keyring_find(keyring, MERIDIAN_KEY_AES128);
	struct cmac128_key subkeys = keyring_key(keyring, number)->state.cmac.subkeys;

	(void)state;
	if (heap_is_seen()) {
		assert_true(heap_has(&subkeys, sizeof(subkeys)));
		keyring_free(keyring);
		assert_false(heap_has(&subkeys, sizeof(subkeys)));
	} else {
		keyring_free(keyring);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_each_of_many),
		cmocka_unit_test(knows_an_id_by_all_of_it),
		cmocka_unit_test(leaves_no_key_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
