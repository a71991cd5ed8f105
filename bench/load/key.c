/* SPDX-License-Identifier: BSD-3-Clause */
#include "key.h"
#include <config_table.h>
#include <errno.h>
#include <inttypes.h>
#include <key_file.h>

int key_load(struct mac_key *ret_key, const char *path, uint32_t id, FILE *errors)
{
	struct meridian_keys_blob *blob = NULL;
	const struct meridian_key *key;
	int r = key_file_read(path, true, errors, &blob);

	if (r < 0) {
		if (r != -EBADMSG)
			fprintf(errors, "%s: %s\n", path, config_file_strerror(r));
		return -EINVAL;
	}
	key = key_file_find(blob, id);
	if (key == NULL)
		fprintf(errors, "%s: there is no key %" PRIu32 "\n", path, id);
	r = key == NULL
		? -EINVAL
		: mac_key_init(ret_key, id, key->type, meridian_key_octets(blob, key), key->length);
	key_file_free(blob);
	return r;
}
