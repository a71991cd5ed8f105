/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_ADDRESS_H
#define LOAD_ADDRESS_H

/* IP and MAC addresses, prefixes, and which may be used without asking. All pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address {
	bool ipv6;
	uint8_t octet[16]; /* network order; the first 4 of IPv4 */
};

struct prefix {
	struct address address;
	uint8_t length;
};

#define ADDRESS_TEXT_SIZE 48

/* 0 or -EINVAL. A prefix without "/LENGTH" is one address. */
int address_parse(struct address *ret_address, const char *text);
int prefix_parse(struct prefix *ret_prefix, const char *text);
int mac_parse(uint8_t ret_mac[6], const char *text);

/* Into `text` of ADDRESS_TEXT_SIZE, which is returned. */
const char *address_format(const struct address *address, char *text);

bool address_equal(const struct address *a, const struct address *b);
bool prefix_contains(const struct prefix *prefix, const struct address *address);

/* Loopback, private (RFC 1918, 4193), link-local, benchmarking (RFC 2544, 5180) or documentation
 * (RFC 5737, 3849): nobody else's server, or clients. */
bool address_is_own(const struct address *address);
bool prefix_is_own(const struct prefix *prefix); /* all of it */

#endif
