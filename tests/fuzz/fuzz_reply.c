/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A client that talks: well-formed requests of every kind, then with damage, and what a client may
 * make of the replies. All ways of the reply path.
 *
 * Input: settings (WAYS_*), shape (SHAPE_*), source port, padding, the 48 octets of the request,
 * the length of what follows the header and its octets; then rounds, of an octet of ROUND_* and
 * their operands.
 */

#include "fuzz.h"
#include "ways.h"

#define SHAPE_IPV6        1
#define SHAPE_NO_CHECKSUM 2
#define SHAPE_VLAN_SHIFT  2 /* two bits: tags */
#define SHAPE_SIGNED      16
#define SHAPE_KEY_SHIFT   5 /* three bits: type */

#define ROUND_DAMAGE   1 /* an octet is changed: offset, exclusive or */
#define ROUND_CHECKSUM 2 /* and the checksums are made right again */
#define ROUND_FOLLOW   4 /* origin and receive timestamps as for RFC 9769 */
#define ROUND_TWICE    8 /* the request comes twice in the burst */

struct client {
	struct pkt_spec spec;
	uint8_t payload[PKT_MAX];
	uint32_t length;
	uint32_t key; /* ID; 0: not signed */
};

static void client_take(struct fuzz_input *input, struct client *ret_client)
{
	static const uint8_t keys[8] = {MERIDIAN_KEY_MD5, MERIDIAN_KEY_SHA1, MERIDIAN_KEY_SHA256,
		MERIDIAN_KEY_SHA512, MERIDIAN_KEY_SHA3_256, MERIDIAN_KEY_AES128,
		MERIDIAN_KEY_AES256, MERIDIAN_KEY_SHA512_256};
	uint8_t shape = fuzz_u8(input);
	uint32_t trailer;

	ret_client->spec = (struct pkt_spec){.ipv6 = shape & SHAPE_IPV6,
		.no_udp_checksum = shape & SHAPE_NO_CHECKSUM,
		.vlan_tags = shape >> SHAPE_VLAN_SHIFT & 3,
		.sport = fuzz_u16(input),
		.padding = fuzz_u8(input) % 32};
	fuzz_take(input, ret_client->payload, PKT_NTP_SIZE);
	ret_client->key = shape & SHAPE_SIGNED ? keys[shape >> SHAPE_KEY_SHIFT] : 0;
	trailer = fuzz_u16(input) % 1200;
	ret_client->length = PKT_NTP_SIZE + trailer;
	fuzz_take(input, ret_client->payload + PKT_NTP_SIZE, trailer);
}

static void damage(struct fuzz_input *input, struct pkt *pkt, uint8_t round)
{
	uint32_t offset = fuzz_u16(input);

	pkt->data[offset % pkt->length] ^= fuzz_u8(input);
	if (round & ROUND_CHECKSUM &&
		pkt->udp + ((uint32_t)pkt->data[pkt->udp + 4] << 8 | pkt->data[pkt->udp + 5]) <=
			pkt->length)
		pkt_checksum(pkt);
}

/* What a client in interleaved mode sends next: the reply's T2 as origin, or the cookie. */
static void follow(struct client *client, const struct frame *reply)
{
	const uint8_t *ntp = reply->data + reply->payload;

	if ((ntp[0] >> 3 & 7) == 5) {
		memcpy(client->payload + 16, ntp + 16, 8);
		client->payload[31]++; /* its own cookie */
		return;
	}
	memcpy(client->payload + 24, ntp + 32, 8);
	memcpy(client->payload + 32, ntp + 40, 8);
	client->payload[47]++; /* a request of its own */
}

static void talk(struct fuzz_input *input, struct ways *ways, struct client *client)
{
	static struct pkt pkt[2];
	uint8_t round = fuzz_u8(input);
	unsigned int count = round & ROUND_TWICE ? 2 : 1;
	size_t length = client->length;

	if (client->key != 0)
		length = fixture_sign(ways->keyring, client->payload, length, client->key);
	pkt_build(&pkt[0], client->spec, client->payload, length);
	if (round & ROUND_DAMAGE)
		damage(input, &pkt[0], round);
	pkt[1] = pkt[0];
	ways_burst(ways, pkt, count, (uint32_t)round << 20);
	if (round & ROUND_FOLLOW && fixture_answers(ways->way[0].verdict[0]))
		follow(client, &ways->way[0].f[0].frame);
	ways_burst_end(ways, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct ways *ways = ways_begin(fuzz_u8(&input));
	struct client client;

	client_take(&input, &client);
	do
		talk(&input, ways, &client);
	while (input.size > 0);
	ways_end(ways);
	return 0;
}
