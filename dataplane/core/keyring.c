/* SPDX-License-Identifier: BSD-3-Clause */
#include "keyring.h"
#include "table_memory.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* IDs are the operator's choice, often small numbers in a row: any mixing does (Knuth's). */
static size_t slot_of(const struct keyring *keyring, uint32_t id)
{
	return (uint32_t)(id * UINT32_C(2654435769)) >> (32 - keyring->slots_log2);
}

static size_t slot_after(const struct keyring *keyring, size_t slot)
{
	return (slot + 1) & (((size_t)1 << keyring->slots_log2) - 1);
}

static size_t keys_size(const struct keyring *keyring)
{
	return keyring->count * sizeof(*keyring->key);
}

static size_t slots_size(const struct keyring *keyring)
{
	return sizeof(*keyring->slot) << keyring->slots_log2;
}

static void add(struct keyring *keyring, size_t index)
{
	size_t slot = slot_of(keyring, keyring->key[index].id);

	while (keyring->slot[slot] != 0)
		slot = slot_after(keyring, slot);
	keyring->slot[slot] = (uint32_t)index + 1;
}

/* What has been checked can be expanded. */
static void fill(struct keyring *keyring, const struct meridian_keys_blob *blob)
{
	const struct meridian_key *key = meridian_keys_of(blob);

	for (size_t i = 0; i < keyring->count; i++) {
		(void)mac_key_init(&keyring->key[i], key[i].id, key[i].type,
			meridian_key_octets(blob, &key[i]), key[i].length);
		add(keyring, i);
	}
}

int keyring_new(struct keyring **ret_keyring, const struct meridian_keys_blob *blob)
{
	struct keyring *keyring = calloc(1, sizeof(*keyring));

	if (keyring == NULL)
		return -ENOMEM;
	keyring->generation = blob->generation;
	keyring->count = blob->count;
	keyring->slots_log2 = 1;
	while ((size_t)1 << keyring->slots_log2 < 2 * keyring->count)
		keyring->slots_log2++;
	keyring->slot = table_memory_new(slots_size(keyring));
	if (keyring->count > 0)
		keyring->key = table_memory_new(keys_size(keyring));
	if (keyring->slot == NULL || (keyring->count > 0 && keyring->key == NULL)) {
		keyring_free(keyring);
		return -ENOMEM;
	}
	fill(keyring, blob);
	*ret_keyring = keyring;
	return 0;
}

void keyring_free(struct keyring *keyring)
{
	if (keyring == NULL)
		return;
	if (keyring->key != NULL)
		explicit_bzero(keyring->key, keys_size(keyring));
	table_memory_free(keyring->key, keys_size(keyring));
	table_memory_free(keyring->slot, slots_size(keyring));
	free(keyring);
}

uint32_t keyring_find(const struct keyring *keyring, uint32_t id)
{
	size_t slot;

	if (keyring == NULL)
		return 0;
	slot = slot_of(keyring, id);
	while (keyring->slot[slot] != 0 && keyring->key[keyring->slot[slot] - 1].id != id)
		slot = slot_after(keyring, slot);
	return keyring->slot[slot];
}
