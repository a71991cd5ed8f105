/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The clock of a network card, a device that is played. It shows UTC, until it is asked to stamp
 * pulses: then it runs free, and what it shows means nothing.
 */

#undef _FORTIFY_SOURCE /* which makes poll() and read() inline: here they are our own */

#include "core/timescale.h"
#include "counter.h"
#include "host.h"
#include "source/refclock/device.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <units.h>

#define FREE_START_S   1000
#define FREE_FREQUENCY 30e-6
#define PULSE_CHANNEL  1
#define PULSE_PIN      2

static struct {
	int fd;
	bool pin_chosen, on;
	double last_s, stamped_s; /* the pulse that was told last */
} pulses = {.fd = -1};

int device_open(const char *path, int flags)
{
	(void)path, (void)flags;
	pulses.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return pulses.fd;
}

static struct meridian_utc device_utc(double true_s)
{
	struct world_utc utc = world_utc(true_s);
	struct meridian_utc start = {.s = FREE_START_S};

	if (pulses.on)
		return timescale_utc_add(start, true_s * (1 + FREE_FREQUENCY));
	return (struct meridian_utc){.s = utc.s, .frac64 = (uint64_t)(utc.fraction * 0x1p64)};
}

static struct ptp_clock_time ptp_time(struct meridian_utc utc)
{
	return (struct ptp_clock_time){
		.sec = utc.s, .nsec = (uint32_t)(ldexp((double)utc.frac64, -64) * NS_PER_SECOND)};
}

/* Brackets that have just ended, the device read anywhere in them. */
static int read_brackets(struct ptp_sys_offset_extended *offset)
{
	clockid_t clock = (clockid_t)offset->rsv[0];
	struct timespec time;
	struct meridian_utc now;
	double width_s;

	if (clock != CLOCK_REALTIME && world_clock_is_old())
		return -EINVAL;
	if (!world_clock_read(WORLD_CLOCK_PHC, &width_s))
		return -EIO;
	clock_gettime(clock, &time);
	now = counter_utc(&time);
	for (unsigned int i = 0; i < offset->n_samples; i++) {
		world_clock_read(WORLD_CLOCK_PHC, &width_s);
		offset->ts[i][0] = ptp_time(timescale_utc_add(now, -width_s));
		offset->ts[i][1] = ptp_time(device_utc(world_now_s() - width_s * world_random()));
		offset->ts[i][2] = ptp_time(now);
	}
	return 0;
}

static int pin_choose(const struct ptp_pin_desc *pin)
{
	if (pin->index != PULSE_PIN || pin->func != PTP_PF_EXTTS || pin->chan != PULSE_CHANNEL)
		return -EINVAL;
	pulses.pin_chosen = true;
	return 0;
}

/* The driver stamps rising edges only. */
static int pulses_switch(const struct ptp_extts_request *request)
{
	if (request->index != PULSE_CHANNEL || !pulses.pin_chosen)
		return -EINVAL;
	if (request->flags & PTP_FALLING_EDGE)
		return -EOPNOTSUPP;
	pulses.on = request->flags & PTP_ENABLE_FEATURE;
	pulses.last_s = floor(world_now_s());
	return 0;
}

/* In place of the C library's: of a driver that knows brackets, and of a kernel that does not know
 * those of CLOCK_MONOTONIC_RAW if the world says so. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;
	int r = -EOPNOTSUPP;

	(void)fd;
	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == PTP_SYS_OFFSET_EXTENDED)
		r = read_brackets(argument);
	else if (request == PTP_PIN_SETFUNC)
		r = pin_choose(argument);
	else if (request == PTP_EXTTS_REQUEST || request == PTP_EXTTS_REQUEST2)
		r = pulses_switch(argument);
	else if (request == PTP_CLOCK_GETCAPS) {
		*(struct ptp_clock_caps *)argument = (struct ptp_clock_caps){
			.n_ext_ts = PULSE_CHANNEL + 1, .n_pins = PULSE_PIN + 1};
		r = 0;
	}
	errno = -r;
	return r < 0 ? -1 : 0;
}

/* In place of the C library's. A pulse comes at each whole second, and is stamped late. */
int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	double late_s, pulse_s;

	(void)count, (void)timeout;
	fds->revents = 0;
	if (!pulses.on || !world_clock_read(WORLD_CLOCK_PPS, &late_s))
		return 0;
	pulse_s = floor(world_now_s() - late_s);
	if (pulse_s <= pulses.last_s)
		return 0;
	pulses.last_s = pulse_s;
	pulses.stamped_s = pulse_s + late_s;
	fds->revents = POLLIN;
	return 1;
}

/* The same, what poll() has found; of another device or file it is the kernel's. */
ssize_t read(int fd, void *buffer, size_t size)
{
	struct ptp_extts_event event = {.index = PULSE_CHANNEL};

	if (fd != pulses.fd)
		return syscall(SYS_read, fd, buffer, size);
	event.t = ptp_time(device_utc(pulses.stamped_s));
	memcpy(buffer, &event, sizeof(event));
	return sizeof(event);
}
