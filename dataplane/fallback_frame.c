/* SPDX-License-Identifier: BSD-3-Clause */
#include "fallback_frame.h"
#include "bytes.h"
#include <meridian/ntp.h>
#include <string.h>

#define ETHERNET_HEADER 14
#define IPV4_HEADER     20
#define IPV6_HEADER     40
#define UDP_HEADER      8
#define ETHERTYPE_IPV4  0x0800
#define ETHERTYPE_IPV6  0x86dd
#define PROTOCOL_UDP    17
#define HOP_LIMIT       64

_Static_assert(ETHERNET_HEADER + IPV6_HEADER + UDP_HEADER == FALLBACK_FRAME_HEADROOM, "headroom");

static const uint8_t our_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
static const uint8_t client_mac[6] = {0x02, 0, 0, 0, 0, 0x02};

static void ethernet_write(uint8_t *ethernet, uint16_t ethertype)
{
	memcpy(ethernet, our_mac, sizeof(our_mac));
	memcpy(ethernet + 6, client_mac, sizeof(client_mac));
	put_u16(ethernet + 12, ethertype);
}

static void ipv4_write(uint8_t *ip, uint16_t udp_length, const struct fallback_endpoints *endpoints)
{
	memset(ip, 0, IPV4_HEADER);
	ip[0] = 0x45;
	put_u16(ip + 2, (uint16_t)(IPV4_HEADER + udp_length));
	ip[8] = HOP_LIMIT;
	ip[9] = PROTOCOL_UDP;
	memcpy(ip + 12, endpoints->source, 4);
	memcpy(ip + 16, endpoints->destination, 4);
}

static void ipv6_write(uint8_t *ip, uint16_t udp_length, const struct fallback_endpoints *endpoints)
{
	memset(ip, 0, IPV6_HEADER);
	ip[0] = 0x60;
	put_u16(ip + 4, udp_length);
	ip[6] = PROTOCOL_UDP;
	ip[7] = HOP_LIMIT;
	memcpy(ip + 8, endpoints->source, 16);
	memcpy(ip + 24, endpoints->destination, 16);
}

/* A checksum of 0 means that there is none, which IPv6 forbids; the kernel has verified it. */
static void udp_write(uint8_t *udp, uint16_t udp_length, uint16_t source_port)
{
	put_u16(udp, source_port);
	put_u16(udp + 2, MERIDIAN_NTP_PORT);
	put_u16(udp + 4, udp_length);
	put_u16(udp + 6, UINT16_MAX);
}

void fallback_frame_build(struct frame *ret_frame, uint8_t *payload, uint16_t payload_length,
	const struct fallback_endpoints *endpoints)
{
	uint16_t udp_length = (uint16_t)(UDP_HEADER + payload_length);
	uint8_t *udp = payload - UDP_HEADER;
	uint8_t *ip = udp - (endpoints->ipv6 ? IPV6_HEADER : IPV4_HEADER);
	uint8_t *ethernet = ip - ETHERNET_HEADER;

	udp_write(udp, udp_length, endpoints->source_port);
	if (endpoints->ipv6) {
		ipv6_write(ip, udp_length, endpoints);
		ethernet_write(ethernet, ETHERTYPE_IPV6);
	} else {
		ipv4_write(ip, udp_length, endpoints);
		ethernet_write(ethernet, ETHERTYPE_IPV4);
	}
	*ret_frame = (struct frame){.data = ethernet,
		.length = (uint32_t)(payload - ethernet) + payload_length,
		.mac = frame_mac(our_mac),
		.checksum_good = true};
}

uint16_t fallback_frame_payload(const struct frame *frame, const uint8_t **ret_payload)
{
	const uint8_t *udp = frame->data + frame->udp;

	*ret_payload = udp + UDP_HEADER;
	return (uint16_t)(get_u16(udp + 4) - UDP_HEADER);
}
