/* SPDX-License-Identifier: BSD-3-Clause */
#include "martian.h"
#include "bytes.h"

/* 0/8, 127/8, and from 224.0.0.0 up: multicast, class E and broadcast. */
static bool martian_ipv4(const uint8_t *address)
{
	return address[0] == 0 || address[0] == 127 || address[0] >= 224;
}

/* ff00::/8, and from the all-zero /64: ::, ::1 and IPv4-mapped addresses. */
static bool martian_ipv6(const uint8_t *address)
{
	uint64_t low = get_u64(address + 8);

	if (address[0] == 0xff)
		return true;
	return get_u64(address) == 0 && (low <= 1 || low >> 32 == UINT16_MAX);
}

bool martian_source(const uint8_t *address, bool ipv6)
{
	return ipv6 ? martian_ipv6(address) : martian_ipv4(address);
}
