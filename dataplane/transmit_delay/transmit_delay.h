/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TRANSMIT_DELAY_H
#define DATAPLANE_TRANSMIT_DELAY_H

/*
 * How long a reply takes from its handing over, which T3 is read at, to the wire: what the NIC's
 * transmit stamps of a few replies say.
 *
 * Most replies take about as long; some wait in the NIC behind other packets, and of some the
 * thread was interrupted on their way. The delay is the median of the latest samples, its error
 * the distance to the farthest of them and what that one's stamp may be off: it is told in the
 * bound. Samples that cannot be of the reply (it left before it was handed over, or very late) are
 * refused: the stamp is of another packet, or the clock was set. Several of them in a row, and what
 * was known is given up. Pure. One thread.
 */

#include <device_line.h>
#include <stdbool.h>
#include <stdint.h>

#define TRANSMIT_DELAY_SAMPLES     64 /* that are kept */
#define TRANSMIT_DELAY_SAMPLES_MIN 16 /* until a delay is known */
#define TRANSMIT_DELAY_REFUSED_MAX 4  /* in a row */

#define TRANSMIT_DELAY_MAX_NS 100000 /* a NIC needs a few us; what takes longer was interrupted */

struct transmit_delay {
	struct transmit_delay_sample {
		int32_t delay_ns, error_ns;
	} sample[TRANSMIT_DELAY_SAMPLES];
	unsigned int count, next;    /* samples kept, and where the next one goes */
	unsigned int refused_in_row; /* since the last one that was taken */

	/* To be told. */
	uint64_t taken, refused;
};

/* What the samples say. */
struct transmit_delay_known {
	int32_t delay_ns; /* median; 0: there are none */
	int32_t error_ns; /* of the samples, at most; the stamps' own error included */
	bool known;       /* they are enough */
};

/* A reply that was handed over at `handed_counter` was on the wire when the clock of `line` showed
 * `stamp`; which was found at `now_counter`, within DEVICE_CLOCK_VOID_S. Returns false if that is
 * not believed. */
bool transmit_delay_note(struct transmit_delay *delay, const struct device_line *line,
	uint64_t handed_counter, uint64_t now_counter, uint64_t stamp);

/* Samples of before say nothing any more: the link has another speed. Counts go on. */
void transmit_delay_restart(struct transmit_delay *delay);

struct transmit_delay_known transmit_delay_known(const struct transmit_delay *delay);

#endif
