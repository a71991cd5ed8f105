/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_packet.h"
#include "bytes.h"
#include "layout.h"
#include <netinet/in.h>

static bool ipv4_parse(const uint8_t *ip, uint32_t length, struct ip_packet *ret_packet)
{
	uint32_t header = (ip[0] & 15U) * 4;

	if (header < IPV4_HEADER || header > length)
		return false;
	*ret_packet = (struct ip_packet){.source = ip + 12,
		.destination = ip + 16,
		.address_size = 4,
		.body = ip + header,
		.length = length - header,
		.protocol = ip[9],
		.hop_limit = ip[8],
		.has_options = header > IPV4_HEADER,
		.fragment = (get_u16(ip + 6) & IPV4_FRAGMENT) != 0};
	return true;
}

static bool ipv6_parse(const uint8_t *ip, uint32_t length, struct ip_packet *ret_packet)
{
	if (length < IPV6_HEADER)
		return false;
	*ret_packet = (struct ip_packet){.source = ip + 8,
		.destination = ip + 24,
		.address_size = 16,
		.body = ip + IPV6_HEADER,
		.length = length - IPV6_HEADER,
		.protocol = ip[6],
		.hop_limit = ip[7],
		.fragment = ip[6] == IPPROTO_FRAGMENT};
	return true;
}

bool ip_packet_parse(const uint8_t *ip, uint32_t length, struct ip_packet *ret_packet)
{
	if (length < IPV4_HEADER)
		return false;
	switch (ip[0] >> 4) {
	case 4:
		return ipv4_parse(ip, length, ret_packet);
	case 6:
		return ipv6_parse(ip, length, ret_packet);
	default:
		return false;
	}
}

/* Returns where the frame's payload begins, or 0 if it is cut short before. */
static uint32_t ethernet_parse(const uint8_t *frame, uint32_t length, uint16_t *ret_ethertype)
{
	uint32_t at = ETHERNET_HEADER;

	for (int tags = 0; at <= length; tags++, at += VLAN_TAG) {
		*ret_ethertype = get_u16(frame + at - 2);
		if (tags == VLAN_TAGS_MAX ||
			(*ret_ethertype != ETHERTYPE_VLAN && *ret_ethertype != ETHERTYPE_SVLAN))
			return at;
	}
	return 0;
}

enum frame_content ip_packet_of_frame(
	const uint8_t *frame, uint32_t length, struct ip_packet *ret_packet)
{
	uint16_t ethertype;
	uint32_t at = ethernet_parse(frame, length, &ethertype);

	if (at == 0)
		return FRAME_CUT_SHORT;
	if (ethertype != ETHERTYPE_IPV4 && ethertype != ETHERTYPE_IPV6)
		return FRAME_HOLDS_OTHER;
	if (!ip_packet_parse(frame + at, length - at, ret_packet))
		return FRAME_CUT_SHORT;
	return (ret_packet->address_size == 4) == (ethertype == ETHERTYPE_IPV4) ? FRAME_HOLDS_IP
										: FRAME_CUT_SHORT;
}
