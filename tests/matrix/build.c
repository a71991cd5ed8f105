/* SPDX-License-Identifier: BSD-3-Clause */
#include "matrix.h"
#include <arpa/inet.h>
#include <assert.h>
#include <mac.h>
#include <string.h>

#define FRAGMENT_SPLIT   24 /* octets of the datagram in the first fragment */
#define FRAGMENT_HEADER  44
#define EXTENSION_LENGTH 8
#define NTP_LENGTH       48

/* A piece of memory that grows at its end. */
struct octets {
	uint8_t *data;
	uint32_t length;
};

static uint8_t *put(struct octets *to, const void *data, uint32_t length)
{
	uint8_t *at = to->data + to->length;

	assert(to->length + length <= MATRIX_FRAME_MAX);
	if (data)
		memcpy(at, data, length);
	else
		memset(at, 0, length);
	to->length += length;
	return at;
}

static void set16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void set32(uint8_t *to, uint32_t value)
{
	set16(to, value >> 16);
	set16(to + 2, value);
}

static uint32_t sum(uint32_t before, const uint8_t *data, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) {
		before += i % 2 ? data[i] : (uint32_t)data[i] << 8;
		before = (before & 0xffff) + (before >> 16);
	}
	return before;
}

struct address {
	uint8_t octets[16];
	uint32_t length;
};

static struct address parse(const char *text, bool ipv6)
{
	struct address address = {.length = ipv6 ? 16 : 4};
	int r = inet_pton(ipv6 ? AF_INET6 : AF_INET, text, address.octets);

	assert(r == 1);
	(void)r;
	return address;
}

static struct address source(const struct matrix_row *row)
{
	if (row->source)
		return parse(row->source, row->ipv6);
	return parse(row->ipv6 ? MATRIX_CLIENT_IPV6 : MATRIX_CLIENT_IPV4, row->ipv6);
}

static struct address destination(const struct matrix_row *row)
{
	if (row->destination)
		return parse(row->destination, row->ipv6);
	return parse(row->ipv6 ? MATRIX_SERVER_IPV6 : MATRIX_SERVER_IPV4, row->ipv6);
}

static uint8_t first_octet(const struct matrix_row *row)
{
	return (uint8_t)(row->first ? row->first : MATRIX_NTP(4, 3));
}

uint8_t matrix_reply_first(const struct matrix_row *row)
{
	uint8_t first = first_octet(row);

	return (uint8_t)((first & 0x38) | ((first & 7) == 1 ? 2 : 4));
}

enum meridian_verdict matrix_verdict_ntpv5(const struct matrix_row *row)
{
	return row->ntpv5 == MERIDIAN_VERDICT_answered ? row->verdict : row->ntpv5;
}

static void put_draft(struct octets *to, const char *draft, uint8_t more)
{
	uint32_t text = (uint32_t)strlen(draft), length = 4 + text + more;
	uint8_t *field = put(to, NULL, (length + 3) & ~UINT32_C(3));

	set16(field, 0xf5ff);
	set16(field + 2, length);
	memcpy(field + 4, draft, text);
}

static void put_fields(struct octets *to, const struct matrix_row *row)
{
	if (row->draft)
		put_draft(to, row->draft, row->draft_more);
	for (size_t i = 0; i < 4 && row->field[i]; i++) {
		uint8_t *field = put(to, NULL, row->field[i]);

		set16(field, row->field_type ? row->field_type : 0x0104);
		set16(field + 2, i == 0 && row->claim ? row->claim : row->field[i]);
	}
}

static void sign(uint8_t *packet, size_t length, uint16_t mac)
{
	static const char secret[] = MATRIX_KEY_SECRET;
	struct mac_key key;
	int r = mac_key_init(
		&key, MATRIX_KEY, MERIDIAN_KEY_SHA256, (const uint8_t *)secret, sizeof(secret) - 1);

	assert(r == 0);
	(void)r;
	mac_write(&key, packet, length, mac);
}

static void put_ntp(struct octets *to, const struct matrix_row *row, uint64_t transmit)
{
	uint8_t header[NTP_LENGTH] = {first_octet(row), 0, (uint8_t)row->poll, 0xe8};
	uint32_t length = row->length ? (uint16_t)row->length : NTP_LENGTH;
	uint8_t *ntp, *rest;

	if (!row->no_transmit) {
		uint8_t *at = header + ((header[0] >> 3 & 7) == 5 ? 24 : 40);

		set32(at, (uint32_t)(transmit >> 32));
		set32(at + 4, (uint32_t)transmit);
	}
	if (row->upgrade)
		memcpy(header + 16, "NTP5DRFT", 8);
	ntp = put(to, header, length);
	put_fields(to, row);
	rest = put(to, NULL, row->rest);
	if (row->key)
		set32(rest, row->key);
	if (row->is_signed)
		sign(ntp, (size_t)(rest - ntp), row->rest);
}

/* Over what the length says, or over all there is if that is less. */
static uint32_t udp_checksum(
	const struct matrix_row *row, const struct octets *datagram, uint32_t length)
{
	struct address from = source(row), to = destination(row);
	uint32_t covered = length >= 8 && length < datagram->length ? length : datagram->length;
	uint32_t value = sum(17 + covered, from.octets, from.length);

	value = sum(value, to.octets, to.length);
	value = ~sum(value, datagram->data, covered) & 0xffff;
	return value ? value : 0xffff;
}

static uint16_t port(uint32_t value, uint16_t otherwise)
{
	return value ? (uint16_t)value : otherwise;
}

static void put_udp(struct octets *to, const struct matrix_row *row, uint64_t transmit)
{
	uint8_t *header = put(to, NULL, 8);
	uint32_t length;

	put_ntp(to, row, transmit);
	length = (uint32_t)((int)to->length + row->udp_more);
	set16(header, port(row->source_port, 40123));
	set16(header + 2, port(row->port, 123));
	set16(header + 4, length);
	if (row->udp_checksum != MATRIX_CHECKSUM_NONE)
		set16(header + 6,
			udp_checksum(row, to, length) ^
				(row->udp_checksum == MATRIX_CHECKSUM_WRONG ? 0x0100 : 0));
	memset(put(to, NULL, row->surplus), 0x5a, row->surplus);
}

static uint8_t protocol(const struct matrix_row *row)
{
	return row->protocol ? row->protocol : 17;
}

static void put_ipv4(struct octets *to, const struct matrix_row *row, uint16_t fragment,
	const uint8_t *payload, uint32_t length)
{
	struct address from = source(row), target = destination(row);
	uint32_t words = 5u + row->option_words;
	uint8_t *ip = put(to, NULL, 4 * words);

	ip[0] = (uint8_t)((row->version ? row->version : 4) << 4 | (row->ihl ? row->ihl : words));
	set16(ip + 2, (uint32_t)((int)(4 * words + length) + row->ip_more));
	set16(ip + 4, row->fragment ? 0x4d46 : 0x4d45); /* lone ones must not join others */
	set16(ip + 6, fragment);
	ip[8] = 64;
	ip[9] = protocol(row);
	memcpy(ip + 12, from.octets, 4);
	memcpy(ip + 16, target.octets, 4);
	if (row->options)
		memcpy(ip + 20, row->options, 4u * row->option_words);
	set16(ip + 10,
		(~sum(0, ip, 4 * words) & 0xffff) ^
			(row->ip_checksum == MATRIX_CHECKSUM_WRONG ? 0x0100 : 0));
	put(to, payload, length);
}

/* An extension header of 8 octets: a fragment's, or options of which there is one, PadN. */
static void put_extension(struct octets *to, uint8_t type, uint16_t fragment)
{
	uint8_t *header = put(to, NULL, EXTENSION_LENGTH);

	header[0] = 17;
	if (type == FRAGMENT_HEADER) {
		set16(header + 2, fragment);
		set32(header + 4, 0x4d45);
		return;
	}
	header[2] = 1;
	header[3] = 4;
}

static void put_ipv6(struct octets *to, const struct matrix_row *row, uint16_t extension,
	uint16_t fragment, const uint8_t *payload, uint32_t length)
{
	struct address from = source(row), target = destination(row);
	uint32_t extra = extension ? EXTENSION_LENGTH : 0;
	uint8_t *ip = put(to, NULL, 40);

	ip[0] = (uint8_t)((row->version ? row->version : 6) << 4);
	set16(ip + 4, (uint32_t)((int)(length + extra) + row->ip_more));
	ip[6] = extension ? (uint8_t)extension : protocol(row);
	ip[7] = 64;
	memcpy(ip + 8, from.octets, 16);
	memcpy(ip + 24, target.octets, 16);
	if (extension)
		put_extension(to, (uint8_t)extension, fragment);
	put(to, payload, length);
}

static void put_ethernet(
	struct octets *to, const struct matrix_row *row, const struct matrix_wire *wire)
{
	static const uint8_t other[][6] = {
		[MATRIX_MAC_OTHER] = {0x02, 0, 0, 0, 0xbe, 0xef},
		[MATRIX_MAC_BROADCAST] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		[MATRIX_MAC_MULTICAST] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01},
	};
	uint8_t type[2];

	put(to, row->mac == MATRIX_MAC_OURS ? wire->server_mac : other[row->mac], 6);
	put(to, wire->client_mac, 6)[0] |= row->group_source;
	for (size_t i = 0; i < 3 && row->tag[i].tpid; i++) {
		uint8_t *tag = put(to, NULL, 4);

		set16(tag, row->tag[i].tpid);
		set16(tag + 2, row->tag[i].tci);
	}
	set16(type, row->ethertype ? row->ethertype : row->ipv6 ? 0x86dd : 0x0800);
	put(to, type, 2);
}

/* A frame with `length` octets of the datagram from `offset` on; MATRIX_NEXT(44): a fragment. */
static void build_frame(struct matrix_frame *frame, const struct matrix_row *row,
	const struct matrix_wire *wire, const uint8_t *payload, uint32_t length, uint16_t extension,
	uint16_t fragment)
{
	struct octets to = {.data = frame->octets};

	put_ethernet(&to, row, wire);
	if (row->ipv6)
		put_ipv6(&to, row, extension, fragment, payload, length);
	else
		put_ipv4(&to, row, fragment, payload, length);
	frame->ntp = row->fragments ? 0 : to.length - length + 8;
	put(&to, NULL, row->padding);
	frame->length = to.length;
}

unsigned int matrix_build(const struct matrix_row *row, const struct matrix_wire *wire,
	uint64_t transmit, struct matrix_frame frame[MATRIX_FRAMES_MAX])
{
	const uint16_t next = MATRIX_NEXT(FRAGMENT_HEADER), split = FRAGMENT_SPLIT;
	uint8_t memory[MATRIX_FRAME_MAX];
	struct octets datagram = {.data = memory};

	put_udp(&datagram, row, transmit);
	if (!row->fragments) {
		build_frame(
			frame, row, wire, memory, datagram.length, row->extension, row->fragment);
		return 1;
	}
	/* The offset counts in 8 octets; in IPv6 it stands above three bits of flags. */
	build_frame(&frame[0], row, wire, memory, split, next, row->ipv6 ? 1 : 0x2000);
	build_frame(&frame[1], row, wire, memory + split, datagram.length - split, next,
		row->ipv6 ? split : split / 8);
	return 2;
}
