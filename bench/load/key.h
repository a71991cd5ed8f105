/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_KEY_H
#define LOAD_KEY_H

/* The key of symmetric requests, from a file: on a command line everybody on the host sees it. */

#include <mac.h>
#include <stdio.h>

/*
 * Reads `path`, a keyfile as the server has it, and expands the key `id` of it. Types whose hash
 * is broken are allowed: to refuse them is the server's part. Returns 0, or -EINVAL after writing
 * what is wrong to `errors`.
 */
int key_load(struct mac_key *ret_key, const char *path, uint32_t id, FILE *errors);

#endif
