/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOST_NAME_MAX_LENGTH 253 /* RFC 1035 section 2.3.4, as text */

bool config_address_parse(const char *text, struct config_address *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (inet_pton(AF_INET, text, ret_address->octets) == 1)
		ret_address->family = MERIDIAN_FAMILY_IPV4;
	else if (inet_pton(AF_INET6, text, ret_address->octets) == 1)
		ret_address->family = MERIDIAN_FAMILY_IPV6;
	else
		return false;
	return true;
}

static bool is_link_local(const struct config_address *address)
{
	return address->family == MERIDIAN_FAMILY_IPV6 && address->octets[0] == 0xfe &&
		(address->octets[1] & 0xc0) == 0x80;
}

bool config_server_address_parse(const char *text, struct config_address *ret_address)
{
	char copy[INET6_ADDRSTRLEN];
	const char *percent = strchr(text, '%');

	if (percent == NULL)
		return config_address_parse(text, ret_address);
	if ((size_t)(percent - text) >= sizeof(copy))
		return false;
	memcpy(copy, text, (size_t)(percent - text));
	copy[percent - text] = '\0';
	if (!config_address_parse(copy, ret_address) || !is_link_local(ret_address))
		return false;
	ret_address->scope = if_nametoindex(percent + 1);
	return ret_address->scope != 0;
}

static const char *ipv4_server_check(const uint8_t *octets)
{
	if (octets[0] == 0)
		return "is not the address of a host";
	if (octets[0] >= 224)
		return "is not a unicast address";
	return NULL;
}

bool config_address_is_zero(const struct config_address *address)
{
	static const uint8_t zero[16];

	return memcmp(address->octets, zero, sizeof(zero)) == 0;
}

const char *config_server_address_check(const struct config_address *address)
{
	struct in6_addr in6;

	if (address->family == MERIDIAN_FAMILY_IPV4)
		return ipv4_server_check(address->octets);
	memcpy(&in6, address->octets, sizeof(in6));
	if (IN6_IS_ADDR_UNSPECIFIED(&in6))
		return "is not the address of a host";
	if (IN6_IS_ADDR_MULTICAST(&in6))
		return "is not a unicast address";
	if (is_link_local(address) && address->scope == 0)
		return "is link-local; add its interface, as in fe80::1%eth0";
	if (IN6_IS_ADDR_V4MAPPED(&in6))
		return "is an IPv4 address; write it as such";
	return NULL;
}

/* Length of a label of letters, digits, '-' inside, and '_', which RFC 1123 has not but people
 * have; 0: there is none. */
static size_t host_label_length(const char *label)
{
	size_t length = 0;

	while (isalnum((unsigned char)label[length]) ||
		(label[length] && strchr("-_", label[length])))
		length++;
	if (length > 63 || label[0] == '-' || (length > 0 && label[length - 1] == '-'))
		return 0;
	return length;
}

const char *config_host_name_check(const char *name)
{
	const char *label = name;
	struct in_addr in;
	size_t length;

	/* Short and octal forms, which inet_pton(3) did not take but a resolver would. */
	if (inet_aton(name, &in))
		return "is not an address in full";
	if (strchr(name, '%') && strchr(name, ':'))
		return "is not a link-local address with an interface of this host";
	if (strlen(name) > HOST_NAME_MAX_LENGTH)
		return "is longer than a host name may be (253 characters)";
	for (;;) {
		length = host_label_length(label);
		if (length == 0)
			return "is neither an address nor a host name";
		if (label[length] == '\0' || strcmp(label + length, ".") == 0)
			break;
		if (label[length] != '.')
			return "is neither an address nor a host name";
		label += length + 1;
	}
	if (strspn(label, "0123456789") == length)
		return "is neither an address nor a host name";
	return NULL;
}

bool config_same_host(const char *a, const char *b)
{
	struct config_address x, y;

	if (config_server_address_parse(a, &x) && config_server_address_parse(b, &y))
		return memcmp(&x, &y, sizeof(x)) == 0;
	return strcasecmp(a, b) == 0;
}

/* chrony's short form: one to three decimal octets, the rest is zero. Returns how many, or 0. */
static int short_ipv4_parse(const char *text, uint8_t octets[16])
{
	int count = 0;

	for (;;) {
		unsigned int value = 0;
		int digits = 0;

		for (; isdigit((unsigned char)*text) && digits < 4; digits++, text++)
			value = value * 10 + (unsigned int)(*text - '0');
		if (digits == 0 || digits > 3 || value > 255 || count == 3)
			return 0;
		octets[count++] = (uint8_t)value;
		if (*text == '\0')
			return count;
		if (*text++ != '.')
			return 0;
	}
}

static void prefix_clear_rest(uint8_t *octets, unsigned int prefix_len, unsigned int size)
{
	unsigned int whole = prefix_len / 8;

	if (whole >= size)
		return;
	octets[whole] &= (uint8_t) ~(0xffu >> prefix_len % 8);
	memset(octets + whole + 1, 0, size - whole - 1);
}

/* 0..max, or -1 */
static int prefix_len_parse(const char *text, int max)
{
	char *end;
	long value = strtol(text, &end, 10);

	return !isdigit((unsigned char)*text) || *end || value > max ? -1 : (int)value;
}

const char *config_subnet_parse(const char *text, struct meridian_policy_access *ret_access)
{
	struct config_address address;
	char copy[INET6_ADDRSTRLEN + 8];
	char *slash;
	int bits, prefix_len;

	if (strlen(text) >= sizeof(copy))
		return "is not an address or a subnet (host names are not looked up here)";
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	memset(ret_access, 0, sizeof(*ret_access));
	if (config_address_parse(copy, &address)) {
		bits = prefix_len = address.family == MERIDIAN_FAMILY_IPV4 ? 32 : 128;
	} else {
		memset(&address, 0, sizeof(address));
		address.family = MERIDIAN_FAMILY_IPV4;
		bits = 32;
		prefix_len = 8 * short_ipv4_parse(copy, address.octets);
		if (prefix_len == 0)
			return "is not an address or a subnet (host names are not looked up here)";
	}
	if (slash)
		prefix_len = prefix_len_parse(slash, bits);
	if (prefix_len < 0)
		return bits == 32 ? "has a prefix length out of range (allowed: 0 to 32)"
				  : "has a prefix length out of range (allowed: 0 to 128)";
	memcpy(ret_access->octets, address.octets, sizeof(ret_access->octets));
	prefix_clear_rest(ret_access->octets, (unsigned int)prefix_len, (unsigned int)bits / 8);
	ret_access->family = address.family;
	ret_access->prefix_len = (uint8_t)prefix_len;
	return NULL;
}
