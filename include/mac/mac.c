/* SPDX-License-Identifier: BSD-3-Clause */
#include "mac.h"
#include <errno.h>
#include <nettle/cbc.h>
#include <nettle/memops.h>
#include <nettle/nettle-meta.h>
#include <string.h>
#include <strings.h>

#define BLOCK   AES_BLOCK_SIZE /* and the digest of a CMAC */
#define AT_ONCE (4 * BLOCK)    /* a header of NTP and more */
#define PAD     0x80           /* and zeros, after a message that ends within a block */

static const struct mac_type types[] = {
#define X(identifier, number, name, digest, octets, broken) {name, number, digest, octets, broken},
	MERIDIAN_KEY_TYPES(X)
#undef X
};

#define TYPES (sizeof(types) / sizeof(types[0]))

const struct mac_type *mac_type_at(size_t index)
{
	return index < TYPES ? &types[index] : NULL;
}

const struct mac_type *mac_type_of(uint8_t number)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (types[i].number == number)
			return &types[i];
	}
	return NULL;
}

const struct mac_type *mac_type_find(const char *name)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (strcasecmp(types[i].name, name) == 0)
			return &types[i];
	}
	return NULL;
}

/* NULL for a cipher. */
static const struct nettle_hash *hash_of(uint8_t type)
{
	switch (type) {
	case MERIDIAN_KEY_MD5:
		return &nettle_md5;
	case MERIDIAN_KEY_SHA1:
		return &nettle_sha1;
	case MERIDIAN_KEY_SHA256:
		return &nettle_sha256;
	case MERIDIAN_KEY_SHA384:
		return &nettle_sha384;
	case MERIDIAN_KEY_SHA512:
		return &nettle_sha512;
	case MERIDIAN_KEY_SHA512_256:
		return &nettle_sha512_256;
	case MERIDIAN_KEY_SHA3_224:
		return &nettle_sha3_224;
	case MERIDIAN_KEY_SHA3_256:
		return &nettle_sha3_256;
	case MERIDIAN_KEY_SHA3_384:
		return &nettle_sha3_384;
	case MERIDIAN_KEY_SHA3_512:
		return &nettle_sha3_512;
	default:
		return NULL;
	}
}

static const struct nettle_cipher *cipher_of(uint8_t type)
{
	return type == MERIDIAN_KEY_AES128 ? &nettle_aes128 : &nettle_aes256;
}

int mac_key_init(
	struct mac_key *ret_key, uint32_t id, uint8_t type, const uint8_t *octets, size_t length)
{
	const struct mac_type *known = mac_type_of(type);
	const struct nettle_hash *hash = hash_of(type);
	const struct nettle_cipher *cipher = cipher_of(type);
	union mac_state *state = &ret_key->state;

	if (known == NULL || (known->key_length != 0 && length != known->key_length))
		return -EINVAL;
	*ret_key = (struct mac_key){.id = id, .digest = known->digest, .type = type};
	if (hash != NULL) {
		hash->init(&state->hash);
		hash->update(&state->hash, length, octets);
	} else {
		cipher->set_encrypt_key(&state->cmac.cipher, octets);
		cmac128_set_key(&state->cmac.subkeys, &state->cmac.cipher, cipher->encrypt);
	}
	return 0;
}

uint32_t mac_id(const uint8_t *mac)
{
	return (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
}

static void encrypt(const struct mac_key *key, uint8_t *chain, size_t length, uint8_t *ret_output,
	const uint8_t *input)
{
	if (key->type == MERIDIAN_KEY_AES128)
		cbc_aes128_encrypt(
			&key->state.cmac.cipher.aes128, chain, length, ret_output, input);
	else
		cbc_aes256_encrypt(
			&key->state.cmac.cipher.aes256, chain, length, ret_output, input);
}

/* RFC 4493: what is chained last, when the last block has a subkey added. In nettle's own cmac128
 * each block is a call, which takes as long as the cipher. */
static void cmac(const struct mac_key *key, const uint8_t *packet, size_t length, size_t count,
	uint8_t *ret_digest)
{
	const struct cmac128_key *subkeys = &key->state.cmac.subkeys;
	uint8_t chain[BLOCK] = {0}, block[AT_ONCE] = {0};
	size_t end;

	for (; length > AT_ONCE; length -= AT_ONCE, packet += AT_ONCE)
		encrypt(key, chain, AT_ONCE, block, packet);
	memcpy(block, packet, length);
	end = length == 0 ? BLOCK : (length + BLOCK - 1) / BLOCK * BLOCK;
	if (length < end) {
		memset(block + length, 0, end - length);
		block[length] = PAD;
	}
	for (size_t i = 0; i < BLOCK; i++)
		block[end - BLOCK + i] ^= length < end ? subkeys->K2.b[i] : subkeys->K1.b[i];
	encrypt(key, chain, end, block, block);
	memcpy(ret_digest, chain, count);
}

/* The first `count` octets of the digest. The state, which has taken up the key, is left on the
 * stack: to wipe it would cost time with each packet, and who signs has the key in memory anyway.
 */
static void digest(const struct mac_key *key, const uint8_t *packet, size_t length, size_t count,
	uint8_t *ret_digest)
{
	const struct nettle_hash *hash = hash_of(key->type);
	union mac_state state __attribute__((uninitialized));

	if (hash == NULL) {
		cmac(key, packet, length, count, ret_digest);
		return;
	}
	memcpy(&state.hash, &key->state.hash, hash->context_size);
	hash->update(&state.hash, length, packet);
	hash->digest(&state.hash, count, ret_digest);
}

void mac_write_at(const struct mac_key *key, const uint8_t *packet, size_t length, uint8_t *mac,
	size_t mac_octets)
{
	for (int i = 0; i < MAC_ID_SIZE; i++)
		mac[i] = (uint8_t)(key->id >> (24 - 8 * i));
	digest(key, packet, length, mac_octets - MAC_ID_SIZE, mac + MAC_ID_SIZE);
}

bool mac_good_at(const struct mac_key *key, const uint8_t *packet, size_t length,
	const uint8_t *mac, size_t mac_octets)
{
	uint8_t expected[MERIDIAN_KEY_DIGEST_MAX];
	size_t count = mac_octets - MAC_ID_SIZE;

	if (mac_octets <= MAC_ID_SIZE || count > key->digest)
		return false;
	digest(key, packet, length, count, expected);
	return memeql_sec(expected, mac + MAC_ID_SIZE, count) != 0;
}
