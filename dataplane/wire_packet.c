/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_packet.h"
#include <bytes.h>
#include <ip_packet.h>
#include <layout.h>
#include <meridian/policy.h>
#include <string.h>

/* The server is the destination of a question, and the source of an answer. */
bool wire_packet_read(const uint8_t *data, uint32_t length, uint8_t mode,
	struct meridian_ntp_header *ret_header, struct meridian_wire_key *ret_key)
{
	bool question = mode == MERIDIAN_NTP_MODE_CLIENT;
	struct ip_packet packet;

	if (ip_packet_of_frame(data, length, &packet) != FRAME_HOLDS_IP ||
		packet.protocol != PROTOCOL_UDP || packet.fragment || packet.has_options ||
		packet.length < UDP_HEADER + sizeof(*ret_header))
		return false;
	*ret_key = (struct meridian_wire_key){
		.family = packet.address_size == 4 ? MERIDIAN_FAMILY_IPV4 : MERIDIAN_FAMILY_IPV6,
		.port = get_u16(packet.body + (question ? 2 : 0))};
	memcpy(ret_key->address, question ? packet.destination : packet.source,
		packet.address_size);
	memcpy(ret_header, packet.body + UDP_HEADER, sizeof(*ret_header));
	return MERIDIAN_NTP_MODE(ret_header->li_vn_mode) == mode;
}
