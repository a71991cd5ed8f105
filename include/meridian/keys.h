/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_KEYS_H
#define MERIDIAN_KEYS_H

/*
 * Symmetric keys: what authenticates NTP packets (RFC 5905 section 7.3, RFC 8573). Written by
 * meridian-control alone from `keyfile`, read by those who answer. The page is a struct
 * meridian_slots of mode 0640, whose blobs are struct meridian_keys_blob: the keys, then their
 * octets. A slot that is not in use is all zeroes: no key outlives its removal from the file.
 */

#include <meridian/slots.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MERIDIAN_KEYS_NAME    "keys"
#define MERIDIAN_KEYS_MAGIC   UINT32_C(0x454b524d) /* bytes "MRKE" in memory */
#define MERIDIAN_KEYS_VERSION 1

#define MERIDIAN_KEYS_MAX       65536
#define MERIDIAN_KEY_OCTETS_MAX 1024

/*
 * Types of keys. A MAC is the key's ID and the digest: the AES-CMAC of the packet before it (RFC
 * 8573), or the hash of key and packet, one after the other. In version 4 a digest is cut to
 * its first MERIDIAN_KEY_DIGEST_MAX_V4 octets.
 *
 *   X(identifier, number, name, octets of the digest, octets of a key or 0 for any, broken)
 *
 * Numbers are those of chrony's monitoring protocol, names those of its key file; 128 is ours.
 */
#define MERIDIAN_KEY_TYPES(X)                                                                      \
	X(MD5, 1, "MD5", 16, 0, 1)                                                                 \
	X(SHA1, 2, "SHA1", 20, 0, 1)                                                               \
	X(SHA256, 3, "SHA256", 32, 0, 0)                                                           \
	X(SHA384, 4, "SHA384", 48, 0, 0)                                                           \
	X(SHA512, 5, "SHA512", 64, 0, 0)                                                           \
	X(SHA3_224, 6, "SHA3-224", 28, 0, 0)                                                       \
	X(SHA3_256, 7, "SHA3-256", 32, 0, 0)                                                       \
	X(SHA3_384, 8, "SHA3-384", 48, 0, 0)                                                       \
	X(SHA3_512, 9, "SHA3-512", 64, 0, 0)                                                       \
	X(AES128, 13, "AES128", 16, 16, 0)                                                         \
	X(AES256, 14, "AES256", 16, 32, 0)                                                         \
	X(SHA512_256, 128, "SHA512-256", 32, 0, 0)

enum meridian_key_type {
#define MERIDIAN_KEY_ENUM_(identifier, number, ...) MERIDIAN_KEY_##identifier = (number),
	MERIDIAN_KEY_TYPES(MERIDIAN_KEY_ENUM_)
#undef MERIDIAN_KEY_ENUM_
};

#define MERIDIAN_KEY_DIGEST_MAX    64
#define MERIDIAN_KEY_DIGEST_MAX_V4 20

struct meridian_key {
	uint32_t id;     /* not 0 */
	uint32_t offset; /* of its octets, from the blob's start */
	uint16_t length; /* 1 to MERIDIAN_KEY_OCTETS_MAX */
	uint8_t type;    /* MERIDIAN_KEY_* */
	uint8_t reserved[5];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_key) == 16, "ABI");

struct meridian_keys_blob {
	uint64_t generation; /* as in struct meridian_slots_blob */
	uint64_t size;
	uint64_t count; /* of struct meridian_key, right behind this, by rising ID */
	uint64_t reserved[5];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_keys_blob) == 64, "ABI");

extern const struct meridian_page_kind meridian_keys_kind;

/* As meridian_policy_read(). Whoever frees *ret_blob had better wipe it first. */
int meridian_keys_read(const struct meridian_page *page, struct meridian_keys_blob **ret_blob);

/* 0 when every key lies inside `size` bytes and every field is in its range; else -EBADMSG. */
int meridian_keys_check(const struct meridian_keys_blob *blob, uint64_t size);

/* The keys, and the octets of one, of a checked blob. */
static inline const struct meridian_key *meridian_keys_of(const struct meridian_keys_blob *blob)
{
	return (const struct meridian_key *)(const void *)(blob + 1);
}
static inline const uint8_t *meridian_key_octets(
	const struct meridian_keys_blob *blob, const struct meridian_key *key)
{
	return (const uint8_t *)blob + key->offset;
}

#ifdef __cplusplus
}
#endif

#endif
