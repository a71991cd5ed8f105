/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_REFID_H
#define CONTROL_CORE_REFID_H

#include <stdint.h>

/* How a server of this address appears as a reference ID, host order: the IPv4 address, or the
 * first four octets of the MD5 of the IPv6 address (RFC 5905 section 7.3). `family` is
 * MERIDIAN_FAMILY_*; 0 for any other. */
uint32_t refid_of_address(const uint8_t *octets, uint8_t family);

#define REFID_TEXT_SIZE 5

/* The letters of a reference clock's ID, up to four, NUL-terminated. */
static inline void refid_text(uint32_t refid, char ret_text[static REFID_TEXT_SIZE])
{
	for (int i = 0; i < REFID_TEXT_SIZE - 1; i++)
		ret_text[i] = (char)(refid >> (24 - 8 * i));
	ret_text[REFID_TEXT_SIZE - 1] = '\0';
}

#endif
