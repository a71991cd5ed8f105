/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_KEY_FILE_H
#define CONTROL_KEY_FILE_H

/*
 * The file of symmetric keys, in chrony's format: a key a line, "ID [TYPE] [ASCII:|HEX:]KEY",
 * comments as in the config. Nothing that is written about it repeats what may be part of a key.
 */

#include <meridian/keys.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Reads and checks `path`. Types whose hash is broken are refused unless `insecure`, and so is a
 * file that everybody may read. On success returns 0 and the keys, by rising ID, as they go into
 * the page, for key_file_free(). On failure returns -EBADMSG after writing to `errors` the first 20
 * errors and warnings as "file:line: message", and how many more there are; or what
 * config_file_open() and config_lines_read() return.
 */
int key_file_read(
	const char *path, bool insecure, FILE *errors, struct meridian_keys_blob **ret_blob);

/* Wipes the keys and frees them; NULL is legal. */
void key_file_free(struct meridian_keys_blob *blob);

/* The key of an ID; NULL: there is none, or `blob` is NULL. */
const struct meridian_key *key_file_find(const struct meridian_keys_blob *blob, uint32_t id);

#endif
