/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_KEYRING_H
#define DATAPLANE_KEYRING_H

/*
 * Symmetric keys as workers use them: expanded, and found by their ID. Immutable once a worker
 * sees it, and shared by all of them.
 */

#include <mac.h>
#include <meridian/keys.h>

struct keyring {
	uint64_t generation;
	struct mac_key *key;
	size_t count;
	/* Open addressing, 2^slots_log2 slots, at most half of them taken: index into `key`, plus
	 * 1; 0: free. */
	uint32_t *slot;
	unsigned int slots_log2;
};

/* Builds the worker's view of a checked blob. Allocates: main thread only. Returns 0 and a pointer
 * for keyring_free(), or -ENOMEM. */
int keyring_new(struct keyring **ret_keyring, const struct meridian_keys_blob *blob);

/* Wipes and frees it; NULL is legal. No worker may hold the pointer any more. */
void keyring_free(struct keyring *keyring);

/* The number of a key, for keyring_key(), or 0: it is not there. The keyring may be NULL. Pure. */
uint32_t keyring_find(const struct keyring *keyring, uint32_t id);

static inline const struct mac_key *keyring_key(const struct keyring *keyring, uint32_t number)
{
	return &keyring->key[number - 1];
}

#endif
