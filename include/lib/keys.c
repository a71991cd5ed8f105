/* SPDX-License-Identifier: BSD-3-Clause */
#include "slots.h"
#include <errno.h>
#include <meridian/keys.h>

const struct meridian_page_kind meridian_keys_kind = {
	.name = MERIDIAN_KEYS_NAME,
	.magic = MERIDIAN_KEYS_MAGIC,
	.version = MERIDIAN_KEYS_VERSION,
	.min_size = sizeof(struct meridian_slots),
};

/* The length a key of `type` must have; 0: any; -1: there is no such type. */
static int length_of_type(uint8_t type)
{
	switch (type) {
#define X(identifier, number, name, digest, octets, ...)                                           \
	case number:                                                                               \
		return octets;
		MERIDIAN_KEY_TYPES(X)
#undef X
	default:
		return -1;
	}
}

static int key_sane(const struct meridian_keys_blob *blob, const struct meridian_key *key)
{
	uint64_t first = sizeof(*blob) + blob->count * sizeof(*key);
	int length = length_of_type(key->type);

	return length >= 0 && (length == 0 || key->length == length) && key->length > 0 &&
		key->length <= MERIDIAN_KEY_OCTETS_MAX && key->offset >= first &&
		key->offset <= blob->size && key->length <= blob->size - key->offset;
}

int meridian_keys_check(const struct meridian_keys_blob *blob, uint64_t size)
{
	const struct meridian_key *key = meridian_keys_of(blob);
	uint32_t last_id = 0;

	if (size < sizeof(*blob) || size > MERIDIAN_SLOTS_BLOB_MAX || blob->size != size ||
		blob->count > MERIDIAN_KEYS_MAX ||
		blob->count * sizeof(*key) > size - sizeof(*blob))
		return -EBADMSG;
	for (uint64_t i = 0; i < blob->count; i++) {
		if (key[i].id <= last_id || !key_sane(blob, &key[i]))
			return -EBADMSG;
		last_id = key[i].id;
	}
	return 0;
}

static int check(const void *blob, uint64_t size)
{
	return meridian_keys_check(blob, size);
}

int meridian_keys_read(const struct meridian_page *page, struct meridian_keys_blob **ret_blob)
{
	void *blob;
	int r = slots_read(page, sizeof(**ret_blob), check, &blob);

	if (r == 0)
		*ret_blob = blob;
	return r;
}
