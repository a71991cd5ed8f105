/* SPDX-License-Identifier: BSD-3-Clause */
#include "triage.h"
#include "flows.h"
#include <bytes.h>
#include <errno.h>
#include <fold.h>
#include <ip_packet.h>
#include <layout.h>
#include <netinet/in.h>
#include <stdlib.h>

#define HOP_LIMIT_NEIGHBOUR 255
#define PORT_STRANGERS_MAX  1023 /* up to here, who asks is anybody */
#define PORT_BFD_MULTIHOP   4784
#define PORTS_SIZE          4
#define TCP_FLAGS           13 /* offset in the TCP header */
#define TCP_SYN             0x02
#define TCP_RST             0x04
#define TCP_ACK             0x10
#define ICMP_QUOTE          8   /* offset of the packet that an error is about */
#define ICMPV6_ERROR_MAX    127 /* type */

struct triage {
	struct flows answers, sessions;
	uint64_t key, factor[2]; /* secret */
};

int triage_new(struct triage **ret_triage, uint64_t seed)
{
	struct triage *triage = aligned_alloc(64, (sizeof(*triage) + 63) / 64 * 64);

	if (triage == NULL)
		return -ENOMEM;
	memset(triage, 0, sizeof(*triage));
	triage->key = fold_random(&seed);
	triage->factor[0] = fold_random(&seed) | 1;
	triage->factor[1] = fold_random(&seed) | 1;
	*ret_triage = triage;
	return 0;
}

void triage_free(struct triage *triage)
{
	free(triage);
}

static bool has_ports(const struct ip_packet *packet)
{
	return packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP;
}

/* Where what belongs together cannot be seen, nothing is known. */
static bool is_whole(const struct ip_packet *packet)
{
	return !packet->fragment && (!has_ports(packet) || packet->length >= PORTS_SIZE);
}

static uint64_t mix(const struct triage *triage, uint64_t hash, uint64_t word)
{
	return fold(fold(hash ^ word, triage->factor[0]) ^ triage->factor[1], triage->factor[0]);
}

/* The ports, ours first. */
static uint32_t ports_of(const struct ip_packet *packet, bool sent)
{
	uint16_t source = get_u16(packet->body), destination = get_u16(packet->body + 2);

	if (packet->protocol == IPPROTO_UDP && destination == PORT_BFD_MULTIHOP)
		source = PORT_BFD_MULTIHOP;
	return sent ? (uint32_t)source << 16 | destination : (uint32_t)destination << 16 | source;
}

/* The same of both ways. */
static uint64_t flow_of(const struct triage *triage, const struct ip_packet *packet, bool sent)
{
	const uint8_t *ours = sent ? packet->source : packet->destination;
	const uint8_t *theirs = sent ? packet->destination : packet->source;
	uint64_t hash = triage->key;

	for (uint32_t i = 0; i < packet->address_size; i += 4)
		hash = mix(triage, hash, (uint64_t)load_u32(ours + i) << 32 | load_u32(theirs + i));
	if (has_ports(packet))
		hash = mix(triage, hash, ports_of(packet, sent));
	return mix(triage, hash, (uint64_t)packet->address_size << 8 | packet->protocol);
}

static bool is_known(const struct triage *triage, const struct ip_packet *packet, bool sent)
{
	const struct flows *flows =
		packet->protocol == IPPROTO_UDP ? &triage->answers : &triage->sessions;

	return is_whole(packet) && flows_known(flows, flow_of(triage, packet, sent));
}

static bool is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && address[1] >> 6 == 2;
}

static bool is_of_neighbour(const struct ip_packet *packet)
{
	const uint8_t *to = packet->destination, *from = packet->source;

	if (packet->hop_limit == HOP_LIMIT_NEIGHBOUR)
		return true;
	if (packet->address_size == 4)
		return to[0] == 224 && to[1] == 0 && to[2] == 0;
	return (to[0] == 0xff && (to[1] & 15) == 2) || is_link_local(from) || is_link_local(to);
}

static bool is_icmp_error(const struct ip_packet *packet)
{
	uint8_t type = packet->body[0];

	if (packet->protocol == IPPROTO_ICMPV6)
		return type <= ICMPV6_ERROR_MAX;
	return type == 3 || type == 11 || type == 12;
}

static bool is_icmp(const struct ip_packet *packet)
{
	return packet->protocol == (packet->address_size == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* Of an ICMP error the packet that it is about, which we are said to have sent. */
static bool quote_parse(const struct ip_packet *packet, struct ip_packet *ret_quoted)
{
	return packet->length > ICMP_QUOTE && is_icmp_error(packet) &&
		ip_packet_parse(packet->body + ICMP_QUOTE, packet->length - ICMP_QUOTE, ret_quoted);
}

static enum meridian_punt known_class(const struct ip_packet *packet)
{
	return packet->protocol == IPPROTO_UDP ? MERIDIAN_PUNT_answer : MERIDIAN_PUNT_session;
}

static enum meridian_punt icmp_class(const struct triage *triage, const struct ip_packet *packet)
{
	struct ip_packet quoted;

	if (quote_parse(packet, &quoted) && is_known(triage, &quoted, true))
		return known_class(&quoted);
	return MERIDIAN_PUNT_icmp;
}

static enum meridian_punt packet_class(const struct triage *triage, const struct ip_packet *packet)
{
	if (is_of_neighbour(packet))
		return MERIDIAN_PUNT_link;
	if (is_icmp(packet))
		return icmp_class(triage, packet);
	if (is_known(triage, packet, false))
		return known_class(packet);
	return packet->protocol == IPPROTO_TCP && is_whole(packet) ? MERIDIAN_PUNT_opening
								   : MERIDIAN_PUNT_other;
}

static uint32_t sender_of(const struct triage *triage, const uint8_t *address, uint32_t size)
{
	uint64_t hash = triage->key;

	for (uint32_t i = 0; i < size; i += 2)
		hash = mix(triage, hash, get_u16(address + i));
	return (uint32_t)(hash >> 32);
}

enum meridian_punt triage_class(
	const struct triage *triage, const uint8_t *frame, uint32_t length, uint32_t *ret_sender)
{
	struct ip_packet packet;

	*ret_sender = 0;
	switch (ip_packet_of_frame(frame, length, &packet)) {
	case FRAME_HOLDS_IP:
		*ret_sender = sender_of(triage, packet.source, packet.address_size);
		return packet_class(triage, &packet);
	case FRAME_HOLDS_OTHER:
		*ret_sender = sender_of(triage, frame + MAC_SIZE, MAC_SIZE);
		return MERIDIAN_PUNT_link;
	default:
		return MERIDIAN_PUNT_other;
	}
}

/* Not what a stranger can make the kernel send. */
static bool is_of_kernel(const struct ip_packet *packet)
{
	uint8_t flags;

	if (is_icmp(packet))
		return false;
	if (packet->protocol == IPPROTO_UDP)
		return get_u16(packet->body) > PORT_STRANGERS_MAX;
	if (packet->protocol != IPPROTO_TCP)
		return packet->protocol != IPPROTO_SCTP && packet->protocol != IPPROTO_DCCP;
	if (packet->length <= TCP_FLAGS)
		return false;
	flags = packet->body[TCP_FLAGS];
	return !(flags & TCP_RST) && (flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK);
}

void triage_sent(struct triage *triage, const uint8_t *frame, uint32_t length, uint32_t now_s)
{
	struct ip_packet packet;

	if (ip_packet_of_frame(frame, length, &packet) != FRAME_HOLDS_IP || !is_whole(&packet) ||
		!is_of_kernel(&packet))
		return;
	flows_note(packet.protocol == IPPROTO_UDP ? &triage->answers : &triage->sessions,
		flow_of(triage, &packet, true), now_s);
}
