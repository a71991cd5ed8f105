/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_DISCIPLINE_H
#define CONTROL_CORE_DISCIPLINE_H

/*
 * The kernel's clock as a follower of the time model: what adjtimex(2) is asked for, once a second.
 *
 * The frequency is the model's rate. What the clock is off goes to the kernel's phase-locked loop,
 * held so that it leaves the frequency alone: each second it takes a quarter of what is left, and
 * it ends by itself when nobody asks again. Nothing here is ever an input of the model. Pure.
 */

#include "timescale.h"
#include <stdbool.h>
#include <sys/timex.h>

/* How the kernel's clock gets over a leap second. */
enum discipline_leap {
	DISCIPLINE_LEAP_SYSTEM, /* the kernel applies it, told by STA_INS or STA_DEL */
	DISCIPLINE_LEAP_STEP,   /* it is stepped at the leap */
	DISCIPLINE_LEAP_SLEW,   /* it is slewed from the leap on */
	DISCIPLINE_LEAP_IGNORE, /* as if there were none; corrected a minute later like any offset
				 */
};

struct discipline_config {
	bool rtcsync; /* synchronised in the eyes of the kernel, which then sets the RTC */
	enum discipline_leap leap;
	double max_slew_ppm;   /* up to DISCIPLINE_SLEW_MAX_PPM */
	double step_s;         /* step what is more than that off; 0: all, once an update */
	int32_t step_updates;  /* only in so many first updates; 0: never; negative: always */
	double change_max_s;   /* more than that is not believed; 0: no limit */
	uint32_t change_start; /* updates before the limit holds */
	int32_t change_ignore; /* so often it is ignored, then steering ends; negative: for ever */
};

#define DISCIPLINE_SLEW_MAX_PPM 100000

struct discipline {
	struct discipline_config config;
	uint64_t updates; /* of the model by sources, seen here */
	int64_t update_s; /* reference time of the last one */
	uint32_t update_frac32;
	uint32_t ignored; /* updates whose change was too large */
	double trim;      /* what the kernel's rate is off the one it was asked for, learnt */
	bool gave_up;
	bool step_ordered; /* the next decision is a step, unless there is a reason against it */
};

/* The clock and the model at one instant. */
struct discipline_view {
	const struct meridian_timemodel_data *model;
	uint64_t counter;             /* when the clock was read */
	struct meridian_utc realtime; /* CLOCK_REALTIME as read */
	double raw_rate;              /* seconds of UTC per second of CLOCK_MONOTONIC_RAW */
	bool synchronised;            /* the model is valid, and led by sources */
};

enum discipline_action {
	DISCIPLINE_NOTHING, /* `timex` is not to be used */
	DISCIPLINE_ADJUST,
	DISCIPLINE_STEP,    /* the clock is stepped by `offset_s` */
	DISCIPLINE_IGNORE,  /* the offset is above maxchange, a new one; only the status is set */
	DISCIPLINE_GIVE_UP, /* and this was one too many; the same */
};

struct discipline_order {
	enum discipline_action action;
	double offset_s;    /* what the clock is behind UTC */
	struct timex timex; /* for adjtimex(2) */
};

void discipline_init(struct discipline *discipline, const struct discipline_config *config);

/* Decides what to ask of the kernel. */
void discipline_decide(struct discipline *discipline, const struct discipline_view *view,
	struct discipline_order *ret_order);

/* What the pending leap second adds to UTC, as the way of getting over it has it: -1, 0 or 1. */
int discipline_leap_offset_s(
	const struct discipline *discipline, const struct discipline_view *view);

/* Fills what leaves the frequency and ends the slew. */
void discipline_end(struct timex *ret_timex);

#endif
