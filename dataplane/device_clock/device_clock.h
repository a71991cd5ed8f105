/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_DEVICE_CLOCK_H
#define DATAPLANE_DEVICE_CLOCK_H

/*
 * The clock of a NIC against the counter. The device's clock is read between two readings of the
 * counter; a filter follows offset and frequency of the one against the other.
 *
 * The error is not statistics: at whatever instant of its bracket a reading was made, always early
 * or always late, the truth lies in the bracket, and so in what all brackets of a call have in
 * common. The line's error is its distance to the far end of that, and grows until the next
 * readings by what the frequency may be off.
 *
 * A reading that the line contradicts withdraws the line at once; when the next ones agree with it
 * again, it is back, and when they do not, a new one begins. Pure. One thread.
 */

#include "device_line.h"
#include <filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of a clock from its driver. */
struct device_clock_kind {
	uint64_t hz;  /* nominal ticks in a second, DEVICE_CLOCK_HZ_MIN to _MAX; 1000000000 for ns,
		       * 1000000 for us; 0: not known, to be measured (only of 64 bits) */
	uint8_t bits; /* that readings and stamps have in common, 1 to 64: those above are not
		       * looked at. They must not wrap around in 2 ms */
};

#define DEVICE_CLOCK_HZ_MIN UINT64_C(1000)
#define DEVICE_CLOCK_HZ_MAX UINT64_C(100000000000)

/* Two clocks are nominally no further apart than this, and their frequencies do not change faster
 * than by the other between two calls of device_clock_note(). */
#define DEVICE_CLOCK_FREQUENCY_MAX 200e-6
#define DEVICE_CLOCK_DRIFT_MAX     1e-6

#define DEVICE_CLOCK_NOTES_MIN    8     /* calls until there is a line */
#define DEVICE_CLOCK_FRESH_S      0.15  /* longest usual time between them */
#define DEVICE_CLOCK_VOID_S       1.0   /* after which the line is void */
#define DEVICE_CLOCK_ERROR_MAX_NS 50000 /* software can do better than that */

#define DEVICE_CLOCK_READINGS_MAX 32

/* The device showed `device` at some instant from counter value `before` to `after`. */
struct device_clock_reading {
	uint64_t before, device, after;
};

enum device_clock_state {
	DEVICE_CLOCK_LEARNING, /* no line yet */
	DEVICE_CLOCK_GOOD,
	DEVICE_CLOCK_DOUBTED, /* the last readings contradict it */
};

struct device_clock {
	struct device_clock_kind kind; /* hz: as measured where it was not known */
	uint64_t counter_hz;
	uint64_t first_counter, first_device; /* where both are reckoned from */
	uint64_t device;                      /* at `counter`, not wrapped */
	uint64_t counter;                     /* time of the filter's state */
	struct filter filter; /* device minus counter, both in nominal seconds; count: calls */
	double low_s, high_s; /* at `counter`, truth minus filter is between these */
	double unsettled;     /* what the frequency may be off beyond that, s/s */
	double usual_width;   /* of the narrowest bracket of a call, ticks */
	unsigned int contradictions; /* calls in a row that cannot be true if the line is */

	/* To be told. */
	uint64_t readings, refused; /* calls with readings, and those of them not taken */
	uint64_t jumps;             /* lines that were given up */
};

/* `counter_hz` ticks in a second of the counter, nominally. Returns 0, or -EINVAL for a kind
 * outside its limits. */
int device_clock_init(
	struct device_clock *clock, const struct device_clock_kind *kind, uint64_t counter_hz);

/*
 * Takes `count` readings, up to DEVICE_CLOCK_READINGS_MAX, made one right after the other; of which
 * the narrowest count. To be called every DEVICE_CLOCK_FRESH_S or sooner. None (the device could
 * not be read) changes nothing: the line comes to its end.
 */
void device_clock_note(
	struct device_clock *clock, const struct device_clock_reading *reading, size_t count);

enum device_clock_state device_clock_state(const struct device_clock *clock);

/* The line as it is to be published; one without bits unless the clock is good. */
struct device_line device_clock_line(const struct device_clock *clock);

#endif
