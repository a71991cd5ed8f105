/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BYTES_H
#define DATAPLANE_BYTES_H

/* Words at any address: as they lie in memory, and integers in network byte order. */

#include <stdint.h>
#include <string.h>

/* Words as they lie in memory, at any address. */
static inline uint64_t load_u64(const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

static inline uint32_t load_u32(const uint8_t *from)
{
	uint32_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

static inline void store_u64(uint8_t *to, uint64_t word)
{
	memcpy(to, &word, sizeof(word));
}

static inline void store_u32(uint8_t *to, uint32_t word)
{
	memcpy(to, &word, sizeof(word));
}

static inline void store_u16(uint8_t *to, uint16_t word)
{
	memcpy(to, &word, sizeof(word));
}

static inline uint16_t get_u16(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

static inline uint32_t get_u32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return __builtin_bswap32(value);
}

static inline uint64_t get_u64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return __builtin_bswap64(value);
}

static inline void put_u16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static inline void put_u32(uint8_t *to, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(to, &value, sizeof(value));
}

static inline void put_u64(uint8_t *to, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(to, &value, sizeof(value));
}

#endif
