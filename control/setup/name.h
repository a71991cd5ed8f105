/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_NAME_H
#define CONTROL_SETUP_NAME_H

/* What a NIC is called: as an interface of the kernel, or by its PCI address. Pure. */

#include <stdbool.h>

#define NAME_SIZE 16 /* IFNAMSIZ; a PCI address is shorter */

enum name_kind {
	NAME_NONE,
	NAME_INTERFACE,
	NAME_PCI,
};

/* What `word` can be; the name comes out as the kernel writes it, a PCI address with its domain:
 * "3b:00.0" is 0000:3b:00.0. NAME_NONE: it can be neither. */
enum name_kind name_parse(const char *word, char ret_name[static NAME_SIZE]);

/* Whether `word` can be the name of a kernel module or driver, and so of a file: 1 to 31 letters,
 * digits, '_' and '-'. */
bool name_is_driver(const char *word);

#endif
