/* SPDX-License-Identifier: BSD-3-Clause */
#include "refid.h"
#include <meridian/policy.h>
#include <nettle/md5.h>

static uint32_t read_be32(const uint8_t *octets)
{
	return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 |
		octets[3];
}

uint32_t refid_of_address(const uint8_t *octets, uint8_t family)
{
	struct md5_ctx md5;
	uint8_t digest[MD5_DIGEST_SIZE];

	if (family == MERIDIAN_FAMILY_IPV4)
		return read_be32(octets);
	if (family != MERIDIAN_FAMILY_IPV6)
		return 0;
	md5_init(&md5);
	md5_update(&md5, 16, octets);
	md5_digest(&md5, sizeof(digest), digest);
	return read_be32(digest);
}
