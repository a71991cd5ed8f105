/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_CLIENTS_H
#define MERIDIAN_CLIENTS_H

/*
 * Who asks: one page per answering process ("clients.dataplane", "clients.fallback"), of fixed size
 * however many clients there are. It says how many there were and who asked the most, over the
 * last minute, hour, day and since the process started. Both are estimates with a known error.
 *
 * How many: a HyperLogLog sketch (Flajolet et al., 2007) of the clients that were answered. A
 * client is an IPv4 address or an IPv6 /64.
 *
 * Who the most: Space-Saving tables (Metwally et al., 2005) over a sample of the requests, by
 * address and by prefix, for what was answered and for what was refused.
 *
 * Written by the process's main thread alone, about ten times a second, under a sequence lock. The
 * file has the addresses of people: it is not readable by everybody.
 */

#include <meridian/page.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MERIDIAN_CLIENTS_DATAPLANE_NAME "clients.dataplane"
#define MERIDIAN_CLIENTS_FALLBACK_NAME  "clients.fallback"
#define MERIDIAN_CLIENTS_MAGIC          UINT32_C(0x4c43524d) /* bytes "MRCL" in memory */
#define MERIDIAN_CLIENTS_VERSION        1

/* A sketch: for each of 2^BITS parts of the hashes, the most zeros that one began with, plus 1; 0
 * where there was none. Its estimate has a relative standard error of 1.04 / 2^(BITS/2), 1.6 %. */
#define MERIDIAN_CLIENTS_SKETCH_BITS 12
#define MERIDIAN_CLIENTS_SKETCH_SIZE (1 << MERIDIAN_CLIENTS_SKETCH_BITS)
#define MERIDIAN_CLIENTS_RANK_MAX    (64 - MERIDIAN_CLIENTS_SKETCH_BITS + 1)

struct meridian_clients_sketch {
	uint8_t rank[MERIDIAN_CLIENTS_SKETCH_SIZE];
};

/* The sketches of a part of time, from (number - 1) * S to number * S of CLOCK_MONOTONIC, S being
 * the length of its level's parts. */
struct meridian_clients_slot {
	uint64_t number; /* from 1; 0: not in use */
	uint64_t reserved[7];
	struct meridian_clients_sketch ipv4, ipv6;
};

/* A level for each window but the last: a ring in which part N is slot N % SLOTS. The current part
 * and the SLOTS - 1 before it are between 5/6 and all of the window. */
#define MERIDIAN_CLIENTS_SLOTS       6
#define MERIDIAN_CLIENTS_SLOT_S(win) (meridian_clients_window_s(win) / MERIDIAN_CLIENTS_SLOTS)

/* Windows.   X(identifier, seconds)    seconds 0: since the process started */
#define MERIDIAN_CLIENTS_WINDOWS(X)                                                                \
	X(minute, 60)                                                                              \
	X(hour, 3600)                                                                              \
	X(day, 86400)                                                                              \
	X(start, 0)

enum meridian_clients_window {
#define MERIDIAN_CLIENTS_ENUM_(name, seconds) MERIDIAN_CLIENTS_##name,
	MERIDIAN_CLIENTS_WINDOWS(MERIDIAN_CLIENTS_ENUM_)
#undef MERIDIAN_CLIENTS_ENUM_
	MERIDIAN_CLIENTS_WINDOW_COUNT
};
#define MERIDIAN_CLIENTS_LEVELS MERIDIAN_CLIENTS_start /* windows with an end */

/* Name and length of a window. */
const char *meridian_clients_window_name(unsigned int window);
unsigned int meridian_clients_window_s(unsigned int window);

/* What became of the requests that a table counts. */
#define MERIDIAN_CLIENTS_ANSWERED     0
#define MERIDIAN_CLIENTS_RATE_LIMITED 1
#define MERIDIAN_CLIENTS_DENIED       2
#define MERIDIAN_CLIENTS_FATES        3

/* By what it counts them. */
#define MERIDIAN_CLIENTS_ADDRESS     0
#define MERIDIAN_CLIENTS_PREFIX      1 /* IPv4 /24, IPv6 /48 */
#define MERIDIAN_CLIENTS_SCOPES      2
#define MERIDIAN_CLIENTS_PREFIX_IPV4 24
#define MERIDIAN_CLIENTS_PREFIX_IPV6 48

/* Counts of requests are in units of 2^-UNIT_LOG2, since those of a window with an end decay: one
 * from S seconds ago counts exp(-S / window) as much. */
#define MERIDIAN_CLIENTS_UNIT_LOG2 16

/* Who asks a lot. It has asked at most `requests` times, of which at most `others` were somebody
 * else's, whose place in the table it took; but for the error of sampling. */
struct meridian_clients_talker {
	uint8_t address[16]; /* IPv4: 4 octets, the rest is 0; bits past a prefix are 0 */
	uint64_t requests, others;
	uint8_t family; /* MERIDIAN_FAMILY_*; 0: not in use */
	uint8_t reserved[7];
};

#define MERIDIAN_CLIENTS_TALKERS 1024

struct meridian_clients_table {
	uint64_t requests; /* of everybody */
	uint64_t samples;  /* of which each stands for several requests, in the same units */
	struct meridian_clients_talker talker[MERIDIAN_CLIENTS_TALKERS]; /* in no order */
};

struct meridian_clients {
	struct meridian_page_head head; /* writer_pid 0 after a clean stop */
	uint64_t seq;                   /* odd while the rest is being written */
	uint64_t started_ns;            /* CLOCK_MONOTONIC when counting began; 0: off */
	uint64_t updated_ns;            /* CLOCK_MONOTONIC of what is written */
	uint64_t reserved[5];
	struct meridian_clients_slot slot[MERIDIAN_CLIENTS_LEVELS][MERIDIAN_CLIENTS_SLOTS];
	struct meridian_clients_slot ever; /* its number is 1 */
	struct meridian_clients_table table[MERIDIAN_CLIENTS_WINDOW_COUNT][MERIDIAN_CLIENTS_FATES]
					   [MERIDIAN_CLIENTS_SCOPES];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_clients_slot) % MERIDIAN_CACHE_LINE == 0, "ABI");

extern const struct meridian_page_kind meridian_clients_dataplane_kind;
extern const struct meridian_page_kind meridian_clients_fallback_kind;

/*
 * Copies a page mapped by meridian_page_open(), but for its head, into `ret_clients`. May wait some
 * ten milliseconds for the writer. Returns 0; -EAGAIN when the page was being written each time, as
 * it is for ever if its writer died then; -EBADMSG when a field is out of its range.
 */
int meridian_clients_read(
	const struct meridian_clients *page, struct meridian_clients *ret_clients);

/* The writer's brackets around every change. */
void meridian_clients_write_begin(struct meridian_clients *page);
void meridian_clients_write_end(struct meridian_clients *page);

#ifdef __cplusplus
}
#endif

#endif
