/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WIRE_STAMPS_H
#define DATAPLANE_WIRE_STAMPS_H

/*
 * Notes when the kernel's questions of NTP left a NIC that was taken over, and when their answers
 * came, for control to read (meridian/wire_stamps.h).
 */

#include <meridian/page.h>
#include <meridian/stats.h>
#include <meridian/wire_stamps.h>

struct wire_stamps {
	struct meridian_page page; /* not open: nothing is noted */
	uint64_t counter;          /* of wire_stamps_turn(); 0: not known */
};

/* Makes or adopts the page. Without one, which is logged, control has the kernel's stamps. Main
 * thread. */
void wire_stamps_open(struct wire_stamps *wire, const char *rundir);

/* No worker uses it any more. Legal on one that is zeroed or not open. */
void wire_stamps_close(struct wire_stamps *wire);

/* Says which counter the workers read, and its ticks per second; 0: not known yet. Main thread. */
void wire_stamps_turn(struct wire_stamps *wire, uint8_t counter_id, uint64_t counter_hz);

/* Which counter that is, MERIDIAN_COUNTER_*; MERIDIAN_COUNTER_NONE: nothing is to be noted. Any
 * thread, as those below. */
uint8_t wire_stamps_counter(const struct wire_stamps *wire);

/* A frame of the kernel's is about to be handed to the NIC at `counter`, from where it takes
 * `delay_ns`, which may be off by `error_ns`. */
struct wire_stamps_way {
	uint64_t counter;
	int32_t delay_ns, error_ns;
};
void wire_stamps_note_sent(struct wire_stamps *wire, const uint8_t *data, uint32_t length,
	const struct wire_stamps_way *way);

/* A frame for the kernel came at `counter`, according to `source`; that may be off by `error_ns`.
 */
struct wire_stamps_arrival {
	uint64_t counter, error_ns;
	enum meridian_stamp source;
};
void wire_stamps_note_received(struct wire_stamps *wire, const uint8_t *data, uint32_t length,
	const struct wire_stamps_arrival *arrival);

#endif
