/* SPDX-License-Identifier: BSD-3-Clause */
#include "mac.h"
#include <errno.h>
#include <nettle/cmac.h>
#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int type_parse(const char *text, size_t length, enum mac_type *ret_type)
{
#define X(name)                                                                                    \
	if (strlen(#name) == length && memcmp(text, #name, length) == 0) {                         \
		*ret_type = MAC_##name;                                                            \
		return 0;                                                                          \
	}
	MAC_TYPES(X)
#undef X
	return -EINVAL;
}

static int hex_parse(struct mac_key *key, const char *text)
{
	size_t digits = strlen(text);

	if (digits == 0 || digits % 2 || digits > sizeof(key->key) * 2 ||
		strspn(text, "0123456789abcdefABCDEF") != digits)
		return -EINVAL;
	key->length = digits / 2;
	for (size_t i = 0; i < key->length; i++) {
		char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

		key->key[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return 0;
}

int mac_key_parse(struct mac_key *ret_key, const char *text)
{
	struct mac_key key = {0};
	char *end;
	unsigned long id = strtoul(text, &end, 10);
	const char *hex = *end == ':' ? strchr(end + 1, ':') : NULL;

	if (*text < '0' || *text > '9' || id == 0 || id > UINT32_MAX || hex == NULL ||
		type_parse(end + 1, (size_t)(hex - end - 1), &key.type) < 0 ||
		hex_parse(&key, hex + 1) < 0)
		return -EINVAL;
	if ((key.type == MAC_aes128 && key.length != 16) ||
		(key.type == MAC_aes256 && key.length != 32))
		return -EINVAL;
	key.id = (uint32_t)id;
	*ret_key = key;
	return 0;
}

size_t mac_length(const struct mac_key *key)
{
	return key->type == MAC_sha1 || key->type == MAC_sha256 ? MAC_LENGTH_MAX : 16;
}

#define DIGEST(hash)                                                                               \
	do {                                                                                       \
		struct hash##_ctx context;                                                         \
		hash##_init(&context);                                                             \
		hash##_update(&context, key->length, key->key);                                    \
		hash##_update(&context, length, data);                                             \
		hash##_digest(&context, mac_length(key), ret_mac);                                 \
	} while (0)

#define CMAC(size)                                                                                 \
	do {                                                                                       \
		struct cmac_aes##size##_ctx context;                                               \
		cmac_aes##size##_set_key(&context, key->key);                                      \
		cmac_aes##size##_update(&context, length, data);                                   \
		cmac_aes##size##_digest(&context, 16, ret_mac);                                    \
	} while (0)

void mac_compute(const struct mac_key *key, const uint8_t *data, size_t length, uint8_t *ret_mac)
{
	switch (key->type) {
	case MAC_aes128:
		CMAC(128);
		break;
	case MAC_aes256:
		CMAC(256);
		break;
	case MAC_md5:
		DIGEST(md5);
		break;
	case MAC_sha1:
		DIGEST(sha1);
		break;
	case MAC_sha256:
		DIGEST(sha256);
		break;
	}
}
