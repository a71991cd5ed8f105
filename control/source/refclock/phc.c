/* SPDX-License-Identifier: BSD-3-Clause */

/* refclock PHC: reads the clock of a network card or a hypervisor, between two readings of this
 * machine's time, as closely as kernel and driver can. */

#include "device.h"
#include "refclock.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define READINGS 10
#define NS_PER_S 1000000000

/* Ways to read, best first. Which one works is found out by trying. */
enum phc_method {
	PHC_PRECISE,           /* one instant, latched by hardware */
	PHC_EXTENDED_RAW,      /* a bracket of CLOCK_MONOTONIC_RAW; since Linux 6.13 */
	PHC_EXTENDED_REALTIME, /* a bracket of CLOCK_REALTIME */
	PHC_PLAIN,             /* the same, of a driver that reads its clock in one piece */
	PHC_METHODS,
};

struct phc {
	int fd;
	enum phc_method method;
	struct stamp_clock raw; /* for brackets of CLOCK_MONOTONIC_RAW */
};

/* The clock between two readings of this machine's time. */
struct phc_bracket {
	clockid_t clock; /* whose time that is */
	struct timespec before;
	int64_t width_ns;
	struct timespec device;
};

static struct timespec timespec_of(const struct ptp_clock_time *time)
{
	return (struct timespec){.tv_sec = time->sec, .tv_nsec = time->nsec};
}

static int64_t width_ns(const struct ptp_clock_time *before, const struct ptp_clock_time *after)
{
	return (after->sec - before->sec) * NS_PER_S + (int64_t)after->nsec - (int64_t)before->nsec;
}

/* Keeps the narrowest. */
static void bracket_note(struct phc_bracket *best, const struct ptp_clock_time *before,
	const struct ptp_clock_time *device, const struct ptp_clock_time *after)
{
	int64_t width = width_ns(before, after);

	if (width < 0 || width >= best->width_ns)
		return;
	best->before = timespec_of(before);
	best->device = timespec_of(device);
	best->width_ns = width;
}

static int read_precise(int fd, struct phc_bracket *best)
{
	struct ptp_sys_offset_precise precise = {.rsv = {0}};

	if (ioctl(fd, PTP_SYS_OFFSET_PRECISE, &precise) < 0)
		return -errno;
	best->clock = CLOCK_MONOTONIC_RAW;
	bracket_note(best, &precise.sys_monoraw, &precise.device, &precise.sys_monoraw);
	return 0;
}

/* The clock to read with was a reserved field of zero, which is CLOCK_REALTIME's number. */
static int read_extended(int fd, clockid_t clock, struct phc_bracket *best)
{
	struct ptp_sys_offset_extended extended = {
		.n_samples = READINGS, .rsv = {(unsigned int)clock}};

	if (ioctl(fd, PTP_SYS_OFFSET_EXTENDED, &extended) < 0)
		return -errno;
	best->clock = clock;
	for (unsigned int i = 0; i < READINGS; i++)
		bracket_note(best, &extended.ts[i][0], &extended.ts[i][1], &extended.ts[i][2]);
	return 0;
}

static int read_plain(int fd, struct phc_bracket *best)
{
	struct ptp_sys_offset plain = {.n_samples = READINGS};

	if (ioctl(fd, PTP_SYS_OFFSET, &plain) < 0)
		return -errno;
	best->clock = CLOCK_REALTIME;
	for (unsigned int i = 0; i < READINGS; i++)
		bracket_note(best, &plain.ts[2 * i], &plain.ts[2 * i + 1], &plain.ts[2 * i + 2]);
	return 0;
}

static int read_by(int fd, enum phc_method method, struct phc_bracket *ret_bracket)
{
	int r;

	*ret_bracket = (struct phc_bracket){.width_ns = NS_PER_S};
	switch (method) {
	case PHC_PRECISE:
		r = read_precise(fd, ret_bracket);
		break;
	case PHC_EXTENDED_RAW:
		r = read_extended(fd, CLOCK_MONOTONIC_RAW, ret_bracket);
		break;
	case PHC_EXTENDED_REALTIME:
		r = read_extended(fd, CLOCK_REALTIME, ret_bracket);
		break;
	default:
		r = read_plain(fd, ret_bracket);
	}
	if (r == 0 && ret_bracket->width_ns == NS_PER_S)
		return -ERANGE;
	return r;
}

/* The first way that works. */
static int method_find(int fd, bool precise_too, enum phc_method *ret_method)
{
	struct phc_bracket bracket;
	int r = -EOPNOTSUPP;

	for (int i = precise_too ? PHC_PRECISE : PHC_EXTENDED_RAW; i < PHC_METHODS; i++) {
		*ret_method = (enum phc_method)i;
		r = read_by(fd, *ret_method, &bracket);
		if (r == 0)
			break;
	}
	return r;
}

static int start(struct refclock *refclock)
{
	const struct config_refclock *config = refclock->config;
	struct phc *phc;
	enum phc_method method;
	int fd = device_open(config->parameter, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return fd;
	r = method_find(fd, !config->nocrossts, &method);
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
		reading->counter = (uint64_t)stamp->tv_sec * NS_PER_S + (uint64_t)stamp->tv_nsec;
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
	struct phc_bracket bracket;
	double half_s;
	int r = read_by(phc->fd, phc->method, &bracket);

	if (r < 0)
		return r == -EBUSY || r == -EINTR || r == -ERANGE ? 0 : r;
	if (!(bracket.clock == CLOCK_REALTIME ? refclock_stamp : raw_stamp)(
		    refclock, &bracket.before, &reading))
		return 0;
	half_s = (double)bracket.width_ns / 2 / NS_PER_S;
	reading.counter += (uint64_t)(half_s * (double)hz);
	reading.error_s += half_s;
	reading.utc = counter_utc(&bracket.device);
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
