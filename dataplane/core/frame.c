/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"
#include "checksum.h"
#include "layout.h"
#include <meridian/ntp.h>
#include <string.h>

#define GOOD MERIDIAN_VERDICT_answered

/* Sum over a UDP datagram of `length` octets and its pseudo header, in memory order. */
static uint64_t sum_udp(const struct frame *frame, uint16_t length)
{
	size_t addresses = frame->ipv6 ? 2 * 16 : 2 * 4;
	uint8_t pseudo[4] = {0, PROTOCOL_UDP};
	uint64_t sum;

	put_u16(pseudo + 2, length);
	sum = checksum_add_octets(0, pseudo, sizeof(pseudo));
	sum = checksum_add_octets(sum, frame_source(frame), addresses);
	return checksum_add_octets(sum, frame->data + frame->udp, length);
}

static enum meridian_verdict check_ethernet(struct frame *frame, uint16_t *ret_ethertype)
{
	uint32_t offset = ETHERNET_HEADER;
	uint16_t ethertype;

	if (frame->length < ETHERNET_HEADER)
		return MERIDIAN_VERDICT_short_frame;
	if (!frame_is_for(frame->data, frame->mac))
		return MERIDIAN_VERDICT_foreign_mac;
	if (frame->data[MAC_SIZE] & 1) /* a group's address: the reply would be flooded */
		return MERIDIAN_VERDICT_martian_source;
	ethertype = get_u16(frame->data + offset - 2);
	for (int tags = 0; tags < VLAN_TAGS_MAX; tags++) {
		if (ethertype != ETHERTYPE_VLAN && ethertype != ETHERTYPE_SVLAN)
			break;
		offset += VLAN_TAG;
		if (frame->length < offset)
			return MERIDIAN_VERDICT_short_frame;
		ethertype = get_u16(frame->data + offset - 2);
	}
	frame->ip = (uint16_t)offset;
	*ret_ethertype = ethertype;
	return GOOD;
}

/* Finds the UDP datagram in an IPv4 packet: sets udp, and its length from IP. */
static enum meridian_verdict check_ipv4(struct frame *frame, uint32_t *ret_length)
{
	const uint8_t *ip = frame->data + frame->ip;
	uint32_t room = frame->length - frame->ip;
	uint32_t total;

	if (room < IPV4_HEADER)
		return MERIDIAN_VERDICT_short_frame;
	total = get_u16(ip + 2);
	if (ip[0] >> 4 != 4 || (ip[0] & 15) * 4 < IPV4_HEADER)
		return MERIDIAN_VERDICT_bad_ip_header;
	if ((ip[0] & 15) * 4 > IPV4_HEADER)
		return MERIDIAN_VERDICT_punt;
	if (total < IPV4_HEADER || total > room)
		return MERIDIAN_VERDICT_bad_ip_header;
	if (!frame->checksum_good &&
		checksum_fold(checksum_add_octets(0, ip, IPV4_HEADER)) != UINT16_MAX)
		return MERIDIAN_VERDICT_bad_ip_checksum;
	if (get_u16(ip + 6) & IPV4_FRAGMENT)
		return MERIDIAN_VERDICT_punt;
	if (ip[9] != PROTOCOL_UDP)
		return MERIDIAN_VERDICT_not_ntp;
	frame->udp = frame->ip + IPV4_HEADER;
	*ret_length = total - IPV4_HEADER;
	return GOOD;
}

/* IANA's registry of IPv6 extension header types. */
static bool is_extension_header(uint8_t next_header)
{
	switch (next_header) {
	case 0:   /* hop-by-hop options */
	case 43:  /* routing */
	case 44:  /* fragment */
	case 50:  /* encapsulating security payload */
	case 51:  /* authentication */
	case 60:  /* destination options */
	case 135: /* mobility */
	case 139: /* host identity protocol */
	case 140: /* shim6 */
	case 253: /* experiments */
	case 254:
		return true;
	default:
		return false;
	}
}

static enum meridian_verdict check_ipv6(struct frame *frame, uint32_t *ret_length)
{
	const uint8_t *ip = frame->data + frame->ip;
	uint32_t room = frame->length - frame->ip;

	if (room < IPV6_HEADER)
		return MERIDIAN_VERDICT_short_frame;
	if (ip[0] >> 4 != 6 || get_u16(ip + 4) > room - IPV6_HEADER)
		return MERIDIAN_VERDICT_bad_ip_header;
	if (is_extension_header(ip[6]))
		return MERIDIAN_VERDICT_punt;
	if (ip[6] != PROTOCOL_UDP)
		return MERIDIAN_VERDICT_not_ntp;
	frame->udp = frame->ip + IPV6_HEADER;
	*ret_length = get_u16(ip + 4);
	return GOOD;
}

/* `room` octets of IP payload lie inside the frame. A datagram may be shorter: what follows it are
 * UDP options (RFC 9868), which who does not know them ignores. */
static enum meridian_verdict check_udp(struct frame *frame, uint32_t room)
{
	const uint8_t *udp = frame->data + frame->udp;
	uint32_t length;
	bool has_checksum;

	if (room < UDP_HEADER)
		return MERIDIAN_VERDICT_bad_udp_length;
	if (get_u16(udp + 2) != MERIDIAN_NTP_PORT)
		return MERIDIAN_VERDICT_not_ntp;
	length = get_u16(udp + 4);
	if (length < UDP_HEADER || length > room)
		return MERIDIAN_VERDICT_bad_udp_length;
	if (get_u16(udp) == 0)
		return MERIDIAN_VERDICT_bad_source_port;
	has_checksum = get_u16(udp + UDP_CHECKSUM) != 0;
	if (!has_checksum && frame->ipv6)
		return MERIDIAN_VERDICT_bad_udp_checksum;
	if (has_checksum && !frame->checksum_good &&
		checksum_fold(sum_udp(frame, (uint16_t)length)) != UINT16_MAX)
		return MERIDIAN_VERDICT_bad_udp_checksum;
	frame->payload = frame->udp + UDP_HEADER;
	frame->payload_length = (uint16_t)(length - UDP_HEADER);
	return GOOD;
}

enum meridian_verdict frame_parse(struct frame *frame)
{
	uint16_t ethertype;
	uint32_t length;
	enum meridian_verdict verdict = check_ethernet(frame, &ethertype);

	if (verdict != GOOD)
		return verdict;
	frame->ipv6 = ethertype == ETHERTYPE_IPV6;
	if (frame->ipv6)
		verdict = check_ipv6(frame, &length);
	else if (ethertype == ETHERTYPE_IPV4)
		verdict = check_ipv4(frame, &length);
	else
		verdict = MERIDIAN_VERDICT_not_ip;
	return verdict == GOOD ? check_udp(frame, length) : verdict;
}

const uint8_t *frame_source(const struct frame *frame)
{
	return frame->data + frame->ip + (frame->ipv6 ? 8 : 12);
}

const uint8_t *frame_destination(const struct frame *frame)
{
	return frame->data + frame->ip + (frame->ipv6 ? 24 : 16);
}

uint16_t frame_source_port(const struct frame *frame)
{
	return get_u16(frame->data + frame->udp);
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	uint8_t saved[16];

	memcpy(saved, a, size);
	memcpy(a, b, size);
	memcpy(b, saved, size);
}

/* No options, no fragments, so the identification may be 0 (RFC 6864). */
static void turn_ipv4(uint8_t *ip, uint16_t udp_length)
{
	uint16_t checksum;

	swap(ip + 12, ip + 16, 4);
	ip[1] = 0;
	put_u16(ip + 2, (uint16_t)(IPV4_HEADER + udp_length));
	put_u16(ip + 4, 0);
	put_u16(ip + 6, IPV4_DONT_FRAGMENT);
	ip[8] = REPLY_TTL;
	put_u16(ip + 10, 0);
	checksum = (uint16_t)~checksum_fold(checksum_add_octets(0, ip, IPV4_HEADER));
	memcpy(ip + 10, &checksum, sizeof(checksum));
}

static void turn_ipv6(uint8_t *ip, uint16_t udp_length)
{
	swap(ip + 8, ip + 24, 16);
	put_u32(ip, UINT32_C(6) << 28);
	put_u16(ip + 4, udp_length);
	ip[7] = REPLY_TTL;
}

void frame_turn(struct frame *frame, uint16_t payload_length)
{
	uint8_t *udp = frame->data + frame->udp;
	uint16_t udp_length = (uint16_t)(UDP_HEADER + payload_length);

	swap(frame->data, frame->data + MAC_SIZE, MAC_SIZE);
	if (frame->ipv6)
		turn_ipv6(frame->data + frame->ip, udp_length);
	else
		turn_ipv4(frame->data + frame->ip, udp_length);
	swap(udp, udp + 2, 2);
	put_u16(udp + 4, udp_length);
	put_u16(udp + UDP_CHECKSUM, 0);
	frame->payload_length = payload_length;
	frame->length = (uint32_t)frame->payload + payload_length;
}

uint64_t frame_sum_udp(const struct frame *frame)
{
	return sum_udp(frame, (uint16_t)(UDP_HEADER + frame->payload_length));
}

void frame_checksum_udp(struct frame *frame)
{
	uint8_t *field = frame->data + frame->udp + UDP_CHECKSUM;
	uint16_t checksum;

	put_u16(field, 0);
	checksum = checksum_udp_field(frame_sum_udp(frame));
	memcpy(field, &checksum, sizeof(checksum));
}
