/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_TOKEN_H
#define LOAD_TOKEN_H

/*
 * The timestamp of a request that its reply echoes, and all that is known about a request: its
 * number modulo 2^26, when it was due (modulo 2^32 units of 8 ticks), which field it stood in, and
 * check bits. Scrambled, so that it looks like the random timestamp of a careful client. All pure.
 */

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_NUMBER_BITS 26
#define TOKEN_NUMBER_MASK ((UINT64_C(1) << TOKEN_NUMBER_BITS) - 1)
#define TOKEN_CHECK       UINT64_C(0x15) /* 5 bits */
#define TOKEN_TICKS_LOG2  3              /* ticks in a unit of time */

/* Odd, and their inverses modulo 2^64. */
#define TOKEN_FACTOR_1  UINT64_C(0xbf58476d1ce4e5b9)
#define TOKEN_INVERSE_1 UINT64_C(0x96de1b173f119089)
#define TOKEN_FACTOR_2  UINT64_C(0x94d049bb133111eb)
#define TOKEN_INVERSE_2 UINT64_C(0x319642b2d24d8ec3)

struct token {
	uint32_t number; /* of the request, modulo 2^26 */
	uint32_t due;    /* low bits of units of time */
	bool receive;    /* stood in the receive field: an interleaved reply echoes that one */
};

static inline uint64_t token_make(uint64_t key, uint64_t number, uint64_t due_units, bool receive)
{
	uint64_t x = TOKEN_CHECK << 59 | (number & TOKEN_NUMBER_MASK) << 33 |
		(uint64_t)receive << 32 | (due_units & UINT32_MAX);

	x = (x ^ key) * TOKEN_FACTOR_1;
	x ^= x >> 32;
	return x * TOKEN_FACTOR_2;
}

/* Whether `value` can have come from token_make(); one in 32 of all numbers can. */
static inline bool token_open(uint64_t key, uint64_t value, struct token *ret_token)
{
	uint64_t x = value * TOKEN_INVERSE_2;

	x ^= x >> 32;
	x = x * TOKEN_INVERSE_1 ^ key;
	ret_token->number = (uint32_t)(x >> 33 & TOKEN_NUMBER_MASK);
	ret_token->due = (uint32_t)x;
	ret_token->receive = x >> 32 & 1;
	return x >> 59 == TOKEN_CHECK;
}

#endif
