/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_BANK_H
#define CONTROL_CORE_BANK_H

/*
 * A bank of filters, one for each assumed wander of the oscillator and each model of the path's
 * noise: interacting multiple models (Blom, Bar-Shalom 1988). At each sample a filter takes over a
 * little of the others, so that one that was wrong for long is right soon after its assumption
 * has become so: a temperature that changes, an oscillator that jumps.
 *
 * The quietest wanders are of oscillators in ovens. Few are so: it takes more samples to believe
 * it, for while queues hide how much an ordinary one wanders, these filters would be too slow.
 */

#include "filter.h"
#include "queueing.h"

#define BANK_WANDERS 9
#define BANK_NOISES  2
#define BANK_FILTERS (BANK_WANDERS * BANK_NOISES)

struct bank {
	struct filter filter[BANK_FILTERS]; /* of one instant */
	double probability[BANK_FILTERS];   /* summing up to 1 */
};

/* All filters begin alike. */
void bank_start(struct bank *bank, const struct estimate *start);

/* A sample, `seconds` after the one before. */
void bank_update(struct bank *bank, double seconds, const struct queueing *queueing,
	const struct queueing_sample *sample);

/* What the filters believe together, `seconds` after the last sample. */
struct estimate bank_estimate(const struct bank *bank, double seconds);

/* All offsets are that much less. */
void bank_shift(struct bank *bank, double seconds);

#endif
