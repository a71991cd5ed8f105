/* SPDX-License-Identifier: BSD-3-Clause */

/* refclock PHC: reads the clock of a network card or a hypervisor, between two readings of this
 * machine's time, as closely as kernel and driver can. */

#include "device.h"
#include "refclock.h"
#include <errno.h>
#include <fcntl.h>
#include <phc_read.h>
#include <stdlib.h>
#include <unistd.h>
#include <units.h>

struct phc {
	int fd;
	enum phc_method method;
	struct stamp_clock raw; /* for brackets of CLOCK_MONOTONIC_RAW */
};

static int start(struct refclock *refclock)
{
	const struct config_refclock *config = refclock->config;
	struct phc *phc;
	enum phc_method method;
	int fd = device_open(config->parameter, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return fd;
	r = phc_method_find(fd, !config->nocrossts, &method);
	phc = r < 0 ? NULL : calloc(1, sizeof(*phc));
	if (phc == NULL) {
		close(fd);
		return r < 0 ? r : -ENOMEM;
	}
	phc->fd = fd;
	phc->method = method;
	stamp_clock_init(&phc->raw, refclock->source.context->counter);
	refclock->state = phc;
	return 0;
}

/* CLOCK_MONOTONIC_RAW may be the counter itself, in nanoseconds. */
static bool raw_stamp(
	struct refclock *refclock, const struct timespec *stamp, struct refclock_reading *reading)
{
	const struct counter *counter = refclock->source.context->counter;
	struct phc *phc = refclock->state;
	struct counter_realtime now;

	if (counter->id == MERIDIAN_COUNTER_MONOTONIC_RAW) {
		reading->counter = timespec_ns(stamp);
		return true;
	}
	now = counter_read_clock(counter, CLOCK_MONOTONIC_RAW);
	if (stamp_clock_note(&phc->raw, &now) < 0)
		return false;
	reading->counter = stamp_clock_convert(&phc->raw, &now, stamp, &reading->error_s);
	return true;
}

static int poll(struct refclock *refclock)
{
	const struct phc *phc = refclock->state;
	uint64_t hz = refclock->source.context->counter->hz;
	struct refclock_reading reading = {.error_s = 0};
	struct phc_readings readings;
	const struct phc_bracket *bracket;
	double half_s;
	int r = phc_read(phc->fd, phc->method, &readings);

	if (r < 0)
		return phc_error_passes(r) ? 0 : r;
	bracket = phc_narrowest(&readings);
	if (!(readings.clock == CLOCK_REALTIME ? refclock_stamp : raw_stamp)(
		    refclock, &bracket->before, &reading))
		return 0;
	half_s = (double)bracket->width_ns / 2 / NS_PER_SECOND;
	reading.counter += (uint64_t)(half_s * (double)hz);
	reading.error_s += half_s;
	reading.utc = counter_utc(&bracket->device);
	refclock_take(refclock, &reading);
	return 0;
}

static void stop(struct refclock *refclock)
{
	struct phc *phc = refclock->state;

	close(phc->fd);
	free(phc);
}

const struct refclock_driver refclock_phc = {.start = start, .poll = poll, .stop = stop};
