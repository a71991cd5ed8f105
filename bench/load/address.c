/* SPDX-License-Identifier: BSD-3-Clause */
#include "address.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int address_parse(struct address *ret_address, const char *text)
{
	struct address address = {.ipv6 = strchr(text, ':') != NULL};

	if (inet_pton(address.ipv6 ? AF_INET6 : AF_INET, text, address.octet) != 1)
		return -EINVAL;
	*ret_address = address;
	return 0;
}

int prefix_parse(struct prefix *ret_prefix, const char *text)
{
	char copy[ADDRESS_TEXT_SIZE + 8];
	char *slash, *end;
	unsigned long length, length_max;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	if (address_parse(&ret_prefix->address, copy) < 0)
		return -EINVAL;
	length = length_max = ret_prefix->address.ipv6 ? 128 : 32;
	if (slash) {
		length = strtoul(slash, &end, 10);
		if (*slash < '0' || *slash > '9' || *end != '\0' || length > length_max)
			return -EINVAL;
	}
	ret_prefix->length = (uint8_t)length;
	return 0;
}

int mac_parse(uint8_t ret_mac[6], const char *text)
{
	unsigned int octet[6];
	char more;

	if (strlen(text) != 17 || strspn(text, "0123456789abcdefABCDEF:") != 17 ||
		sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &octet[0], &octet[1], &octet[2],
			&octet[3], &octet[4], &octet[5], &more) != 6)
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		ret_mac[i] = (uint8_t)octet[i];
	return 0;
}

const char *address_format(const struct address *address, char *text)
{
	return inet_ntop(
		address->ipv6 ? AF_INET6 : AF_INET, address->octet, text, ADDRESS_TEXT_SIZE);
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->ipv6 == b->ipv6 && memcmp(a->octet, b->octet, a->ipv6 ? 16 : 4) == 0;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
	unsigned int octets = prefix->length / 8, bits = prefix->length % 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits);

	if (prefix->address.ipv6 != address->ipv6 ||
		memcmp(prefix->address.octet, address->octet, octets) != 0)
		return false;
	return bits == 0 || ((prefix->address.octet[octets] ^ address->octet[octets]) & mask) == 0;
}

bool prefix_is_own(const struct prefix *prefix)
{
	static const char *const prefixes[] = {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", "169.254.0.0/16", "192.0.2.0/24", "198.51.100.0/24",
		"203.0.113.0/24", "198.18.0.0/15", "::1", "fe80::/10", "fc00::/7", "2001:db8::/32",
		"2001:2::/48"};
	struct prefix own;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (prefix_parse(&own, prefixes[i]) == 0 && own.length <= prefix->length &&
			prefix_contains(&own, &prefix->address))
			return true;
	}
	return false;
}

bool address_is_own(const struct address *address)
{
	return prefix_is_own(
		&(struct prefix){.address = *address, .length = address->ipv6 ? 128 : 32});
}
