/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Reference clocks, which tell the time of the simulated world. Shared memory and pulses are read
 * by drivers of our own; SOCK has the product's, on a socket that is played, and PHC as well
 * (host_ptp.c).
 */

#include "datagram.h"
#include "event.h"
#include "host.h"
#include "source/refclock/refclock.h"
#include "source/refclock/sock_message.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <meridian/ntp.h>
#include <stdlib.h>
#include <string.h>
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
