/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_LEAP_H
#define CONTROL_CORE_LEAP_H

/*
 * Leap seconds: which one is next, and how a clock that does not stop for it lives through it.
 *
 * The model and the timescale of the estimators go on without a jump across a leap second; its
 * readers apply it at its instant (timemodel.h). Sources do leap, so their samples are led back to
 * the time without it. When all is over, leap_fold() takes the second into the model and the
 * timescale at once, and what readers see does not change. All pure.
 */

#include "leap_list.h"
#include "model.h"
#include "sample.h"
#include <stdbool.h>

/* Around a leap second, a source that is a second off has leapt late or early, or smears: it is not
 * heard. */
#define LEAP_NEAR_S 60

/* How many must agree where the month is neither June nor December (ITU-R TF.460). */
#define LEAP_UNANIMOUS_MIN 2

/* What sources that agree on the time announce. */
struct leap_votes {
	unsigned int voters, insert, delete;
};

struct leap_outlook {
	int64_t from_s;        /* first UTC second after the next leap second; 0: none is known */
	uint8_t kind;          /* MERIDIAN_NTP_LI_NONE, _INSERT, _DELETE */
	int32_t tai_offset_s;  /* TAI - UTC now; 0: not known */
	int64_t known_until_s; /* of the list, perhaps past; 0: there is none */
};

/* UTC second `utc_s` since 1970 is the first one of a month. */
bool leap_month_begins(int64_t utc_s);

/* The list (NULL: none) covers the time `utc_s`. */
bool leap_list_covers(const struct leap_list *list, int64_t utc_s);

/*
 * What is next at `utc_s`. A list that covers this time decides alone. Else the votes do, on the
 * last day of a month only, for the end of that day: more than half of the voters in June and
 * December, all of at least LEAP_UNANIMOUS_MIN in other months.
 */
struct leap_outlook leap_next(
	const struct leap_list *list, const struct leap_votes *votes, int64_t utc_s);

/* Finds the last leap second of the list when it is less than `after_s` seconds past at `utc_s`. */
bool leap_last(const struct leap_list *list, int64_t utc_s, double after_s,
	struct leap_outlook *ret_outlook);

/* Sets the fields of the model. */
void leap_announce(struct model *model, const struct leap_outlook *outlook);

/* What the pending leap second adds at `counter` to the time without it: -1, 0 or 1. */
int leap_offset_s(const struct model *model, uint64_t counter);

/* UTC at `counter` as readers have it. */
struct meridian_utc leap_utc(const struct model *model, uint64_t counter);

/* The pending leap second is so near, or past and not folded, that no announcement counts. */
bool leap_is_due(const struct model *model, uint64_t counter);

/*
 * Leads a sample, taken between the counter values `from` and `to`, back to the time without the
 * pending leap second. False when it must not be used: nobody knows whether it is from before the
 * leap or after, its source does not leap with us, or it began before the last fold, which may be
 * before the leap.
 */
bool leap_admit(const struct model *model, const struct timescale *timescale, uint64_t from,
	uint64_t to, struct sample *sample);

/* The leap second is over by `after_s` seconds and by the clock's own error. */
bool leap_is_over(const struct model *model, uint64_t counter, double after_s);

/* The other way: a leap second that model and timescale contain is pending again, as past. */
void leap_unfold(struct model *model, struct timescale *timescale, uint64_t counter,
	const struct leap_outlook *outlook);

/* Makes the leap second part of model and timescale, at `counter`; none is pending then. */
void leap_fold(struct model *model, struct timescale *timescale, uint64_t counter);

#endif
