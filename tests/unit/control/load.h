/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_LOAD_H
#define TESTS_LOAD_H

/*
 * Loads what a test writes as a config.
 */

#include "config_table.h"

/* Of a cmocka group: the file's place. */
int load_setup(void **state);
int load_teardown(void **state);

extern struct config config; /* what was loaded */
extern char *messages;       /* its errors and warnings, without the file's path */

/* config_load() of these octets, or of this text. */
int load_octets(const char *text, size_t length);
int load(const char *text);

/* The config of this text is refused, with exactly these messages. */
void expect_error(const char *text, const char *message);

#endif
