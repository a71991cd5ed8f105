/* SPDX-License-Identifier: BSD-3-Clause */
#include "name.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define DRIVER_LENGTH_MAX 31

/* sscanf() would take signs, blanks and "0x". */
static bool is_pci_text(const char *word)
{
	return strspn(word, "0123456789abcdefABCDEF:.") == strlen(word) && strchr(word, '.');
}

static bool pci_parse(const char *word, char ret_name[static NAME_SIZE])
{
	unsigned int domain = 0, bus, device, function;
	int length = 0;

	if (strlen(word) >= NAME_SIZE || !is_pci_text(word))
		return false;
	if (sscanf(word, "%x:%x:%x.%x%n", &domain, &bus, &device, &function, &length) != 4) {
		domain = 0;
		length = 0;
		if (sscanf(word, "%x:%x.%x%n", &bus, &device, &function, &length) != 3)
			return false;
	}
	if (word[length] != '\0' || domain > 0xfffff || bus > 0xff || device > 0x1f || function > 7)
		return false;
	snprintf(ret_name, NAME_SIZE, "%04x:%02x:%02x.%x", domain, bus, device, function);
	return true;
}

/* As the kernel's dev_valid_name(), and nothing that a terminal would act on. */
static bool is_interface(const char *word)
{
	if (*word == '\0' || strlen(word) >= NAME_SIZE || strcmp(word, ".") == 0 ||
		strcmp(word, "..") == 0)
		return false;
	for (; *word; word++) {
		if (!isgraph((unsigned char)*word) || *word == '/' || *word == ':')
			return false;
	}
	return true;
}

enum name_kind name_parse(const char *word, char ret_name[static NAME_SIZE])
{
	if (pci_parse(word, ret_name))
		return NAME_PCI;
	if (!is_interface(word))
		return NAME_NONE;
	snprintf(ret_name, NAME_SIZE, "%s", word);
	return NAME_INTERFACE;
}

bool name_is_driver(const char *word)
{
	size_t length = 0;

	while (isalnum((unsigned char)word[length]) || word[length] == '_' || word[length] == '-')
		length++;
	return length > 0 && length <= DRIVER_LENGTH_MAX && word[length] == '\0';
}
