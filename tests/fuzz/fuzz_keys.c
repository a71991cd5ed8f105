/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Keys: the file of them, which makes a page that its readers take; and any octets as that page's
 * blob, which is refused or can be expanded.
 *
 * Input: 0 for a blob, else a file (bit 1: broken hashes are allowed), then its octets.
 */

#include "fuzz.h"
#include <errno.h>
#include <key_file.h>
#include <keyring.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every key of the blob is found. */
static void expand(const struct meridian_keys_blob *blob)
{
	const struct meridian_key *key = meridian_keys_of(blob);
	struct keyring *keyring;

	FUZZ_CHECK(keyring_new(&keyring, blob) == 0);
	FUZZ_CHECK(keyring->count == blob->count);
	FUZZ_CHECK(keyring_find(keyring, 0) == 0);
	for (uint64_t i = 0; i < blob->count; i++) {
		uint8_t packet[48 + 4 + MERIDIAN_KEY_DIGEST_MAX] = {0x23};
		uint32_t number = keyring_find(keyring, key[i].id);
		size_t octets;

		FUZZ_CHECK(number != 0);
		octets = mac_length(keyring_key(keyring, number), 3);
		FUZZ_CHECK(octets <= sizeof(packet) - 48);
		mac_write(keyring_key(keyring, number), packet, 48, octets);
		FUZZ_CHECK(mac_id(packet + 48) == key[i].id);
		FUZZ_CHECK(mac_good(keyring_key(keyring, number), packet, 48, octets));
		packet[47 - i % 48] ^= 1;
		FUZZ_CHECK(!mac_good(keyring_key(keyring, number), packet, 48, octets));
	}
	keyring_free(keyring);
}

static void read_blob(struct fuzz_input *input)
{
	struct meridian_keys_blob *blob = fuzz_copy(input->data, input->size);

	if (input->size >= sizeof(*blob)) {
		blob->size = input->size;
		if (meridian_keys_check(blob, input->size) == 0)
			expand(blob);
	}
	free(blob);
}

static void read_file(struct fuzz_input *input, bool insecure)
{
	static int file = -1;
	char path[32], *messages = NULL;
	struct meridian_keys_blob *blob;
	size_t size;
	FILE *errors = open_memstream(&messages, &size);
	int r;

	if (file < 0)
		file = memfd_create("fuzz", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	FUZZ_CHECK(fchmod(file, 0600) == 0 && ftruncate(file, 0) == 0);
	FUZZ_CHECK(pwrite(file, input->data, input->size, 0) == (ssize_t)input->size);
	r = key_file_read(path, insecure, errors, &blob);
	fclose(errors);
	FUZZ_CHECK(r == 0 || (r < 0 && size > 0));
	if (r == 0) {
		FUZZ_CHECK(meridian_keys_check(blob, blob->size) == 0);
		expand(blob);
		key_file_free(blob);
	}
	free(messages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t which = fuzz_u8(&input);

	if (which == 0)
		read_blob(&input);
	else
		read_file(&input, which & 2);
	return 0;
}
