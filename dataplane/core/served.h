/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SERVED_H
#define DATAPLANE_SERVED_H

/*
 * The set of addresses we answer at: one hash set per family, open addressing with linear probing.
 * At most a quarter of the slots is taken, and of a set of up to 4 addresses a sixteenth, so that
 * both "yes" and "no" are nearly always the first slot's answer. 4 octets times 4 to 8 for each
 * IPv4 address, 16 octets times 4 to 8 for each of IPv6.
 */

#include <meridian/policy.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A register of 64 octets full. */
#define SERVED_FEW_IPV4 16
#define SERVED_FEW_IPV6 4

/* An IPv6 address as it lies in memory. */
struct served_ipv6 {
	uint64_t half[2];
};

/* Immutable after served_init(). A slot is free when it holds the address `free_*`, which is not
 * in the set. */
struct served {
	uint32_t *ipv4; /* in memory order */
	struct served_ipv6 *ipv6;
	uint32_t free_ipv4;
	struct served_ipv6 free_ipv6;
	uint32_t mask_ipv4, mask_ipv6;  /* slots - 1 */
	uint8_t shift_ipv4, shift_ipv6; /* 64 - log2(slots) */

	/* All of a family again if they are few, to be looked at in one go. Each place holds one
	 * of them. */
	bool has_few_ipv4, has_few_ipv6;
	uint32_t few_ipv4[SERVED_FEW_IPV4];
	struct served_ipv6 few_ipv6[SERVED_FEW_IPV6];
};

/* Copies `count` addresses of a checked policy; one may stand twice. Allocates. Returns 0, or
 * -ENOMEM with nothing to free. */
int served_init(
	struct served *served, const struct meridian_policy_address *addresses, size_t count);
void served_fini(struct served *served);

/* Where the search for an address begins: Fibonacci hashing takes neighbours far apart. */
static inline uint32_t served_home_ipv4(const struct served *served, uint32_t address)
{
	return (uint32_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> served->shift_ipv4);
}

static inline uint32_t served_home_ipv6(const struct served *served, struct served_ipv6 address)
{
	uint64_t mixed = address.half[0] * UINT64_C(0x9e3779b97f4a7c15) +
		address.half[1] * UINT64_C(0xd6e8feb86659fd93);

	return (uint32_t)(mixed >> served->shift_ipv6);
}

static inline bool served_same_ipv6(struct served_ipv6 a, struct served_ipv6 b)
{
	return ((a.half[0] ^ b.half[0]) | (a.half[1] ^ b.half[1])) == 0;
}

/* Is the address, as it lies in memory, one of ours? Pure. */
__attribute__((always_inline)) static inline bool served_contains_ipv4(
	const struct served *served, uint32_t address)
{
	uint32_t i = served_home_ipv4(served, address);

	for (; served->ipv4[i] != served->free_ipv4; i = (i + 1) & served->mask_ipv4) {
		if (served->ipv4[i] == address)
			return true;
	}
	return false;
}

/* The same for 16 octets in network order. */
__attribute__((always_inline)) static inline bool served_contains_ipv6(
	const struct served *served, const uint8_t octets[16])
{
	struct served_ipv6 address;
	uint32_t i;

	memcpy(&address, octets, sizeof(address));
	i = served_home_ipv6(served, address);
	for (; !served_same_ipv6(served->ipv6[i], served->free_ipv6);
		i = (i + 1) & served->mask_ipv6) {
		if (served_same_ipv6(served->ipv6[i], address))
			return true;
	}
	return false;
}

/* `address` is 4 or 16 octets in network order. Pure. */
bool served_contains(const struct served *served, const uint8_t *address, bool ipv6);

#endif
