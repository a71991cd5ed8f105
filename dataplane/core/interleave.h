/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_INTERLEAVE_H
#define DATAPLANE_INTERLEAVE_H

/*
 * What the server remembers for interleaved mode (RFC 9769 section 2): when a reply really left,
 * which is known only after it did, for the client to be told in the next one.
 *
 * A client refers to a reply by its receive timestamp, T2. The table is a cache of such replies in
 * memory of fixed size, one for all workers of a process: a client's source port changes from
 * request to request, and with it the worker that hears it, so that whoever saves a time is seldom
 * who needs it. An entry says when one reply left, to one client, by one course of the clock: the
 * count of the clock's steps is part of what it is found by. It is given out once.
 *
 * Two words make an entry. One is the transmit time, the other the same time XORed with a hash of
 * all that the entry belongs to. So an entry proves itself: only who has that hash finds it, and
 * two halves of different entries belong to nobody, but for one pair in 2^64. That is why workers
 * need no lock. Taking an entry is one compare-and-swap of the second word, which only one worker
 * can win. Writing one is a store of the first word and a compare-and-swap of the second, from what
 * was found there: of two workers who write to one place at once, one gives up, and what is left
 * may be halves of both. What one reads while another writes is at worst not found, and then its
 * client gets a basic reply.
 *
 * Two replies to one client (or two behind one address) with the same T2, of two queues, could be
 * mistaken for each other: whoever has saved, or found no place, looks for a twin, and then both
 * are dropped. Of two that save at the same time, both swap before they look, and all see these
 * swaps in one order (sequentially consistent), so at least one of them sees the other.
 *
 * Who fills the table: an entry that its client has earned, by returning the T2 of a reply that it
 * must have received, stays for INTERLEAVE_KEPT_S unless it is taken, or the clock is set, after
 * which nobody finds it, or it is the oldest of a set that is full of such entries when one more is
 * earned; a new client's only until its place is needed. So forged sources cannot displace a client
 * that is being served; nor can a real one fill more than the sets of its IPv4 address or IPv6 /48,
 * what one site has, which it cannot choose. Where there is no place, the client gets basic
 * replies.
 */

#include "bytes.h"
#include "fold.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERLEAVE_WAYS   8
#define INTERLEAVE_SPREAD 8    /* sets of one source, at least, */
#define INTERLEAVE_SHARE  1024 /* or this part of all */

#define INTERLEAVE_KEPT_S 2048 /* twice the longest usual poll interval, 2^10 s */

struct interleave_entry {
	uint64_t check;    /* hash ^ transmit; 0: free */
	uint64_t transmit; /* T3, which is even, and INTERLEAVE_EARNED */
};
#define INTERLEAVE_EARNED UINT64_C(1)

struct interleave_set {
	struct interleave_entry entry[INTERLEAVE_WAYS];
};
_Static_assert(sizeof(struct interleave_set) == 128, "a pair of cache lines");

/* Shared by the threads of a process; the sets are what changes. */
struct interleave {
	struct interleave_set *set;
	uint32_t entries;   /* as asked for */
	unsigned int shift; /* 64 - log2(sets) */
	size_t spread_mask; /* sets of one source - 1 */
	uint64_t secret[4];

	/* The course of the clock of who saved last, and the first transmit time of it. */
	uint64_t disruption_count, begin;
};

/*
 * Makes a table for at least `entries` replies (up to MERIDIAN_INTERLEAVE_MAX), 16 octets each; a
 * power of two, 64 at least. `seed` is a random number that nobody else knows. Main thread. Returns
 * 0 and a pointer for interleave_free(), or -ENOMEM.
 */
int interleave_new(struct interleave **ret_interleave, uint32_t entries, uint64_t seed);

/* NULL is legal. */
void interleave_free(struct interleave *interleave);

/* How many replies there is room for. */
size_t interleave_room(const struct interleave *interleave);

/* Where the reply with T2 `receive` to a client would be, and the hash of both. */
struct interleave_key {
	struct interleave_set *set;
	uint64_t hash;
};

/*
 * `address` is the client's, 4 octets or 16; `receive` T2 as it was told; `disruption_count` the
 * model's. Any thread; pure. Always inline: what the table has of it stays in registers. The sets
 * of a source begin at one of its IPv4 address or IPv6 /48; the client is all of the address. An
 * IPv4 address is made a number that no IPv6 source has.
 */
__attribute__((always_inline)) static inline struct interleave_key interleave_key(
	const struct interleave *interleave, const uint8_t *address, bool ipv6, uint64_t receive,
	uint64_t disruption_count)
{
	const uint64_t *secret = interleave->secret;
	uint64_t number =
		ipv6 ? get_u64(address) >> 16 : UINT64_C(0xffffffff00000000) | get_u32(address);
	uint64_t source = fold(fold(number ^ secret[0], secret[1]) ^ secret[2], secret[1]);
	uint64_t subnet = ipv6 ? fold(source ^ get_u64(address), secret[1]) : source;
	uint64_t client = ipv6 ? fold(subnet ^ get_u64(address + 8), secret[3]) : source;
	uint64_t hash =
		fold(fold(receive ^ client, secret[3]) ^ disruption_count ^ secret[2], secret[1]);
	size_t set = source >> interleave->shift;

	set = (set & ~interleave->spread_mask) | (hash & interleave->spread_mask);
	return (struct interleave_key){&interleave->set[set], hash};
}

/* Brings a set into the cache. Always inline: see limit_prefetch(). */
__attribute__((always_inline)) static inline void interleave_prefetch(struct interleave_key key)
{
	__builtin_prefetch(&key.set->entry[0], 1);
	__builtin_prefetch(&key.set->entry[INTERLEAVE_WAYS / 2], 1);
}

/* The transmit time saved under `key`, which is then gone; 0: there is none. Any thread. */
uint64_t interleave_take(struct interleave_key key);

/* Says that `now` is a time of this course of the clock: what is kept of an earlier one is spare
 * from then on, but for what seems to be later. Before a save. Any thread; of several that have not
 * all seen the clock set, each may move the beginning, which is now for them all. */
void interleave_course(struct interleave *interleave, uint64_t disruption_count, uint64_t now);

/* A reply to be saved. */
struct interleave_saving {
	struct interleave_key key;
	uint64_t transmit; /* its time */
	bool earned;       /* the request had an entry to take */

	struct interleave_entry *entry; /* result: where it is; NULL: there was no place */
};

#define INTERLEAVE_SAVE_MAX 64 /* a burst */

/* Saves the transmit times of up to INTERLEAVE_SAVE_MAX replies under their keys of `interleave`,
 * each reply once. Any thread. */
void interleave_save_all(
	const struct interleave *interleave, struct interleave_saving *saving, unsigned int count);

/* The same for one. Returns false when there was no place. */
bool interleave_save(const struct interleave *interleave, struct interleave_key key,
	uint64_t transmit, bool earned);

/* A walk through the table, to say what is in it. */
struct interleave_survey {
	size_t next; /* set */
	uint64_t held;
	uint64_t first;         /* transmit time */
	int64_t oldest, newest; /* relative to it */
};

/* Looks at `sets` sets more. Returns true at the end of the table, with how many replies are held
 * and what time they span; the next call begins anew. One thread; others may use the table. */
bool interleave_look(const struct interleave *interleave, struct interleave_survey *survey,
	size_t sets, uint64_t *ret_held, uint32_t *ret_span_s);

#endif
