/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_DEVICE_LINE_H
#define DATAPLANE_DEVICE_LINE_H

/*
 * What a worker needs to know of a device's clock: a line from its ticks to the counter, with an
 * error and an end. The main thread publishes it (device_clock.h), any worker takes copies of it,
 * without lock or system call, and judges stamps by it.
 *
 * A stamp is believed where a packet can have come: not after now, and not before the caller's
 * limit. Otherwise the clock was set since it was read, or the stamp is of another packet.
 */

#include <meridian/stats.h>
#include <stdbool.h>
#include <stdint.h>
#include <units.h>

/* A stamp of a device is its clock's reading, modulo 2^bits: the bits above are not looked at. */
struct device_line {
	uint64_t counter;                 /* anchor */
	uint64_t device;                  /* ticks there, not wrapped */
	uint64_t counter_ticks_frac32;    /* in a tick of the device, 2^-32 */
	uint64_t device_ticks_frac32;     /* in a tick of the counter, 2^-32 */
	uint64_t fresh_until_counter;     /* error_ns holds until here */
	uint64_t until_counter;           /* late_error_ns until here; then the line is void */
	uint64_t error_ns, late_error_ns; /* of a converted stamp */
	uint64_t ahead_max_ticks;         /* of the counter: such an error, and no more */
	uint64_t counter_hz;              /* ticks of the counter in a second, nominally */
	uint64_t ns_per_tick_frac32;      /* the other way, so that no packet costs a division */
	uint64_t bits;                    /* 1 to 64; 0: there is no line */
};

#define DEVICE_LINE_WORDS (sizeof(struct device_line) / sizeof(uint64_t))

/* The main thread writes, workers read. Starts zeroed: no line. */
struct device_line_shared {
	uint64_t seq; /* odd while an update is in progress */
	uint64_t word[DEVICE_LINE_WORDS];
};

/* Publishes `line`. One thread. */
void device_line_publish(struct device_line_shared *shared, const struct device_line *line);

/* One reader's. Starts zeroed. */
struct device_line_copy {
	struct device_line line;
	uint64_t seq;
};

/* Brings a copy up to date; costs a load when nothing is new. A reader that loses the race a few
 * times keeps what it has, which has an end. */
void device_line_take(struct device_line_copy *copy, const struct device_line_shared *shared);

/* How far off a stamp of now may be, in ns; UINT64_MAX: the line does not hold (any more). */
static inline uint64_t device_line_error_ns(const struct device_line *line, uint64_t now_counter)
{
	if (line->bits == 0 || now_counter >= line->until_counter)
		return UINT64_MAX;
	return now_counter < line->fresh_until_counter ? line->error_ns : line->late_error_ns;
}

/* Ticks of the counter in `ns`, of either sign and up to 1 s. Pure. */
static inline int64_t device_line_ticks(const struct device_line *line, int64_t ns)
{
	return ns * (int64_t)line->counter_hz / NS_PER_SECOND;
}

/* Nanoseconds, to the nearest, of so many ticks of the counter, of either sign. Pure. */
int64_t device_line_ns(const struct device_line *line, int64_t ticks);

/* What the device shows at `counter`, of a line that holds. Not wrapped. Pure. */
uint64_t device_line_device(const struct device_line *line, uint64_t counter);

/* When stamps of a burst can be of. */
struct device_line_span {
	uint64_t now_counter;
	uint64_t since_counter; /* no packet came earlier, by a clock without error */
	uint64_t now_device;    /* not wrapped */
	bool ambiguous;         /* the span is so long that stamps wrap around */
};

/* Of a line that holds. `since_counter` is not after `now_counter`. */
struct device_line_span device_line_span(
	const struct device_line *line, uint64_t now_counter, uint64_t since_counter);

/*
 * The counter when the device stamped `stamp`, up to span->now_counter. Returns
 * MERIDIAN_FAULT_COUNT, or why the stamp is not believed; then nothing is written. Pure.
 */
enum meridian_fault device_line_counter(const struct device_line *line,
	const struct device_line_span *span, uint64_t stamp, uint64_t *ret_counter);

#endif
