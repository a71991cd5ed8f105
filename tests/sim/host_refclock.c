/* SPDX-License-Identifier: BSD-3-Clause */

/* The drivers of reference clocks, which read the clocks of the simulated world. */

#include "host.h"
#include "source/refclock/refclock.h"
#include <errno.h>
#include <math.h>
#include <meridian/ntp.h>
#include <stdlib.h>

#define PULSE_S 1.0

static size_t clock_of(const struct refclock *refclock)
{
	return refclock->config->driver == CONFIG_REFCLOCK_PPS ? 1 : 0;
}

static int start(struct refclock *refclock)
{
	(void)refclock;
	return 0;
}

static void stop(struct refclock *refclock)
{
	(void)refclock;
}

static struct meridian_utc utc_at(double true_s)
{
	struct world_utc utc = world_utc(true_s);

	return (struct meridian_utc){.s = utc.s, .frac64 = (uint64_t)(utc.fraction * 0x1p64)};
}

/* It said the time a while ago, and only now is it heard. */
static int read_now(struct refclock *refclock)
{
	struct refclock_reading reading = {
		.counter = world_counter(), .leap = world_leap_indicator(world_now_s())};
	double late_s;

	if (!world_clock_read(clock_of(refclock), &late_s))
		return -EIO;
	reading.utc = utc_at(world_now_s() - late_s);
	refclock_take(refclock, &reading);
	return 0;
}

/* The last pulse was at a whole second, and its stamp is late. */
static int read_pulse(struct refclock *refclock)
{
	struct refclock_reading reading = {.pulse = true};
	double late_s, since_s = fmod(world_now_s(), PULSE_S);

	if (!world_clock_read(clock_of(refclock), &late_s))
		return -EIO;
	if (since_s < late_s)
		since_s += PULSE_S;
	reading.counter = world_counter() -
		(uint64_t)llround((since_s - late_s) * 1e9 * (1 + world_frequency()));
	refclock_take(refclock, &reading);
	return 0;
}

const struct refclock_driver refclock_shm = {start, read_now, stop};
const struct refclock_driver refclock_sock = {start, read_now, stop};
const struct refclock_driver refclock_phc = {start, read_now, stop};
const struct refclock_driver refclock_pps = {start, read_pulse, stop};
