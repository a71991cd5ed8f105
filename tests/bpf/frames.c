/* SPDX-License-Identifier: BSD-3-Clause */
#include "frames.h"
#include <assert.h>
#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define PROTOCOL_UDP   17
#define NTP_LENGTH     48

const uint8_t frame_ipv4[4] = {192, 0, 2, 1};
const uint8_t frame_ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

static uint8_t *put(struct frame *frame, const void *octets, uint32_t length)
{
	uint8_t *position = frame->octets + frame->length;

	assert(frame->length + length <= FRAME_SIZE_MAX);
	if (octets)
		memcpy(position, octets, length);
	else
		memset(position, 0, length);
	frame->length += length;
	return position;
}

static void put_u16(struct frame *frame, uint16_t value)
{
	put(frame, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put_ethernet(struct frame *frame, const struct frame_spec *spec)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

	put(frame, macs, sizeof(macs));
	for (size_t i = 0; i < 3 && spec->vlan[i]; i++) {
		put_u16(frame, spec->vlan[i]);
		put_u16(frame, (uint16_t)(100 + i));
	}
	if (spec->protocol)
		put_u16(frame, spec->protocol);
	else
		put_u16(frame, spec->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
}

static void put_ipv4(struct frame *frame, const struct frame_spec *spec)
{
	uint16_t length = (uint16_t)(20 + 4 * spec->options + 8 + NTP_LENGTH);
	uint8_t *ip = put(frame, NULL, 20);

	ip[0] = (uint8_t)((spec->version ? spec->version : 4) << 4 | (5 + spec->options));
	ip[2] = (uint8_t)(length >> 8);
	ip[3] = (uint8_t)length;
	ip[6] = (uint8_t)(spec->fragment >> 8);
	ip[7] = (uint8_t)spec->fragment;
	ip[8] = 64;
	ip[9] = spec->next_header ? (uint8_t)spec->next_header : PROTOCOL_UDP;
	memcpy(ip + 12, (const uint8_t[]){198, 51, 100, 7}, 4);
	memcpy(ip + 16, frame_ipv4, 4);
	if (spec->not_served)
		ip[19]++;
	put(frame, NULL, 4u * spec->options);
}

static void put_ipv6(struct frame *frame, const struct frame_spec *spec)
{
	uint8_t *ip = put(frame, NULL, 40);

	ip[0] = (uint8_t)((spec->version ? spec->version : 6) << 4);
	ip[5] = 8 + NTP_LENGTH;
	ip[6] = spec->next_header ? (uint8_t)spec->next_header : PROTOCOL_UDP;
	ip[7] = 64;
	memcpy(ip + 8, frame_ipv6, 16);
	ip[23] = 7;
	memcpy(ip + 24, frame_ipv6, 16);
	if (spec->not_served)
		ip[39]++;
	if (spec->next_header)
		put(frame, NULL, 8)[0] = PROTOCOL_UDP;
}

void frame_build(struct frame *frame, const struct frame_spec *spec)
{
	frame->length = 0;
	put_ethernet(frame, spec);
	if (spec->ipv6)
		put_ipv6(frame, spec);
	else
		put_ipv4(frame, spec);
	put_u16(frame, spec->source_port ? spec->source_port : 40000);
	put_u16(frame, spec->port ? spec->port : 123);
	put_u16(frame, 8 + NTP_LENGTH);
	put_u16(frame, 0);
	put(frame, NULL, NTP_LENGTH)[0] = 0x23;
}
