/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MAC_MAC_H
#define MAC_MAC_H

/*
 * Message authentication codes of NTP packets (RFC 5905 section 7.3, RFC 8573), for servers and
 * clients alike. A key is expanded once; what is then done per packet is pure: no allocation, no
 * lock, no system call. The primitives are nettle's.
 */

#include <meridian/keys.h>
#include <nettle/aes.h>
#include <nettle/cmac.h>
#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <nettle/sha3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAC_ID_SIZE 4
#define MAC_MAX     (MAC_ID_SIZE + MERIDIAN_KEY_DIGEST_MAX)

/* What there is to know of a type. Static storage. */
struct mac_type {
	const char *name;
	uint8_t number;     /* MERIDIAN_KEY_* */
	uint8_t digest;     /* octets */
	uint8_t key_length; /* octets; 0: any */
	bool broken;        /* collisions of the hash are known */
};

/* By number, and by name without regard to case; NULL: there is none. */
const struct mac_type *mac_type_of(uint8_t number);
const struct mac_type *mac_type_find(const char *name);

/* Every type; NULL past the last one. */
const struct mac_type *mac_type_at(size_t index);

/* A block cipher's schedule and subkeys, or a hash that has taken up the key. */
union mac_state {
	struct {
		struct cmac128_key subkeys;
		union {
			struct aes128_ctx aes128;
			struct aes256_ctx aes256;
		} cipher;
	} cmac;
	union {
		struct md5_ctx md5;
		struct sha1_ctx sha1;
		struct sha256_ctx sha256;
		struct sha512_ctx sha512;
		struct sha3_224_ctx sha3_224;
		struct sha3_256_ctx sha3_256;
		struct sha3_384_ctx sha3_384;
		struct sha3_512_ctx sha3_512;
	} hash;
};

/* An expanded key. As secret as the key itself. */
struct mac_key {
	uint32_t id;
	uint8_t digest; /* octets, before they are cut */
	uint8_t type;   /* MERIDIAN_KEY_* */
	union mac_state state;
};

/* Expands `length` octets of key. Returns 0, or -EINVAL when there is no such type or it has keys
 * of another length only. */
int mac_key_init(
	struct mac_key *ret_key, uint32_t id, uint8_t type, const uint8_t *octets, size_t length);

/* The key ID at the start of a MAC. */
uint32_t mac_id(const uint8_t *mac);

/* Octets of a MAC in a packet of this NTP version, with the ID. Version 4 alone has a limit. */
static inline size_t mac_length(const struct mac_key *key, uint8_t version)
{
	if (version == 4 && key->digest > MERIDIAN_KEY_DIGEST_MAX_V4)
		return MAC_ID_SIZE + MERIDIAN_KEY_DIGEST_MAX_V4;
	return MAC_ID_SIZE + (size_t)key->digest;
}

/* Writes the MAC of the `length` octets of `packet` to `mac`, `mac_octets` long as mac_length()
 * says. */
void mac_write_at(const struct mac_key *key, const uint8_t *packet, size_t length, uint8_t *mac,
	size_t mac_octets);

/* Is `mac` the MAC of the `length` octets of `packet` by this key? The ID is not looked at. Takes
 * as long for a wrong one as for a right one. */
bool mac_good_at(const struct mac_key *key, const uint8_t *packet, size_t length,
	const uint8_t *mac, size_t mac_octets);

/* The same for a MAC right behind the octets. */
static inline void mac_write(
	const struct mac_key *key, uint8_t *packet, size_t length, size_t mac_octets)
{
	mac_write_at(key, packet, length, packet + length, mac_octets);
}
static inline bool mac_good(
	const struct mac_key *key, const uint8_t *packet, size_t length, size_t mac_octets)
{
	return mac_good_at(key, packet, length, packet + length, mac_octets);
}

#endif
