/* SPDX-License-Identifier: BSD-3-Clause */
#include "corpus.h"
#include <string.h>

void corpus_request(struct seed *seed, struct pkt *ret_pkt)
{
	static const uint16_t ports[] = {0, 123, 1, 53, 65535};
	static const uint8_t first[] = {0x23, 0x1b, 0x13, 0x0b, 0x08, 0x21, 0x19, 0x24, 0x22, 0x16};
	struct pkt_spec spec = {.ipv6 = seed_below(seed, 2),
		.vlan_tags = (int)seed_below(seed, 4),
		.sport = ports[seed_below(seed, 5)],
		.padding = (uint16_t)seed_below(seed, 30),
		.no_udp_checksum = seed_below(seed, 8) == 0};
	uint8_t payload[512];
	size_t length = PKT_NTP_SIZE;

	pkt_ntp(payload, first[seed_below(seed, sizeof(first))], seed_next(seed));
	if (seed_below(seed, 8) == 0)
		memcpy(payload + 16, "NTP5DRFT", 8);
	for (uint32_t n = seed_below(seed, 3); n > 0; n--)
		length = pkt_extension(payload, length, (uint16_t)seed_below(seed, 65536),
			(uint16_t)(16 + 4 * seed_below(seed, 20)));
	if (seed_below(seed, 4) == 0) {
		memset(payload + length, 0, 24);
		length += seed_below(seed, 25);
	}
	pkt_build(ret_pkt, spec, payload, length);
}

void corpus_common(struct seed *seed, struct pkt *ret_pkt)
{
	uint8_t payload[PKT_NTP_SIZE];
	uint8_t version = (uint8_t)(seed_below(seed, 8) << 3);
	struct pkt_spec spec = {.ipv6 = seed_below(seed, 2),
		.sport = (uint16_t)(1 + seed_below(seed, 65535)),
		.padding = (uint16_t)(seed_below(seed, 3) * 6)};

	pkt_ntp(payload, version | 3, seed_next(seed));
	payload[2] = (uint8_t)seed_next(seed);
	pkt_build(ret_pkt, spec, payload, sizeof(payload));
}

void corpus_flood(struct seed *seed, struct pkt *ret_pkt)
{
	uint32_t client;

	corpus_common(seed, ret_pkt);
	client = ret_pkt->ip + (ret_pkt->ipv6 ? 8 + 15 : 12 + 3); /* last octet of its address */
	ret_pkt->data[client] ^= (uint8_t)seed_below(seed, 3);
	ret_pkt->data[ret_pkt->payload] = 0x23;
	pkt_checksum(ret_pkt);
}

/* The draft's name first or last, and once in a while another one. */
static size_t put_draft(struct seed *seed, uint8_t *payload, size_t at)
{
	static const char draft[] = "draft-ietf-ntp-ntpv5-09";
	const size_t length = sizeof(draft) - 1;

	pkt_extension(payload, at, 0xf5ff, 28);
	payload[at + 3] = (uint8_t)(4 + length);
	memcpy(payload + at + 4, draft, length);
	payload[at + 4 + length] = 0;
	payload[at + 3 + length] ^= seed_below(seed, 8) == 0;
	return at + 28;
}

void corpus_ntpv5(struct seed *seed, const struct keyring *keyring, struct pkt *ret_pkt)
{
	struct pkt_spec spec = {.ipv6 = seed_below(seed, 2), .vlan_tags = (int)seed_below(seed, 2)};
	bool first = seed_below(seed, 2);
	uint8_t payload[512];
	size_t length = PKT_NTP_SIZE;

	pkt_ntp(payload, 0x2b, 0);
	for (int i = 24; i < 32; i++)
		payload[i] = (uint8_t)seed_next(seed);
	payload[12] = (uint8_t)seed_below(seed, 5); /* timescale */
	payload[15] = (uint8_t)seed_below(seed, 8); /* flags */
	if (first)
		length = put_draft(seed, payload, length);
	for (uint32_t n = seed_below(seed, 4); n > 0; n--) {
		size_t at = length;

		length = pkt_extension(payload, length, (uint16_t)(0xf501 + seed_below(seed, 10)),
			(uint16_t)(4 + 4 * seed_below(seed, 24)));
		payload[at + 3] -= (uint8_t)(length - at > 4 ? seed_below(seed, 4) : 0);
	}
	if (!first)
		length = put_draft(seed, payload, length);
	if (keyring != NULL && seed_below(seed, 2)) {
		length = fixture_sign(
			keyring, payload, length, mac_type_at(seed_below(seed, 12))->number);
		payload[40] ^= seed_below(seed, 8) == 0;
		if (seed_below(seed, 4) == 0)
			length = pkt_extension(payload, length, 0xf506, 28);
	}
	pkt_build(ret_pkt, spec, payload, length);
}

void corpus_signed(struct seed *seed, const struct keyring *keyring, struct pkt *ret_pkt)
{
	uint32_t id = mac_type_at(seed_below(seed, 12))->number;
	uint8_t version = (uint8_t)(3 + seed_below(seed, 2));
	struct pkt_spec spec = {.ipv6 = seed_below(seed, 2), .vlan_tags = (int)seed_below(seed, 2)};
	uint8_t payload[PKT_NTP_SIZE + 32 + MAC_MAX];
	size_t length = PKT_NTP_SIZE;

	pkt_ntp(payload, (uint8_t)(version << 3 | 3), seed_next(seed));
	if (seed_below(seed, 2)) {
		payload[31] = 1; /* of the origin timestamp */
		payload[39] = (uint8_t)seed_next(seed);
	}
	if (version == 4 && seed_below(seed, 4) == 0)
		length = pkt_extension(payload, length, 0x0104, 32);
	length = fixture_sign(keyring, payload, length, id);
	payload[40] ^= seed_below(seed, 8) == 0;
	pkt_build(ret_pkt, spec, payload, length);
}

void corpus_any(struct seed *seed, const struct keyring *keyring, struct pkt *ret_pkt)
{
	if (seed_below(seed, 4) == 0)
		corpus_signed(seed, keyring, ret_pkt);
	else if (seed_below(seed, 4) == 0)
		corpus_ntpv5(seed, keyring, ret_pkt);
	else
		corpus_request(seed, ret_pkt);
}

void corpus_damage(struct seed *seed, struct pkt *pkt)
{
	for (uint32_t n = seed_below(seed, 4); n > 0; n--)
		pkt->data[seed_below(seed, pkt->length)] ^= (uint8_t)(1u << seed_below(seed, 8));
	if (seed_below(seed, 4) == 0)
		pkt->data[seed_below(seed, pkt->payload + 1)] = (uint8_t)seed_below(seed, 256);
	if (seed_below(seed, 2) == 0 && pkt->data[pkt->udp + 4] < 4)
		pkt_checksum(pkt);
	if (seed_below(seed, 8) == 0)
		pkt->length = seed_below(seed, pkt->length + 40);
}
