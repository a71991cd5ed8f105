/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_CHECKSUM_H
#define LOAD_CHECKSUM_H

/* The Internet checksum (RFC 1071) of words as they lie in memory. Sums may be added to one
 * another and folded at the end. All pure. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t checksum_add_u64(uint64_t sum, uint64_t value)
{
	return sum + (value & UINT32_MAX) + (value >> 32);
}

/* Adds `length` octets; an odd last one is padded with zero. */
static inline uint64_t checksum_add(uint64_t sum, const uint8_t *data, size_t length)
{
	uint64_t word = 0;

	for (; length >= sizeof(word); data += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		sum = checksum_add_u64(sum, word);
	}
	word = 0;
	for (size_t i = 0; i < length; i++)
		word |= (uint64_t)data[i] << 8 * i;
	return checksum_add_u64(sum, word);
}

/* Adds `count` times 4 octets. For a constant number, which is unrolled. */
static inline __attribute__((always_inline)) uint64_t checksum_add_words(
	uint64_t sum, const uint8_t *data, unsigned int count)
{
	__extension__ unsigned __int128 wide = sum;
	uint64_t pair;
	uint32_t word;

#pragma GCC unroll 16
	for (; count >= 2; data += sizeof(pair), count -= 2) {
		memcpy(&pair, data, sizeof(pair));
		wide += pair;
	}
	if (count > 0) {
		memcpy(&word, data, sizeof(word));
		wide += word;
	}
	return checksum_add_u64((uint64_t)(wide >> 64), (uint64_t)wide);
}

/* The sum in 16 bits, as it lies in memory: 0xffff over data with a good checksum inside. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & UINT32_MAX);
	sum = (sum >> 16) + (sum & UINT16_MAX);
	sum = (sum >> 16) + (sum & UINT16_MAX);
	sum = (sum >> 16) + (sum & UINT16_MAX);
	return (uint16_t)sum;
}

static inline void checksum_put(uint8_t *to, uint64_t sum)
{
	uint16_t checksum = (uint16_t)~checksum_fold(sum);

	memcpy(to, &checksum, sizeof(checksum));
}

/* A UDP checksum of 0 would say that there is none. */
static inline void checksum_put_udp(uint8_t *to, uint64_t sum)
{
	uint16_t checksum = (uint16_t)~checksum_fold(sum);

	if (checksum == 0)
		checksum = UINT16_MAX;
	memcpy(to, &checksum, sizeof(checksum));
}

#endif
