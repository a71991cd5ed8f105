/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_ABUSERS_H
#define DATAPLANE_ABUSERS_H

/*
 * Who has been refused for a long time. A source that goes on asking too often for minutes may be
 * told so (by a kiss-o'-death), again and again, but never often. This remembers since when each
 * has been at it, in memory of fixed size.
 *
 * It is a cache of 4 entries in each of 256 sets. A source is forgotten when it has not been
 * refused for ABUSERS_PAUSE_S. In a full set the one who began last is replaced, so that a crowd of
 * new ones cannot push out those who have been at it for long. As each is told once in
 * ABUSERS_REPEAT_S at most, a worker tells 64 a second at most, whoever asks, and however often.
 */

#include <stdint.h>

#define ABUSERS_WAYS      4
#define ABUSERS_SETS_LOG2 8
#define ABUSERS_PAUSE_S   16
#define ABUSERS_REPEAT_S  16

/* Times are counter values. */
struct abuser {
	uint64_t hash;
	uint64_t since; /* refused again and again */
	uint64_t last;  /* refused last; 0: not in use */
	uint64_t told;  /* last; 0: never */
};

/* All zero: empty. One thread. */
struct abusers {
	struct abuser set[1 << ABUSERS_SETS_LOG2][ABUSERS_WAYS];
};

/*
 * Notes that the source of `hash`, a random number, was refused at `now_counter`, which does not
 * fall and counts `counter_hz` ticks a second. Returns its entry when it has gone on for `after_s`
 * and may be told: then the caller sets `told`. Else NULL. Pure but for the table.
 */
struct abuser *abusers_note(struct abusers *abusers, uint64_t hash, uint64_t now_counter,
	uint64_t counter_hz, uint32_t after_s);

#endif
