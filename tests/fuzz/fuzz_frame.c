/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Any octets at all as frames, through all ways of the reply path of a server that speaks NTPv5.
 *
 * Input: settings (WAYS_*, and REPAIR), then bursts of frames: ticks since the burst before (16
 * bits), a count, and for each frame its length (16 bits) and its octets.
 */

#include "fuzz.h"
#include "ways.h"

#define REPAIR 128 /* make addresses and checksums right, which chance does not find */

static uint32_t get16(const uint8_t *from)
{
	return (uint32_t)from[0] << 8 | from[1];
}

/* Sets the offsets as far as the frame goes; false where there are no checksums to repair. */
static bool find_headers(struct pkt *pkt)
{
	uint32_t at = 12;

	while (at + 4 <= pkt->length &&
		(get16(pkt->data + at) == 0x8100 || get16(pkt->data + at) == 0x88a8))
		at += 4;
	if (at + 2 + 40 + 8 > pkt->length)
		return false;
	pkt->ipv6 = get16(pkt->data + at) == 0x86dd;
	pkt->ip = at + 2;
	pkt->udp = pkt->ip + (pkt->ipv6 ? 40 : 20);
	return pkt->udp + get16(pkt->data + pkt->udp + 4) <= pkt->length;
}

static void repair(struct pkt *pkt)
{
	if (!find_headers(pkt))
		return;
	memcpy(pkt->data, pkt_server_mac, sizeof(pkt_server_mac));
	if (pkt->ipv6)
		memcpy(pkt->data + pkt->ip + 24, pkt_server_ipv6, sizeof(pkt_server_ipv6));
	else
		memcpy(pkt->data + pkt->ip + 16, pkt_server_ipv4, sizeof(pkt_server_ipv4));
	pkt_checksum(pkt);
}

static void take_frame(struct fuzz_input *input, struct pkt *ret_pkt, bool repaired)
{
	uint32_t length = fuzz_u16(input) % (PKT_MAX + 1);

	*ret_pkt = (struct pkt){.length = length < input->size ? length : (uint32_t)input->size};
	fuzz_take(input, ret_pkt->data, ret_pkt->length);
	if (repaired)
		repair(ret_pkt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pkt pkt[WAYS_FRAMES];
	struct fuzz_input input = {data, size};
	uint8_t settings = fuzz_u8(&input);
	struct ways *ways = ways_begin(settings | WAYS_NTPV5);

	while (input.size > 0) {
		uint32_t ticks = (uint32_t)fuzz_u16(&input) << 16;
		unsigned int count = 1 + fuzz_u8(&input) % WAYS_FRAMES;

		for (unsigned int i = 0; i < count; i++)
			take_frame(&input, &pkt[i], settings & REPAIR);
		ways_burst(ways, pkt, count, ticks);
		ways_burst_end(ways, count);
	}
	ways_end(ways);
	return 0;
}
