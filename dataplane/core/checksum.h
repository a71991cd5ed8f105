/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CHECKSUM_H
#define DATAPLANE_CHECKSUM_H

/*
 * The Internet checksum (RFC 1071). Sums are of words as they lie in memory, of any width: a sum of
 * 64-bit words with end-around carry is one of 16-bit words as well, once it is folded. A sum is 0
 * only if every word was.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t checksum_add(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

struct checksum_two {
	uint64_t word[2];
} __attribute__((packed, may_alias));

struct checksum_four {
	uint64_t word[4];
} __attribute__((packed, may_alias));

/* Adds four words that are at hand. Compilers do not carry from one addition to the next by
 * themselves. */
static inline uint64_t checksum_add_each(
	uint64_t sum, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
#if defined(__x86_64__)
	__asm__("addq %1, %0\n\tadcq %2, %0\n\tadcq %3, %0\n\tadcq %4, %0\n\tadcq $0, %0"
		: "+&r"(sum)
		: "r"(a), "r"(b), "r"(c), "r"(d)
		: "cc");
	return sum;
#else
	return checksum_add(checksum_add(checksum_add(checksum_add(sum, a), b), c), d);
#endif
}

/* The same of four words in memory. */
static inline uint64_t checksum_add_four(uint64_t sum, const uint8_t *data)
{
#if defined(__x86_64__)
	const struct checksum_four *four = (const void *)data;

	__asm__("addq %1, %0\n\tadcq %2, %0\n\tadcq %3, %0\n\tadcq %4, %0\n\tadcq $0, %0"
		: "+r"(sum)
		: "m"(four->word[0]), "m"(four->word[1]), "m"(four->word[2]), "m"(four->word[3])
		: "cc");
#else
	uint64_t word[4];

	memcpy(word, data, sizeof(word));
	for (int i = 0; i < 4; i++)
		sum = checksum_add(sum, word[i]);
#endif
	return sum;
}

static inline uint64_t checksum_add_two(uint64_t sum, const uint8_t *data)
{
#if defined(__x86_64__)
	const struct checksum_two *two = (const void *)data;

	__asm__("addq %1, %0\n\tadcq %2, %0\n\tadcq $0, %0"
		: "+r"(sum)
		: "m"(two->word[0]), "m"(two->word[1])
		: "cc");
#else
	uint64_t word[2];

	memcpy(word, data, sizeof(word));
	sum = checksum_add(checksum_add(sum, word[0]), word[1]);
#endif
	return sum;
}

/* Adds `size` octets, a constant multiple of 8. */
static inline uint64_t checksum_add_words(uint64_t sum, const uint8_t *data, size_t size)
{
	uint64_t word;
	size_t i = 0;

#pragma GCC unroll 16
	for (; i + 4 * sizeof(word) <= size; i += 4 * sizeof(word))
		sum = checksum_add_four(sum, data + i);
#pragma GCC unroll 16
	for (; i + 2 * sizeof(word) <= size; i += 2 * sizeof(word))
		sum = checksum_add_two(sum, data + i);
#pragma GCC unroll 16
	for (; i < size; i += sizeof(word)) {
		memcpy(&word, data + i, sizeof(word));
		sum = checksum_add(sum, word);
	}
	return sum;
}

/* Adds `length` octets; an odd last one is padded with zero. */
static inline uint64_t checksum_add_octets(uint64_t sum, const uint8_t *data, size_t length)
{
	uint32_t word;

	for (; length >= sizeof(word); data += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		sum = checksum_add(sum, word);
	}
	word = 0;
	memcpy(&word, data, length);
	return checksum_add(sum, word);
}

/* The sum in 16 bits, not complemented: UINT16_MAX over what has its right checksum inside. Adding
 * a word to itself with its halves exchanged leaves the halves' sum, carry included, in the upper.
 */
static inline uint16_t checksum_fold(uint64_t sum)
{
	uint32_t half = (uint32_t)((sum + (sum >> 32 | sum << 32)) >> 32);

	return (uint16_t)((half + (half >> 16 | half << 16)) >> 16);
}

/* checksum_fold(sum) == UINT16_MAX, for a sum that is not 0: is it a multiple of UINT16_MAX? A
 * multiplication by the inverse modulo 2^64 gives the small quotients to multiples only. */
static inline bool checksum_good(uint64_t sum)
{
	return sum * UINT64_C(0xfffefffefffeffff) <= UINT64_MAX / UINT16_MAX;
}

/* What a UDP header carries for `sum`: 0 would mean that there is no checksum (RFC 768). */
static inline uint16_t checksum_udp_field(uint64_t sum)
{
	uint16_t field = (uint16_t)~checksum_fold(sum);

	return field == 0 ? UINT16_MAX : field;
}

#endif
