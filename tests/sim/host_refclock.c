/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Reference clocks, which tell the time of the simulated world. Shared memory and pulses are read
 * by drivers of our own; SOCK and PHC have the product's, on a socket and a device that are played.
 */

#include "datagram.h"
#include "event.h"
#include "host.h"
#include "source/refclock/device.h"
#include "source/refclock/refclock.h"
#include "source/refclock/sock_message.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <math.h>
#include <meridian/ntp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <units.h>

#define PULSE_S     1.0
#define SEND_MIN_S  0.2 /* between two messages to the socket, and the random rest */
#define SEND_S      2.0
#define UNDER_WAY_S 0.05 /* a message waits up to so long before we read it */

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

	if (!world_clock_read(WORLD_CLOCK_SHM, &late_s))
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

	if (!world_clock_read(WORLD_CLOCK_PPS, &late_s))
		return -EIO;
	if (since_s < late_s)
		since_s += PULSE_S;
	reading.counter = world_counter() -
		(uint64_t)llround((since_s - late_s) * NS_PER_SECOND * (1 + world_frequency()));
	refclock_take(refclock, &reading);
	return 0;
}

const struct refclock_driver refclock_shm = {start, read_now, stop};
const struct refclock_driver refclock_pps = {start, read_pulse, stop};

/* Something that may be closed. */
static int descriptor(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* A program that reads a clock and sends what it found a bit later, at its own pace. */
static struct sender {
	int fd; /* of the socket */
	struct sock_message message;
	double next_s; /* when the next one is measured, after this one is sent */
} sender;

static void on_measure(void *arg);

static void on_send(void *arg)
{
	(void)arg;
	host_ready(sender.fd);
	event_add_timer((uint64_t)(sender.next_s * NS_PER_SECOND), on_measure, NULL);
}

static void message_write(double late_s)
{
	static const int leap[] = {[MERIDIAN_NTP_LI_NONE] = 0,
		[MERIDIAN_NTP_LI_INSERT] = 1,
		[MERIDIAN_NTP_LI_DELETE] = 2};
	struct meridian_utc utc = utc_at(world_now_s() - late_s), realtime;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_nsec -= now.tv_nsec % 1000;
	realtime = counter_utc(&now);
	sender.message =
		(struct sock_message){.time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000},
			.offset_s = timescale_utc_diff(utc, realtime),
			.leap = leap[world_leap_indicator(world_now_s())],
			.magic = SOCK_MESSAGE_MAGIC};
}

static void on_measure(void *arg)
{
	double late_s;

	(void)arg;
	sender.next_s = SEND_MIN_S + SEND_S * world_random();
	if (!world_clock_read(WORLD_CLOCK_SOCK, &late_s)) {
		event_add_timer((uint64_t)(sender.next_s * NS_PER_SECOND), on_measure, NULL);
		return;
	}
	message_write(late_s);
	event_add_timer((uint64_t)(UNDER_WAY_S * world_random() * NS_PER_SECOND), on_send, NULL);
}

int datagram_bind_unix(const char *path, mode_t mask)
{
	static bool runs;

	(void)path, (void)mask;
	sender.fd = descriptor();
	if (!runs)
		on_measure(NULL);
	runs = true;
	return sender.fd;
}

/* In place of the C library's, as in host.c: of the socket there is. */
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	(void)fd, (void)flags;
	memcpy(message->msg_iov[0].iov_base, &sender.message, sizeof(sender.message));
	return sizeof(sender.message);
}

/* The socket is where it was bound. */
int lstat(const char *restrict path, struct stat *restrict status)
{
	(void)path;
	*status = (struct stat){.st_ino = 1};
	return 0;
}

int device_open(const char *path, int flags)
{
	(void)path, (void)flags;
	return descriptor();
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

	if (!world_clock_read(WORLD_CLOCK_PHC, &width_s))
		return -EIO;
	clock_gettime(clock, &time);
	now = counter_utc(&time);
	for (unsigned int i = 0; i < offset->n_samples; i++) {
		world_clock_read(WORLD_CLOCK_PHC, &width_s);
		offset->ts[i][0] = ptp_time(timescale_utc_add(now, -width_s));
		offset->ts[i][1] = ptp_time(utc_at(world_now_s() - width_s * world_random()));
		offset->ts[i][2] = ptp_time(now);
	}
	return 0;
}

/* In place of the C library's: of a driver that knows brackets, and of a kernel that does not know
 * those of CLOCK_MONOTONIC_RAW if the world says so. */
int ioctl(int fd, unsigned long request, ...)
{
	struct ptp_sys_offset_extended *offset;
	va_list arguments;
	int r;

	(void)fd;
	va_start(arguments, request);
	offset = va_arg(arguments, struct ptp_sys_offset_extended *);
	va_end(arguments);
	if (request != PTP_SYS_OFFSET_EXTENDED)
		r = -EOPNOTSUPP;
	else if (offset->rsv[0] != CLOCK_REALTIME && world_clock_is_old())
		r = -EINVAL;
	else
		r = read_brackets(offset);
	errno = -r;
	return r < 0 ? -1 : 0;
}
