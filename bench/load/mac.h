/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_MAC_H
#define LOAD_MAC_H

/* Message authentication codes of NTP: AES-CMAC (RFC 8573), and the digest of key and packet that
 * came before it (RFC 5905 section 7.3). All pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAC_TYPES(X)                                                                               \
	X(aes128)                                                                                  \
	X(aes256)                                                                                  \
	X(md5)                                                                                     \
	X(sha1)                                                                                    \
	X(sha256)

enum mac_type {
#define X(name) MAC_##name,
	MAC_TYPES(X)
#undef X
};

#define MAC_KEY_MAX    64
#define MAC_LENGTH_MAX 20 /* longer digests are cut to it */

struct mac_key {
	uint32_t id;
	enum mac_type type;
	uint8_t key[MAC_KEY_MAX];
	size_t length;
};

/* Reads "ID:TYPE:HEX". 0 or -EINVAL. */
int mac_key_parse(struct mac_key *ret_key, const char *text);

/* Octets of the code of a key. */
size_t mac_length(const struct mac_key *key);

/* Writes mac_length() octets. */
void mac_compute(const struct mac_key *key, const uint8_t *data, size_t length, uint8_t *ret_mac);

#endif
