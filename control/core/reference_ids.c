/* SPDX-License-Identifier: BSD-3-Clause */
#include "reference_ids.h"
#include <meridian/policy.h>
#include <nettle/md5.h>

#define NUMBERS     10
#define NUMBER_BITS 12

void reference_ids_add(struct reference_ids *ids, const uint8_t id[static REFERENCE_ID_SIZE])
{
	for (unsigned int i = 0; i < NUMBERS; i++) {
		unsigned int at = i * NUMBER_BITS / 8; /* begins with this octet, or within it */
		unsigned int pair = (unsigned int)id[at] << 8 | id[at + 1];
		unsigned int number = i % 2 == 0 ? pair >> 4 : pair & 0xfff;

		ids->filter[number / 8] |= (uint8_t)(1u << number % 8);
	}
}

static void add_digest(struct reference_ids *ids, const uint8_t *octets, size_t length)
{
	struct md5_ctx md5;
	uint8_t digest[MD5_DIGEST_SIZE];

	md5_init(&md5);
	md5_update(&md5, length, octets);
	md5_digest(&md5, sizeof(digest), digest);
	reference_ids_add(ids, digest);
}

void reference_ids_add_server(struct reference_ids *ids, const uint8_t *octets, uint8_t family)
{
	if (family == MERIDIAN_FAMILY_IPV4)
		add_digest(ids, octets, 4);
	else if (family == MERIDIAN_FAMILY_IPV6)
		add_digest(ids, octets, 16);
}

void reference_ids_add_clock(struct reference_ids *ids, uint32_t refid)
{
	const uint8_t octets[4] = {(uint8_t)(refid >> 24), (uint8_t)(refid >> 16),
		(uint8_t)(refid >> 8), (uint8_t)refid};

	add_digest(ids, octets, sizeof(octets));
}
