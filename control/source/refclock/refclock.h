/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_REFCLOCK_H
#define CONTROL_REFCLOCK_H

/*
 * A reference clock: a clock of this machine, or one that a program here reads. Its driver hands
 * over readings as they come; each poll makes one sample of them.
 *
 * A new driver is a row in config_refclock.c and a struct refclock_driver.
 */

#include "core/median.h"
#include "core/refid.h"
#include "source/source.h"
#include "stamp_clock.h"

struct refclock;

struct refclock_driver {
	/* Opens what config->parameter names, and may keep something in refclock->state. Returns 0
	 * or a negative errno, and nothing is open then; it is called again at the next poll. */
	int (*start)(struct refclock *refclock);
	/* Every 2^dpoll s: hands over what is new. Returns 0, or a negative errno when what was
	 * opened is gone: it is stopped and started again. */
	int (*poll)(struct refclock *refclock);
	/* Closes and frees; called once after each start() that returned 0. */
	void (*stop)(struct refclock *refclock);
};

extern const struct refclock_driver refclock_shm, refclock_sock, refclock_phc, refclock_phc_pulse,
	refclock_pps;

struct refclock {
	struct source source; /* first */
	const struct config_refclock *config;
	char name[REFID_TEXT_SIZE];
	const struct refclock_driver *driver;
	const struct refclock *lock; /* whose readings complete our pulses; NULL: the clock does */
	void *state;                 /* the driver's */
	struct stamp_clock realtime;
	struct median median;
	bool started;
	bool tai_unknown;          /* and said so */
	int failure;               /* of the last start, negative errno; 0: none */
	unsigned int driver_polls; /* in this poll */
	int poll_timer;
};

/* Starts; `context`, `config` and `lock` must outlive it. */
void refclock_start(struct refclock *refclock, const struct source_context *context,
	const struct config_refclock *config, const struct refclock *lock);

/* For drivers: what the clock said once. */
struct refclock_reading {
	uint64_t counter;        /* when that was */
	double error_s;          /* of that */
	struct meridian_utc utc; /* with a pulse only the part of a second counts */
	bool pulse;
	uint8_t leap; /* MERIDIAN_NTP_LI_*; not of a pulse */
};

/* Sets `counter` and `error_s` of a reading by a stamp of CLOCK_REALTIME. Returns false when it
 * cannot be told. */
bool refclock_stamp(
	struct refclock *refclock, const struct timespec *stamp, struct refclock_reading *reading);

/* Takes a reading; one that is too old or too new, or a pulse of an unknown second, is left out. */
void refclock_take(struct refclock *refclock, const struct refclock_reading *reading);

#endif
