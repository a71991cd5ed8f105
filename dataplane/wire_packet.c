/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_packet.h"
#include <bytes.h>
#include <layout.h>
#include <meridian/policy.h>
#include <string.h>

/* What is left of a frame, from a header on. */
struct rest {
	const uint8_t *data;
	uint32_t length;
};

static bool skip(struct rest *rest, uint32_t octets)
{
	if (rest->length < octets)
		return false;
	rest->data += octets;
	rest->length -= octets;
	return true;
}

/* Returns the type of what follows the tags; 0: the frame ends before. */
static uint16_t skip_ethernet(struct rest *rest)
{
	uint16_t ethertype;

	if (!skip(rest, ETHERNET_HEADER))
		return 0;
	ethertype = get_u16(rest->data - 2);
	for (int tags = 0; tags < VLAN_TAGS_MAX; tags++) {
		if (ethertype != ETHERTYPE_VLAN && ethertype != ETHERTYPE_SVLAN)
			break;
		if (!skip(rest, VLAN_TAG))
			return 0;
		ethertype = get_u16(rest->data - 2);
	}
	return ethertype;
}

/* The server is the destination of a question, and the source of an answer. */
static bool skip_ipv4(struct rest *rest, bool question, struct meridian_wire_key *key)
{
	const uint8_t *ip = rest->data;

	if (rest->length < IPV4_HEADER || ip[0] != 0x45 || ip[9] != PROTOCOL_UDP ||
		(get_u16(ip + 6) & IPV4_FRAGMENT))
		return false;
	key->family = MERIDIAN_FAMILY_IPV4;
	memcpy(key->address, ip + (question ? 16 : 12), 4);
	return skip(rest, IPV4_HEADER);
}

static bool skip_ipv6(struct rest *rest, bool question, struct meridian_wire_key *key)
{
	const uint8_t *ip = rest->data;

	if (rest->length < IPV6_HEADER || ip[0] >> 4 != 6 || ip[6] != PROTOCOL_UDP)
		return false;
	key->family = MERIDIAN_FAMILY_IPV6;
	memcpy(key->address, ip + (question ? 24 : 8), 16);
	return skip(rest, IPV6_HEADER);
}

static bool skip_ip(struct rest *rest, bool question, struct meridian_wire_key *key)
{
	uint16_t ethertype = skip_ethernet(rest);

	if (ethertype == ETHERTYPE_IPV4)
		return skip_ipv4(rest, question, key);
	return ethertype == ETHERTYPE_IPV6 && skip_ipv6(rest, question, key);
}

bool wire_packet_read(const uint8_t *data, uint32_t length, uint8_t mode,
	struct meridian_ntp_header *ret_header, struct meridian_wire_key *ret_key)
{
	bool question = mode == MERIDIAN_NTP_MODE_CLIENT;
	struct rest rest = {data, length};

	memset(ret_key, 0, sizeof(*ret_key));
	if (!skip_ip(&rest, question, ret_key) || !skip(&rest, UDP_HEADER))
		return false;
	ret_key->port = get_u16(rest.data - UDP_HEADER + (question ? 2 : 0));
	if (rest.length < sizeof(*ret_header))
		return false;
	memcpy(ret_header, rest.data, sizeof(*ret_header));
	return MERIDIAN_NTP_MODE(ret_header->li_vn_mode) == mode;
}
