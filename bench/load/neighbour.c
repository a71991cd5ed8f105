/* SPDX-License-Identifier: BSD-3-Clause */
#include "neighbour.h"
#include <bytes.h>
#include <checksum.h>
#include <layout.h>

#define ETHERTYPE_ARP  0x0806
#define ARP_LENGTH     28
#define ICMPV6         58
#define SOLICITATION   135
#define ADVERTISEMENT  136
#define MESSAGE_LENGTH 24 /* header and target address */
#define OPTION_LENGTH  8  /* our link-layer address */

static bool is_ours(const struct neighbour_self *self, const struct address *address)
{
	for (unsigned int i = 0; i < self->address_count; i++) {
		if (address_equal(&self->address[i], address))
			return true;
	}
	return clients_contain(&self->clients[address->ipv6], address);
}

static void turn_ethernet(const struct neighbour_self *self, uint8_t *frame, const uint8_t *to)
{
	memmove(frame, to, MAC_SIZE);
	memcpy(frame + MAC_SIZE, self->mac, MAC_SIZE);
}

/* `at` is behind the Ethernet type. */
static uint32_t answer_arp(
	const struct neighbour_self *self, uint8_t *frame, uint32_t length, uint32_t at)
{
	static const uint8_t head[8] = {0, 1, 0x08, 0x00, 6, 4, 0, 1};
	struct address asked = {.ipv6 = false};
	uint8_t *arp = frame + at, asker[10];

	if (length < at + ARP_LENGTH || memcmp(arp, head, sizeof(head)) != 0)
		return 0;
	memcpy(asked.octet, arp + 24, 4);
	if (!is_ours(self, &asked))
		return 0;
	memcpy(asker, arp + 8, sizeof(asker));
	turn_ethernet(self, frame, asker);
	arp[7] = 2;
	memcpy(arp + 8, self->mac, 6);
	memcpy(arp + 14, asked.octet, 4);
	memcpy(arp + 18, asker, sizeof(asker));
	return at + ARP_LENGTH;
}

static void checksum_icmp(uint8_t *ip)
{
	uint8_t pseudo[8] = {[3] = MESSAGE_LENGTH + OPTION_LENGTH, [7] = ICMPV6};
	uint64_t sum = checksum_add_octets(0, pseudo, sizeof(pseudo));
	uint8_t *message = ip + IPV6_HEADER;

	message[2] = message[3] = 0;
	sum = checksum_add_octets(sum, ip + 8, 32);
	sum = checksum_add_octets(sum, message, MESSAGE_LENGTH + OPTION_LENGTH);
	store_u16(message + 2, (uint16_t)~checksum_fold(sum));
}

static uint32_t answer_solicitation(
	const struct neighbour_self *self, uint8_t *frame, uint32_t length, uint32_t at)
{
	static const uint8_t unspecified[16];
	struct address asked = {.ipv6 = true};
	uint8_t *ip = frame + at, *message = ip + IPV6_HEADER;

	if (length < at + IPV6_HEADER + MESSAGE_LENGTH || ip[6] != ICMPV6 || ip[7] != 255 ||
		message[0] != SOLICITATION || message[1] != 0)
		return 0;
	memcpy(asked.octet, message + 8, 16);
	if (!is_ours(self, &asked) || memcmp(ip + 8, unspecified, 16) == 0)
		return 0;
	turn_ethernet(self, frame, frame + 6);
	memcpy(ip + 24, ip + 8, 16);
	memcpy(ip + 8, asked.octet, 16);
	put_u16(ip + 4, MESSAGE_LENGTH + OPTION_LENGTH);
	memset(message, 0, 8);
	message[0] = ADVERTISEMENT;
	message[4] = 0x60; /* solicited, override */
	message[24] = 2;   /* target link-layer address, of one unit of 8 octets */
	message[25] = 1;
	memcpy(message + 26, self->mac, 6);
	checksum_icmp(ip);
	return at + IPV6_HEADER + MESSAGE_LENGTH + OPTION_LENGTH;
}

uint32_t neighbour_answer(const struct neighbour_self *self, uint8_t *frame, uint32_t length)
{
	uint32_t at = ETHERNET_HEADER;

	if (length < ETHERNET_HEADER + VLAN_TAG)
		return 0;
	if (get_u16(frame + at - 2) == ETHERTYPE_VLAN)
		at += VLAN_TAG;
	if (get_u16(frame + at - 2) == ETHERTYPE_ARP)
		return answer_arp(self, frame, length, at);
	if (get_u16(frame + at - 2) == ETHERTYPE_IPV6)
		return answer_solicitation(self, frame, length, at);
	return 0;
}
